// Keys: classes and commands everywhere, moves among the cards.

import { find } from "../../../displays/_page/elements.js";
import { arrangeCards, listShown, showCard } from "./cards.js";
import { saveLabels } from "./files.js";
import {
  acceptProposals, findBelow, giveClass, goOn, goTo, redoLast, takeBack, undoLast,
} from "./labeling.js";
import { classes, particles, select, state } from "./state.js";
import { changeLook } from "./views.js";

const TEXT_FIELDS = "input[type=text], input:not([type]), textarea, select";
const MOVES = {
  ArrowRight: () => neighbor(1),
  ArrowLeft: () => neighbor(-1),
  ArrowDown: () => findBelow(1),
  ArrowUp: () => findBelow(-1),
  Home: () => listShown()[0],
  End: () => listShown().at(-1),
};
const WITH_CONTROL = {
  z: undoLast,
  y: redoLast,
  Z: redoLast,
  s: saveLabels,
};
const COMMANDS = {
  "0": takeBack,
  Backspace: takeBack,
  Delete: takeBack,
  n: goOn,
  r: arrangeCards,
  o: () => find("outline").click(),
  "+": () => changeLook("size", 1),
  "-": () => changeLook("size", -1),
  "]": () => changeLook("contrast", 1),
  "[": () => changeLook("contrast", -1),
  ".": () => changeLook("brightness", 1),
  ",": () => changeLook("brightness", -1),
  "?": () => find("help").click(),
};

// Where a range began that Shift extends.
let anchor = null;

export function setUpKeys() {
  document.addEventListener("keydown", handleKey);
  find("cards").addEventListener("click", handleClick);
}

function handleKey(event) {
  if (event.altKey || document.querySelector("dialog[open]")) return;
  const isControl = event.ctrlKey || event.metaKey;
  const action = (isControl ? findWithControl(event) : findCommand(event)) ?? findMove(event);
  if (!action) return;
  event.preventDefault();
  action();
}

function findWithControl({ key, target }) {
  if (key === "a" && !target.matches(TEXT_FIELDS)) {
    return () => select(listShown(), state.focused);
  }
  return WITH_CONTROL[key];
}

function findCommand({ key, target }) {
  if (key === "Escape") return () => state.focused && showCard(state.focused);
  if (target.matches(TEXT_FIELDS)) return null;
  const number = /^[1-9]$/.test(key) ? Number(key) : 0;
  if (number && number <= classes.length) return () => giveClass(number - 1);
  return COMMANDS[key];
}

// Moves are for cards, as other elements have meanings of their own for these keys.
function findMove(event) {
  const { key, target } = event;
  if (target !== document.body && !target.closest("#cards")) return null;
  if (key === "Enter") return acceptProposals;
  if (key === " ") return () => toggle(state.focused);
  return MOVES[key] && (() => move(MOVES[key](), event));
}

function move(particle, { shiftKey, ctrlKey, metaKey }) {
  if (!particle) return;
  if (shiftKey) selectRange(particle);
  else if (ctrlKey || metaKey) select(state.selected, particle);
  else {
    goTo(particle);
    return;
  }
  showCard(particle);
}

function neighbor(step) {
  const shown = listShown();
  return shown[shown.indexOf(state.focused) + step];
}

function selectRange(particle) {
  if (state.selected.size < 2 || !state.selected.has(anchor)) anchor = state.focused;
  const shown = listShown();
  const [from, to] = [shown.indexOf(anchor), shown.indexOf(particle)].sort((a, b) => a - b);
  select(shown.slice(from, to + 1), particle);
}

function toggle(particle) {
  if (!particle) return;
  const others = [...state.selected].filter((other) => other !== particle);
  select(state.selected.has(particle) ? others : [...others, particle], particle);
}

function handleClick(event) {
  const card = event.target.closest(".card");
  if (!card) return;
  const particle = particles[card.dataset.number];
  if (event.shiftKey) selectRange(particle);
  else if (event.ctrlKey || event.metaKey) toggle(particle);
  else select([particle], particle);
  showCard(particle);
}
