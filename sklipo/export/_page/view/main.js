// The page: what its buttons and events do.

import { askDialog } from "../../../displays/_page/dialogs.js";
import { announce, find, make, plural } from "../../../displays/_page/elements.js";
import { describeModel } from "./about.js";
import {
  arrangeCards, handleCardKeys, updateCards, updateSelection,
} from "./cards.js";
import { setUpCounts, updateCounts } from "./counts.js";
import { setUpDetails, updateDetails } from "./details.js";
import { startEngine } from "./engine.js";
import { gatherChosen, gatherDropped } from "./gathering.js";
import { cancelImport, importFiles } from "./importing.js";
import { followSelection, setUpMicrographs, updateMicrographs } from "./micrographs.js";
import { openOutline, setUpOutlines, updateWaiting } from "./outlines.js";
import { saveCsv } from "./saving.js";
import {
  canUndo, classes, hasLabelOfFiles, listen, outcomes, page, removeAll, setLabels, state, undo,
} from "./state.js";

const PAUSE = 200;
const PART_OF_TIME = 5;

let planned = null;
let pause = PAUSE;

describeModel();
setUpCounts();
setUpDetails(openOutline);
setUpOutlines();
setUpMicrographs();
setUpFilters();
setUpFiles(startEngine());
setUpButtons();

// While particles come in, they are shown a few times a second, and for no more than a part
// of the time; at the end at once.
listen("particles", () => {
  if (find("progress").hidden) showParticles();
  else planned ??= setTimeout(showParticles, pause);
});
listen("labels", () => {
  updateCards();
  updateCounts();
  updateDetails();
  updateMicrographs();
  find("undo").disabled = !canUndo();
});
listen("selection", () => {
  updateSelection();
  updateDetails();
  followSelection();
});
listen("problems", showProblems);

function showParticles() {
  clearTimeout(planned);
  planned = null;
  const start = performance.now();
  arrangeCards();
  updateCounts();
  updateWaiting();
  updateDetails();
  updateMicrographs();
  find("drop").classList.toggle("small", state.particles.length > 0);
  find("drop-help").hidden = state.particles.length > 0;
  find("results").hidden = !state.particles.some(({ prediction }) => prediction !== undefined);
  pause = Math.max(PAUSE, PART_OF_TIME * (performance.now() - start));
}

function setUpFilters() {
  const options = outcomes.map((name) => make("option", { value: `class:${name}` }, name));
  find("filter").querySelector("optgroup").append(...options);
  for (const id of ["filter", "order"]) find(id).addEventListener("change", arrangeCards);
}

function setUpFiles(engine) {
  engine.catch((error) => {
    find("failure").hidden = false;
    find("failure").textContent =
      `The model can't run in this browser: ${error.message}. Take a current Chrome, ` +
      "Chromium, Edge or Firefox.";
  });
  const take = (files) => importFiles(files, engine);
  for (const id of ["files", "folder"]) {
    find(`choose-${id}`).addEventListener("click", () => find(id).click());
    find(id).addEventListener("change", ({ target }) => {
      take(gatherChosen(target.files));
      target.value = "";
    });
  }
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    find("drop").classList.add("over");
  });
  for (const name of ["dragleave", "drop"]) {
    document.addEventListener(name, () => find("drop").classList.remove("over"));
  }
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    take(await gatherDropped(event.dataTransfer.items));
  });
}

function setUpButtons() {
  find("cancel").addEventListener("click", cancelImport);
  find("undo").addEventListener("click", undoLast);
  find("save").addEventListener("click", saveCsv);
  find("cards").addEventListener("keydown", handleCardKeys);
  find("forget-labels").addEventListener("click", () =>
    setLabels(state.particles.filter(hasLabelOfFiles), () => null));
  find("remove-all").addEventListener("click", async () => {
    if ((await askDialog(find("remove-dialog"))) === "yes") removeAll();
  });
  find("pixel-size-field").hidden = page.unit !== "nm";
  find("pixel-size").addEventListener("change", ({ target }) => {
    if (target.validity.valid && target.value) state.pixelSize = Number(target.value);
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && event.target.tagName !== "INPUT") {
      event.preventDefault();
      undoLast();
    }
  });
  window.addEventListener("beforeunload", (event) => {
    if (state.particles.some((particle) => particle.label && !hasLabelOfFiles(particle))) {
      event.preventDefault();
    }
  });
}

function undoLast() {
  const particles = undo();
  const done = `Undone for ${plural(particles.length, "particle")}.`;
  announce(particles.length ? done : "Nothing to undo.");
}

function showProblems() {
  find("problems").hidden = !state.problems.length;
  find("problems-title").textContent = `${plural(state.problems.length, "file")} to look at`;
  find("problems-list").replaceChildren(...state.problems.map(({ name, text }) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, text))));
}

find("keys").textContent = `1 to ${classes.length}`;
