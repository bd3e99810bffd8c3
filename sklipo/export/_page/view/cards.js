// The particles as cards, which a mouse, arrows and number keys can classify.

import { drawOutline, traceOutline } from "../../../displays/_page/drawing.js";
import { announce, find, make, percent, plural } from "../../../displays/_page/elements.js";
import { colorOf, makeSwatch } from "./colors.js";
import { compareNames } from "./gathering.js";
import { drawPicture } from "./pictures.js";
import { classOf, classes, outcomes, select, setLabels, state, surenessOf } from "./state.js";

const THUMBNAIL = 192;

const cards = new Map();
let shown = [];
let focused = null;

const ORDERS = {
  name: (one, other) => compareNames(one.name, other.name),
  class: (one, other) => outcomes.indexOf(classOf(one)) - outcomes.indexOf(classOf(other)) ||
    surenessOf(other) - surenessOf(one),
  surest: (one, other) => surenessOf(other) - surenessOf(one),
  doubtful: (one, other) => surenessOf(one) - surenessOf(other),
};

// Sort and filter anew. A class given by hand moves no card until this is asked for.
export function arrangeCards() {
  const [kind, value] = find("filter").value.split(/:(.*)/s);
  const isWanted = {
    all: () => true,
    class: (particle) => classOf(particle) === value,
    unlabeled: (particle) => particle.label === null,
    labeled: (particle) => particle.label !== null,
    changed: (particle) => particle.label !== null && particle.label !== particle.prediction,
  }[kind];
  const classified = state.particles.filter((particle) => particle.prediction !== undefined);
  shown = classified.filter(isWanted).sort(ORDERS[find("order").value]);
  const known = new Set(classified);
  for (const [particle, card] of cards) {
    if (!known.has(particle)) {
      card.remove();
      cards.delete(particle);
    }
  }
  const elements = shown.map((particle) => cards.get(particle) ?? makeCard(particle));
  find("cards").replaceChildren(...elements);
  if (!shown.includes(focused)) focused = shown[0] ?? null;
  updateTabStops();
  find("shown").textContent = shown.length === classified.length
    ? plural(shown.length, "particle")
    : `${shown.length} of ${plural(classified.length, "particle")}`;
}

export function updateCards() {
  for (const [particle, card] of cards) updateCard(particle, card);
}

// Draw a card anew, after its outline was changed.
export function redrawCard(particle) {
  cards.get(particle)?.remove();
  cards.delete(particle);
}

export function updateSelection() {
  for (const [particle, card] of cards) {
    card.setAttribute("aria-selected", String(state.selected.has(particle)));
  }
}

export function focusParticle(particle, isAdded = false) {
  if (!particle) return;
  focused = particle;
  if (!shown.includes(particle)) {
    find("filter").value = "all";
    arrangeCards();
  }
  select([particle], isAdded);
  updateTabStops();
  cards.get(particle).focus();
}

// The particle that follows the focused one, in the order of the cards.
export function focusNext(step = 1) {
  const next = shown[shown.indexOf(focused) + step];
  if (next) focusParticle(next);
}

function makeCard(particle) {
  const canvas = make("canvas", { width: THUMBNAIL, height: THUMBNAIL });
  const card = make("div", { className: "card", tabIndex: -1, role: "option" },
    canvas,
    make("div", { className: "card-head" },
      make("span", { className: "card-name", title: particle.name }, shorten(particle)),
      " ", make("span", { className: "card-note" })),
    " ", make("div", { className: "card-class" }),
    makeChoices(particle));
  card.addEventListener("click", (event) => clickCard(event, particle));
  cards.set(particle, card);
  updateCard(particle, card);
  return card;
}

// One click gives a class; the number keys and the buttons beside do the same.
function makeChoices(particle) {
  const choices = classes.map((name) => {
    const choice = make("span", { className: "choice", title: name }, makeSwatch(name));
    choice.addEventListener("click", (event) => {
      event.stopPropagation();
      focusParticle(particle);
      giveClass(name);
    });
    return choice;
  });
  const element = make("div", { className: "choices" }, ...choices);
  element.setAttribute("aria-hidden", "true");
  return element;
}

