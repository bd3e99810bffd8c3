// How particles look: contrast, size and what is drawn on them, for all at once.

import { find } from "../../../displays/_page/elements.js";
import { redrawCards } from "./cards.js";
import { updatePanel } from "./panel.js";
import { look } from "./pictures.js";
import { page } from "./state.js";

const START = { contrast: 0, brightness: 0 };

let planned = null;

export function setUpViews() {
  for (const name of ["contrast", "brightness"]) {
    find(name).addEventListener("input", ({ target }) => {
      look[name] = target.valueAsNumber;
      redraw();
    });
  }
  find("size").addEventListener("input", resize);
  find("reset").addEventListener("click", () => {
    for (const [name, value] of Object.entries(START)) {
      find(name).value = value;
      look[name] = value;
    }
    redraw();
  });
  for (const [id, name] of [["outline", "outline"], ["same-grays", "sameGrays"],
    ["same-scale", "sameScale"]]) {
    find(id).addEventListener("change", ({ target }) => {
      look[name] = target.checked;
      redraw();
    });
  }
  find("outline-field").hidden = !page.masks;
  if (!page.columns.includes("micrograph")) {
    find("same-grays-text").textContent = "Same grays for all";
  }
  window.addEventListener("resize", redraw);
}

export function changeLook(id, steps) {
  const field = find(id);
  if (steps > 0) field.stepUp(steps);
  else field.stepDown(-steps);
  field.dispatchEvent(new Event("input"));
}

function resize() {
  find("cards").style.setProperty("--size", `${find("size").value}px`);
  redraw();
}

// Once for all that happens before the next picture on the screen.
function redraw() {
  planned ??= requestAnimationFrame(() => {
    planned = null;
    redrawCards();
    updatePanel();
  });
}
