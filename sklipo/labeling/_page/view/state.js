// What the page knows: its particles, their labels, and what is selected.
//
// A label is {name, time}: the number of a class, and when it was given. A particle
// without one has null.

export const page = JSON.parse(document.getElementById("contents").textContent);
export const classes = page.classes;
export const hasProposals = page.proposals !== null;
export const hasProbabilities = page.probabilities !== null;

export const particles = page.names.map((name, i) => ({
  i,
  name,
  pixels: page.pixels[i],
  micrograph: page.micrograph?.[i] ?? "",
  instance: page.instance?.[i] ?? "",
  height: page.shapes[i][0],
  width: page.shapes[i][1],
  pixelSize: page.sizes?.[i] ?? null,
  proposal: page.proposals?.[i] ?? null,
  probability: page.probabilities?.[i] ?? null,
  label: null,
}));

// A place is known by micrograph and instance. Particles without one are those of the same
// pixels, all of which get a label together.
const byPlace = new Map(particles.map((particle) => [placeOf(particle), particle]));
const byPixels = group(particles, ({ pixels }) => pixels);

export const state = { expert: null, focused: null, selected: new Set(), isSaved: true };

const [done, undone] = [[], []];
const listeners = { labels: [], selection: [] };

// The particles that a row of a file or of the browser's memory is about.
export function findParticles(row) {
  const place = placeOf(row);
  const particle = place && byPlace.get(place);
  if (particle) return particle.pixels === row.pixels ? [particle] : [];
  return byPixels.get(row.pixels) ?? [];
}

function placeOf({ micrograph, instance }) {
  return micrograph && instance ? JSON.stringify([micrograph, instance]) : null;
}

// A map of lists of values.
export function group(values, keyOf) {
  const groups = new Map();
  for (const value of values) {
    const key = keyOf(value);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(value);
  }
  return groups;
}

export function listen(event, listener) {
  listeners[event].push(listener);
}

// Tell what has changed: of labels, those of which particles.
export function tell(event, changed = particles) {
  for (const listener of listeners[event]) listener(changed);
}

export function differs({ label, proposal }) {
  return label !== null && proposal !== null && label.name !== proposal;
}

export function now() {
  return new Date().toISOString().replace(/\.\d+/, "");
}

export function countLabels() {
  return particles.filter(({ label }) => label).length;
}

export function select(chosen, focused = state.focused) {
  state.selected = new Set(chosen);
  state.focused = focused;
  tell("selection");
}

// Give labels, each to its particle, or null to take them back. It can be undone.
export function setLabels(labels) {
  const changes = [...labels].flatMap(([particle, after]) =>
    findParticles(particle).map((twin) => ({ twin, before: twin.label, after })));
  const isChange = ({ before, after }) => before?.name !== after?.name;
  const changed = changes.filter(isChange);
  if (!changed.length) return 0;
  done.push(changed);
  undone.length = 0;
  apply(changed, "after");
  return changed.length;
}

export const canUndo = () => done.length > 0;
export const canRedo = () => undone.length > 0;

// Take the last change back, or make it again; return its particles.
export function undo() {
  return move(done, undone, "before");
}

export function redo() {
  return move(undone, done, "after");
}

function move(from, to, side) {
  const changes = from.pop();
  if (!changes) return [];
  to.push(changes);
  apply(changes, side);
  return changes.map(({ twin }) => twin);
}

function apply(changes, side) {
  for (const change of changes) change.twin.label = change[side];
  state.isSaved = false;
  tell("labels", changes.map(({ twin }) => twin));
}

// Begin anew with labels that were kept, without a way back.
export function replaceLabels(labels, isSaved) {
  for (const particle of particles) particle.label = labels.get(particle) ?? null;
  [done.length, undone.length] = [0, 0];
  state.isSaved = isSaved;
  tell("labels");
}
