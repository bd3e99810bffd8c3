// The particles as cards, drawn when they come into view.

import { find, make, percent, plural } from "../../../displays/_page/elements.js";
import { makeKeySwatch, textColorOn } from "../../../displays/_page/swatches.js";
import { arrange, isInRows } from "./arranging.js";
import { draw } from "./pictures.js";
import { classes, differs, page, particles, select, state } from "./state.js";

// Border and padding of a card.
const FRAME = 8;

const cards = new Map();
const visible = new Set();
let groups = [];
let shown = [];
// To ask for these takes a layout, so they are asked when they may have changed.
let [nColumns, cardWidth] = [1, 0];

const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const particle = particles[target.dataset.number];
    if (isIntersecting) {
      visible.add(particle);
      drawCard(particle);
    } else {
      visible.delete(particle);
    }
  }
}, { root: find("cards"), rootMargin: "400px" });

// Filter and sort anew. A label moves no card until this is asked for.
export function arrangeCards() {
  observer.disconnect();
  visible.clear();
  groups = arrange();
  shown = groups.flatMap(({ members }) => members);
  find("cards").replaceChildren(...groups.map(makeGroup));
  for (const particle of shown) observer.observe(cards.get(particle));
  measureGrid();
  const kept = shown.filter((particle) => state.selected.has(particle));
  const focused = shown.includes(state.focused) ? state.focused : kept[0] ?? shown[0] ?? null;
  select(kept.length ? kept : [focused].filter(Boolean), focused);
  find("empty").hidden = shown.length > 0;
  find("shown").textContent = shown.length === particles.length
    ? `All ${shown.length} shown` : `${shown.length} of ${particles.length} shown`;
  if (focused) cards.get(focused).scrollIntoView({ block: "nearest" });
}

export function listShown() {
  return shown;
}

// The lines of cards as they are seen, from top to bottom.
export function listLines() {
  return groups.flatMap(({ members }) =>
    Array.from({ length: Math.ceil(members.length / nColumns) }, (_, i) =>
      members.slice(i * nColumns, (i + 1) * nColumns)));
}

// Alike particles at one glance: the line of the focused one, all proposed as one class.
export function findRow() {
  if (!isInRows() || !state.focused) return null;
  return listLines().find((line) => line.includes(state.focused)) ?? null;
}

export function redrawCards() {
  measureGrid();
  updateSelection();
  for (const particle of visible) drawCard(particle);
}

function drawCard(particle) {
  draw(cards.get(particle).firstChild, particle, cardWidth - FRAME);
}

export function updateCards(changed) {
  for (const particle of changed) if (cards.has(particle)) updateCard(particle);
}

export function updateSelection() {
  const row = new Set(findRow());
  for (const particle of shown) {
    const card = cards.get(particle);
    const isSelected = state.selected.has(particle);
    const tabIndex = particle === state.focused ? 0 : -1;
    // Of thousands of cards, few change.
    if (card.ariaSelected !== String(isSelected)) card.ariaSelected = String(isSelected);
    if (card.tabIndex !== tabIndex) card.tabIndex = tabIndex;
    card.classList.toggle("in-row", row.has(particle));
  }
}

// Go to a particle: it is seen, and keys are for it.
export function showCard(particle) {
  const card = cards.get(particle);
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
}

function measureGrid() {
  const grid = document.querySelector(".grid");
  if (!grid) return;
  const widths = getComputedStyle(grid).gridTemplateColumns.split(" ");
  [nColumns, cardWidth] = [widths.length, parseFloat(widths[0])];
}

function makeGroup({ title, proposal, members }) {
  const elements = members.map((particle) => cards.get(particle) ?? makeCard(particle));
  const grid = make("div", { className: "grid" }, ...elements);
  if (!title) return grid;
  const swatch = proposal === undefined
    ? [] : [makeKeySwatch(String(proposal + 1), page.colors[proposal])];
  const heading = make("h2", { role: "presentation" }, ...swatch, ` ${title} `,
    make("small", {}, plural(members.length, "particle")));
  return make("div", { className: "group", role: "group", ariaLabel: title }, heading, grid);
}

function makeCard(particle) {
  const card = make("div", { className: "card", tabIndex: -1, role: "option" },
    make("canvas"), make("div", { className: "card-class" }));
  card.dataset.number = particle.i;
  cards.set(particle, card);
  updateCard(particle);
  return card;
}

function updateCard(particle) {
  const card = cards.get(particle);
  const { label, proposal } = particle;
  const name = label?.name ?? proposal;
  const line = card.lastChild;
  card.className = `card ${label ? "labeled" : name === null ? "" : "proposed"}`;
  card.ariaLabel = describe(particle);
  card.title = describePlace(particle);
  card.style.setProperty("--class", name === null ? "" : page.colors[name]);
  card.style.setProperty("--on-class", name === null ? "" : textColorOn(page.colors[name]));
  line.replaceChildren(...(name === null ? ["not labeled"] : [
    makeKeySwatch(String(name + 1), page.colors[name]),
    make("span", { className: "card-label" }, classes[name]),
    make("span", { className: "card-note" }, describeNote(particle)),
  ]));
}

// How sure a proposal is, or that a label is another.
function describeNote(particle) {
  const { label, proposal, probability } = particle;
  if (label) return differs(particle) ? `≠ ${proposal + 1}` : "";
  return probability === null ? "?" : `${Math.round(100 * probability)} %`;
}

export function describePlace({ name, micrograph, instance }) {
  if (micrograph && instance) return `${instance} of ${micrograph}`;
  return micrograph ? `${name} of ${micrograph}` : `Particle ${name}`;
}

// What is heard.
export function describe(particle) {
  const { label, proposal, probability } = particle;
  const sure = probability === null ? "" : ` ${percent(probability)}`;
  const proposed = proposal === null ? "" : `, proposed ${classes[proposal]}${sure}`;
  return `${describePlace(particle)}, ${label ? classes[label.name] : "not labeled"}${proposed}`;
}
