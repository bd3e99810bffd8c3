// Giving classes: to what is selected, or to a row as it was proposed.

import { announce, find, plural } from "../../../displays/_page/elements.js";
import { findRow, listLines, listShown, showCard } from "./cards.js";
import { requireExpert } from "./experts.js";
import { classes, now, redo, select, setLabels, state, undo } from "./state.js";

// Go to one particle alone.
export function goTo(particle) {
  if (!particle) return;
  select([particle], particle);
  showCard(particle);
}

export async function giveClass(name) {
  const chosen = [...state.selected];
  if (!chosen.length || !(await requireExpert())) return;
  setLabels(chosen.map((particle) => [particle, { name, time: now() }]));
  announce(`${plural(chosen.length, "particle")}: ${classes[name]}.`);
  if (find("auto-next").checked) goOn();
}

export async function takeBack() {
  if (!(await requireExpert())) return;
  const n = setLabels([...state.selected].map((particle) => [particle, null]));
  announce(`${plural(n, "label")} taken back.`);
}

// What Enter accepts: the selected ones if there are several, else the focused row, else
// the focused particle; those without a label.
export function findAcceptable() {
  const row = state.selected.size > 1 ? null : findRow();
  const chosen = row ?? [...state.selected];
  return chosen.filter(({ label, proposal }) => label === null && proposal !== null);
}

export async function acceptProposals() {
  const accepted = findAcceptable();
  if (accepted.length && !(await requireExpert())) return;
  const n = setLabels(accepted.map((particle) =>
    [particle, { name: particle.proposal, time: now() }]));
  if (n) announce(`${plural(n, "proposal")} accepted.`);
  goOn();
}

// To the next particle without a label: first in the row, that none of it is left out.
export function goOn() {
  const isOpen = ({ label }) => label === null;
  const row = findRow() ?? [];
  const shown = listShown();
  const start = shown.indexOf(state.focused) + 1;
  const places = [inOrder(row, row.indexOf(state.focused) + 1), inOrder(shown, start)];
  const next = places.flat().find(isOpen);
  if (next) goTo(next);
  else announce("All particles that are shown have labels.");
}

function inOrder(list, start) {
  return [...list.slice(start), ...list.slice(0, start)];
}

export function undoLast() {
  follow(undo(), "Undone", "Nothing to undo.");
}

export function redoLast() {
  follow(redo(), "Made again", "Nothing to make again.");
}

function follow(changed, what, nothing) {
  const shown = new Set(listShown());
  const seen = changed.filter((particle) => shown.has(particle));
  announce(changed.length ? `${what} for ${plural(changed.length, "particle")}.` : nothing);
  if (!seen.length) return;
  select(seen, seen[0]);
  showCard(seen[0]);
}

// A line up or down, in the same column.
export function findBelow(step) {
  const lines = listLines();
  const place = lines.findIndex((line) => line.includes(state.focused));
  const line = lines[place + step];
  return line?.[Math.min(lines[place].indexOf(state.focused), line.length - 1)];
}
