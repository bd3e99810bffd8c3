// Beside the cards: the focused particle in large, the classes with their counts, progress.

import { find, make, percent, plural } from "../../../displays/_page/elements.js";
import { makeKeySwatch } from "../../../displays/_page/swatches.js";
import { isInRows } from "./arranging.js";
import { describePlace } from "./cards.js";
import { acceptProposals, findAcceptable, giveClass, takeBack } from "./labeling.js";
import { draw } from "./pictures.js";
import {
  canRedo, canUndo, classes, countLabels, differs, hasProposals, page, particles, state,
} from "./state.js";

// More classes stand in two columns.
const MOST_IN_COLUMN = 5;

// To ask for it takes a layout, so it is asked when it may have changed.
let pictureWidth = null;

export function setUpPanel() {
  classes.forEach((name, i) => {
    const count = make("span", { className: "count" });
    const button = make("button", { type: "button", className: "class-button" },
      makeKeySwatch(String(i + 1), page.colors[i]),
      make("span", { className: "class-name" }, name), count);
    button.title = `${name} (key ${i + 1})`;
    button.addEventListener("click", () => giveClass(i));
    find("class-buttons").append(button);
  });
  const isMany = classes.length > MOST_IN_COLUMN;
  find("class-buttons").classList.toggle("many", isMany);
  const nRows = isMany ? Math.ceil(classes.length / 2) : classes.length;
  document.documentElement.style.setProperty("--rows", nRows);
  find("take-back").addEventListener("click", takeBack);
  find("accept").hidden = !hasProposals;
  find("accept").addEventListener("click", acceptProposals);
  window.addEventListener("resize", () => {
    pictureWidth = null;
  });
}

export function updateProgress() {
  const n = countLabels();
  find("progress").max = particles.length;
  find("progress").value = n;
  find("progress-text").textContent = `${n} of ${particles.length} labeled`;
  find("undo").disabled = !canUndo();
  find("redo").disabled = !canRedo();
  find("unsaved").textContent = state.isSaved ? "" : "not saved";
  const counts = classes.map(() => 0);
  for (const { label } of particles) if (label) counts[label.name]++;
  [...find("class-buttons").children].forEach((button, i) => {
    button.lastChild.textContent = counts[i];
    button.ariaLabel = `${classes[i]}, key ${i + 1}, ${plural(counts[i], "label")}`;
  });
}

export function updatePanel() {
  const selected = [...state.selected];
  const one = selected.length === 1 ? selected[0] : null;
  [...find("class-buttons").children].forEach((button, i) => {
    const isGiven = selected.length && selected.every(({ label }) => label?.name === i);
    button.setAttribute("aria-pressed", String(Boolean(isGiven)));
    button.classList.toggle("proposed", one?.label === null && one.proposal === i);
    button.disabled = !selected.length;
  });
  find("take-back").disabled = !selected.some(({ label }) => label);
  find("picture-title").textContent = one ? describePlace(one)
    : selected.length ? `${plural(selected.length, "particle")} selected` : "Nothing selected";
  find("picture-text").textContent = one ? describeInWords(one) : "";
  updateAccept();
  drawFocused();
}

function drawFocused() {
  const picture = find("picture");
  picture.hidden = !state.focused;
  if (!state.focused) return;
  picture.ariaLabel = `${describePlace(state.focused)} in large`;
  pictureWidth ??= picture.clientWidth;
  draw(picture, state.focused, pictureWidth, true);
}

function updateAccept() {
  const accepted = findAcceptable();
  const names = new Set(accepted.map(({ proposal }) => classes[proposal]));
  const what = names.size === 1 ? [...names][0] : "proposals";
  const isRow = isInRows() && state.selected.size < 2;
  find("accept").disabled = !accepted.length;
  find("accept-text").textContent = accepted.length
    ? `Accept${isRow ? " row" : ""}: ${accepted.length} ${what}` : "Nothing to accept";
}

function describeInWords(particle) {
  const { height, width, pixelSize, label, proposal, probability } = particle;
  const size = pixelSize === null ? `${width} × ${height} px`
    : `${(width * pixelSize).toPrecision(3)} × ${(height * pixelSize).toPrecision(3)} nm`;
  const sure = probability === null ? "" : ` (${percent(probability)})`;
  const proposed = proposal === null ? "" : ` Proposed: ${classes[proposal]}${sure}.`;
  const own = label ? ` Labeled ${classes[label.name]}.` : "";
  return `${size}.${own}${differs(particle) || !label ? proposed : ""}`;
}
