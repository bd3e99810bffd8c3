// Who labels: asked at the start, and before the first label at the latest.

import { askDialog } from "../../../displays/_page/dialogs.js";
import { announce, find, make, plural } from "../../../displays/_page/elements.js";
import { goOnAs, knownExperts, lastExpert, warn, wouldLose } from "./keeping.js";
import { countLabels, state } from "./state.js";

// Return whether there is an expert, after asking for one if need be.
export async function requireExpert() {
  return state.expert !== null || askForExpert();
}

export async function askForExpert() {
  if (find("expert-dialog").open) return false;
  if (wouldLose()) {
    warn("This browser keeps no labels. Save them before another expert begins.");
    return false;
  }
  find("expert-name").value = state.expert ?? lastExpert();
  find("experts").replaceChildren(...knownExperts().map((value) => make("option", { value })));
  const answer = askDialog(find("expert-dialog"));
  find("expert-name").select();
  const name = (await answer) && find("expert-name").value.trim();
  if (name && name !== state.expert) {
    goOnAs(name);
    find("expert").textContent = `Expert: ${name}`;
    const n = countLabels();
    announce(`Labels are by ${name}. ${n ? `${plural(n, "label")} of yours kept.` : ""}`);
  }
  return Boolean(name);
}
