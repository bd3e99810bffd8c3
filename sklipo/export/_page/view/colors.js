// A color and a number for each class: no class is told by its color alone.

import { makeKeySwatch } from "../../../displays/_page/swatches.js";
import { outcomes, page } from "./state.js";

export function colorOf(name) {
  return page.colors[outcomes.indexOf(name)];
}

// The number key of a class; what the model leaves undecided has a question mark.
export function keyOf(name) {
  return name === page.unsure ? "?" : String(outcomes.indexOf(name) + 1);
}

export function makeSwatch(name) {
  return makeKeySwatch(keyOf(name), colorOf(name));
}
