// What the page knows: its particles, the classes given by hand, and what is selected.
//
// A particle is {name, path, file, picture, mask, prediction, probabilities, label ...};
// its label is the class given by hand, null where nobody gave one.

export const page = JSON.parse(document.getElementById("contents").textContent);
if (page.errors) page.errors.drawn = unpackDrawn(page.errors);
export const classes = page.classes;
// Whatever can be predicted, in the order of tables.
export const outcomes = page.unsure === null ? classes : [...classes, page.unsure];

export const state = {
  particles: [],
  micrographs: [],
  problems: [],
  selected: new Set(),
  pixelSize: null,
};

const history = [];
const listeners = { particles: [], labels: [], selection: [], problems: [] };

// Matrices of floats, one row for each known class and a column for each prediction.
function unpackDrawn({ drawn, matrix }) {
  const bytes = Uint8Array.from(atob(drawn), (character) => character.charCodeAt(0));
  const numbers = [...new Float32Array(bytes.buffer)];
  const [nRows, nColumns] = [matrix.length, matrix[0].length];
  return Array.from({ length: numbers.length / (nRows * nColumns) }, (_, i) =>
    matrix.map((_, k) => {
      const start = (i * nRows + k) * nColumns;
      return numbers.slice(start, start + nColumns);
    }));
}

export function listen(event, listener) {
  listeners[event].push(listener);
}

export function tell(event) {
  for (const listener of listeners[event]) listener();
}

export function classOf(particle) {
  return particle.label ?? particle.prediction;
}

// Whether its label came with the files, from a table or a folder, and was not changed.
export function hasLabelOfFiles({ label, labelOfFiles }) {
  return Boolean(labelOfFiles) && label === labelOfFiles;
}

// The probability of the class that the model predicted, or would have.
export function surenessOf(particle) {
  return Math.max(...particle.probabilities);
}

export function select(particles, isAdded = false) {
  if (!isAdded) state.selected.clear();
  for (const particle of particles) state.selected.add(particle);
  tell("selection");
}

// Give particles a class by hand, or take it back with null. It can be undone.
export function setLabels(particles, findLabel) {
  const before = particles.map((particle) => [particle, particle.label]);
  for (const particle of particles) particle.label = findLabel(particle);
  const changes = before.filter(([particle, label]) => particle.label !== label);
  if (changes.length) history.push(changes);
  tell("labels");
  return changes.length;
}

export function canUndo() {
  return history.length > 0;
}

export function undo() {
  const changes = history.pop() ?? [];
  for (const [particle, label] of changes) particle.label = label;
  tell("labels");
  return changes.map(([particle]) => particle);
}

export function addProblem(name, text) {
  state.problems.push({ name, text });
  tell("problems");
}

export function removeAll() {
  Object.assign(state, { particles: [], micrographs: [], problems: [] });
  state.selected.clear();
  history.length = 0;
  for (const event of Object.keys(listeners)) tell(event);
}
