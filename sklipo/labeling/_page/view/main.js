// The page: what its buttons and events do.

import { find, make } from "../../../displays/_page/elements.js";
import { listMicrographs } from "./arranging.js";
import { arrangeCards, showCard, updateCards, updateSelection } from "./cards.js";
import { askForExpert } from "./experts.js";
import { openLabels, saveLabels } from "./files.js";
import { keepLabels, watchOtherTabs } from "./keeping.js";
import { setUpKeys } from "./keys.js";
import { redoLast, undoLast } from "./labeling.js";
import { setUpPanel, updatePanel, updateProgress } from "./panel.js";
import {
  classes, hasProbabilities, hasProposals, listen, page, state,
} from "./state.js";
import { setUpViews } from "./views.js";

setUpPanel();
setUpFilters();
setUpViews();
setUpKeys();
setUpButtons();
watchOtherTabs();
listen("labels", (changed) => {
  keepLabels();
  updateCards(changed);
  updateSelection();
  updateProgress();
  updatePanel();
});
listen("selection", () => {
  updateSelection();
  updatePanel();
});
arrangeCards();
updateProgress();
start();

async function start() {
  await askForExpert();
  if (state.focused) showCard(state.focused);
}

function setUpFilters() {
  for (const kind of ["label", "proposal"]) {
    const options = classes.map((name, i) =>
      make("option", { value: `${kind}:${i}` }, `${i + 1} ${name}`));
    find(`filter-${kind}`).append(...options);
  }
  find("filter-proposal").hidden = !hasProposals;
  find("filter-differs").hidden = !hasProposals;
  const micrographs = page.columns.includes("micrograph") ? listMicrographs() : [];
  find("micrograph").append(...micrographs.map((name) =>
    make("option", { value: `:${name}` }, name || "(none)")));
  find("micrograph-field").hidden = micrographs.length < 2;
  setUpOrders(micrographs.length > 1);
  for (const id of ["filter", "micrograph", "order"]) {
    find(id).addEventListener("change", arrangeCards);
  }
}

function setUpOrders(hasMicrographs) {
  const isKnown = { given: true, rows: hasProposals, sure: hasProbabilities,
    unsure: hasProbabilities, micrograph: hasMicrographs };
  for (const option of [...find("order").options]) if (!isKnown[option.value]) option.remove();
  find("order").value = hasProposals ? "rows" : "given";
}

function setUpButtons() {
  const actions = { undo: undoLast, redo: redoLast, save: saveLabels, expert: askForExpert,
    arrange: arrangeCards, open: () => find("file").click(),
    help: () => find("help-dialog").showModal() };
  for (const [id, action] of Object.entries(actions)) find(id).addEventListener("click", action);
  find("file").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (file) await openLabels(file);
    target.value = "";
  });
  window.addEventListener("beforeunload", (event) => {
    if (!state.isSaved) event.preventDefault();
  });
}