function updateCard(particle, card) {
  const name = classOf(particle);
  const isChanged = particle.label !== null && particle.label !== particle.prediction;
  if (card.dataset.state === `${particle.label}`) return;
  card.dataset.state = `${particle.label}`;
  const [canvas, head, line, choices] = card.children;
  const place = drawPicture(canvas, particle.picture);
  if (particle.outline !== "whole image") {
    const { height, width } = particle.picture;
    particle.path2d = traceOutline(particle.mask, height, width);
    drawOutline(canvas, place, particle.path2d, colorOf(name), 3);
  }
  const note = particle.label === null
    ? percent(surenessOf(particle)) : isChanged ? "changed" : "confirmed";
  head.lastChild.textContent = note;
  line.replaceChildren(makeSwatch(name), make("span", { className: "card-label" }, name));
  [...choices.children].forEach((choice, i) =>
    choice.classList.toggle("chosen", classes[i] === name));
  card.classList.toggle("labeled", particle.label !== null);
  card.setAttribute("aria-label", describe(particle, note));
  card.setAttribute("aria-selected", String(state.selected.has(particle)));
}

// What is heard begins with what is seen.
function describe(particle, note) {
  const seen = `${shorten(particle)} ${note} ${classOf(particle)}`;
  const { label, prediction } = particle;
  if (label === null) return seen;
  return `${seen}, predicted ${prediction} ${percent(surenessOf(particle))}`;
}

function shorten({ name, instance, micrograph, top }) {
  return top === undefined ? name.replace(/^.*\//, "") : `${instance} of ${micrograph}`;
}

function clickCard(event, particle) {
  if (event.shiftKey && focused) selectRange(particle);
  else focusParticle(particle, event.ctrlKey || event.metaKey);
}

function selectRange(particle) {
  const [from, to] = [shown.indexOf(focused), shown.indexOf(particle)].sort((a, b) => a - b);
  select(shown.slice(from, to + 1), true);
}

function updateTabStops() {
  for (const [particle, card] of cards) card.tabIndex = particle === focused ? 0 : -1;
}

// Give the selected particles a class by hand.
export function giveClass(name) {
  const particles = [...state.selected];
  setLabels(particles, () => name);
  announce(`${plural(particles.length, "particle")}: ${name}.`);
}

export function takeBack() {
  const n = setLabels([...state.selected], () => null);
  announce(`${plural(n, "particle")}: as predicted.`);
}

// Say that the prediction is right, which makes it known. The undecided have no class.
export function confirmSelected() {
  const decided = [...state.selected].filter(({ prediction }) => classes.includes(prediction));
  setLabels(decided, ({ label, prediction }) => label ?? prediction);
  announce(`${plural(decided.length, "particle")} confirmed.`);
}

export function handleCardKeys(event) {
  if (event.altKey || !shown.length) return;
  const isControl = event.ctrlKey || event.metaKey;
  const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columnCount(), ArrowUp: -columnCount() };
  const ends = { Home: shown[0], End: shown.at(-1) };
  const number = /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
  if (event.key in moves) moveFocus(moves[event.key], event.shiftKey);
  else if (event.key in ends) focusParticle(ends[event.key]);
  else if (isControl && event.key === "a") select(shown);
  else if (isControl) return;
  else if (number && number <= classes.length) giveClass(classes[number - 1]);
  else if (["0", "Backspace", "Delete"].includes(event.key)) takeBack();
  else if (event.key === "Enter") {
    confirmSelected();
    focusNext();
  } else if (event.key === " ") toggleFocused();
  else return;
  event.preventDefault();
}

function moveFocus(step, isAdded) {
  const place = shown.indexOf(focused) + step;
  if (place >= 0 && place < shown.length) focusParticle(shown[place], isAdded);
}

function toggleFocused() {
  const others = [...state.selected].filter((particle) => particle !== focused);
  select(state.selected.has(focused) ? others : [...others, focused]);
}

function columnCount() {
  const [first, ...others] = find("cards").children;
  const below = others.findIndex((card) => card.offsetTop > first.offsetTop);
  return below < 0 ? others.length + 1 : below + 1;
}
