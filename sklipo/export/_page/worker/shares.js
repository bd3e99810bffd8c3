// Shares of classes, corrected for the errors of the model: method "adjusted" of
// sklipo.estimate_prevalence, after which the steps are named and documented there.
//
// A class given by hand is a fact about its particle, but the particles that somebody
// looked at are no random part: what was wrong is corrected first. So labels say nothing
// about the errors among the others. All predictions, those of labeled particles too, are
// the model's own, whose errors cross-validation measured; and in each resample no class
// has less than its labeled particles have. Without labels this is Python's estimate, and
// with all particles labeled it is their count.

import { makeGenerator } from "./random.js";

const LEAST = 1e-12;
const START = 1e-3;
const MOST_CYCLES = 1000;
const OF_DRAWS = 1e-7;
const OF_FIT = 1e-6;
const LEAST_SHAPE = 0.1;
const FEW_MICROGRAPHS = 5;
const IMPROBABLE = 0.01;
const ANYTHING = 0.9;
const SEED = 0;

// `sample` has numbers for each particle: predicted, known (-1 without a label), units
// (micrographs from 0 on, or null). `errors` is what Python measured.
export function estimateShares(sample, errors) {
  const { matrix, drawn, level } = errors;
  const nPredicted = matrix[0].length;
  const nClasses = matrix.length;
  const counts = tally(sample.predicted, nPredicted);
  const bounds = tally(sample.known.filter((code) => code >= 0), nClasses);
  const share = findShares(matrix, counts, divide(bounds, sample.predicted.length));
  const resamples = drawCounts(sample, nPredicted, nClasses, drawn.length, errors.widening);
  const draws = resamples.map(({ cells, known }, i) =>
    findShares(drawn[i], cells, divide(known, sum(cells)), share, OF_DRAWS));
  const ends = share.map((value, k) => findEnds(draws.map((row) => row[k]), value, level));
  return { share, low: ends.map(([low]) => low), high: ends.map(([, high]) => high),
    doubts: findDoubts(sample, errors, counts, resamples, ends) };
}

// The shares that make counts of cells most likely, none below its bound.
//
// The rows of the matrix are the probabilities of each cell in a class. What is above the
// bounds is found by expectation maximization, extrapolated after Varadhan and Roland.
export function findShares(matrix, counts, bounds, start = null, tolerance = LEAST) {
  const rest = 1 - sum(bounds);
  if (rest < LEAST) return bounds;
  const rows = matrix.map((row) => row.map((value) => Math.max(value, LEAST)));
  const problem = { rows, counts: divide(counts, sum(counts)), rest,
    fixed: multiply(bounds, rows) };
  let shares = normalize(bounds.map((bound, k) =>
    start ? Math.max(start[k] - bound, 0) + START : 1));
  for (let i = 0, gap = Infinity; i < MOST_CYCLES && gap > tolerance; i++) {
    [shares, gap] = cycle(shares, problem);
  }
  return bounds.map((bound, k) => bound + rest * shares[k]);
}

function cycle(shares, problem) {
  const { after: first } = step(shares, problem);
  const { after: second, mixed } = step(first, problem);
  const change = first.map((value, k) => value - shares[k]);
  const turn = second.map((value, k) => value - first[k] - change[k]);
  const length = Math.max(Math.hypot(...change) / Math.max(Math.hypot(...turn), LEAST), 1);
  const beyond = normalize(shares.map((value, k) =>
    Math.max(value + 2 * length * change[k] + length ** 2 * turn[k], second[k] / 10)));
  const { after: third, mixed: mixedBeyond } = step(beyond, problem);
  const gain = sum(problem.counts.map((count, j) =>
    count * Math.log(mixedBeyond[j] / mixed[j])));
  const gap = Math.max(...first.map((value, k) => value / shares[k])) - 1;
  return [gain >= 0 ? third : second, gap];
}

function step(shares, { rows, counts, rest, fixed }) {
  const mixed = multiply(shares, rows).map((value, j) => fixed[j] + rest * value);
  const ratios = counts.map((count, j) => count / mixed[j]);
  const after = rows.map((row, k) =>
    shares[k] * sum(row.map((value, j) => value * ratios[j])));
  return { after: normalize(after), mixed };
}

// Counts of predictions and of labels as they would be in other samples of micrographs,
// by the weights of sklipo's Resampler, and one more particle of any prediction.
function drawCounts(sample, nPredicted, nClasses, nDraws, widening) {
  const generator = makeGenerator(SEED);
  const { predicted, known, units } = sample;
  const nUnits = units ? Math.max(...units) + 1 : 1;
  const owners = nUnits > 1 && nUnits < predicted.length ? units : predicted.map((_, i) => i);
  const sizes = tally(owners, Math.max(...owners) + 1);
  const shape = findShape(sizes, widening);
  const effect = designEffect(predicted, nPredicted, units);
  return Array.from({ length: nDraws }, () => {
    const weights = sizes.map(() => generator.gamma(shape) / shape);
    const draw = { cells: zeros(nPredicted), known: zeros(nClasses) };
    owners.forEach((owner, i) => {
      draw.cells[predicted[i]] += weights[owner];
      if (known[i] >= 0) draw.known[known[i]] += weights[owner];
    });
    draw.cells[generator.integer(nPredicted)] += effect * generator.exponential();
    return draw;
  });
}

function findShape(sizes, widening) {
  const effective = sum(sizes) ** 2 / sum(sizes.map((size) => size ** 2));
  const nUnits = Math.max(effective, 2);
  const nFree = nUnits - 1;
  return Math.max((nFree / interpolate(widening, 1 / nFree) - 1) / nUnits, LEAST_SHAPE);
}

export function designEffect(cells, nCells, units) {
  if (!units || units.every((unit) => unit === 0)) return 1;
  const nUnits = Math.max(...units) + 1;
  const table = Array.from({ length: nUnits }, () => zeros(nCells));
  cells.forEach((cell, i) => (table[units[i]][cell] += 1));
  const shares = divide(tally(cells, nCells), cells.length);
  const between = sum(table.map((row) => {
    const size = sum(row);
    return sum(row.map((count, j) => (count - size * shares[j]) ** 2));
  })) * (nUnits / (nUnits - 1));
  const within = cells.length * sum(shares.map((share) => share * (1 - share)));
  return within > 0 ? Math.max(1, between / within) : 1;
}

// What makes the shares doubtful, beyond what Python said of the labeled particles.
function findDoubts(sample, errors, counts, resamples, ends) {
  const { names, matrix } = errors;
  const doubts = [...describeUnits(sample.units, errors.hasGroups)];
  if (misfit(matrix, counts, errors.drawn, resamples) < IMPROBABLE) {
    doubts.push(
      "The sample is not like the labeled particles: no shares of the classes would give " +
        "such predictions. Its particles look different, or there are others among them. " +
        "Don't believe these shares: audit the sample with draw_audit in Python.",
    );
  }
  const open = names.filter((_, k) => ends[k] && ends[k][1] - ends[k][0] > ANYTHING);
  if (open.length) {
    doubts.push(
      `The share of ${open.join(", ")} may be nearly anything: the predictions hardly ` +
        "depend on the class.",
    );
  }
  return doubts;
}

function describeUnits(units, hasGroups) {
  const n = units ? Math.max(...units) + 1 : null;
  if (n === null && hasGroups) {
    return ["The micrographs of these particles are not known. Particles of one micrograph " +
      "resemble each other, so the interval is too narrow. Name them in a column " +
      "\"micrograph\" of a table that you drop along."];
  }
  if (n !== null && !hasGroups) {
    return ["The labeled particles have no groups, though these have. Particles of one " +
      "micrograph resemble each other, so the interval is too narrow."];
  }
  if (n === 1) {
    return ["All particles are of one micrograph. The interval can't contain how " +
      "micrographs differ, and is too narrow."];
  }
  if (n !== null && n < FEW_MICROGRAPHS) {
    return [`There are ${n} micrographs. Intervals rest on how micrographs differ, and are ` +
      `themselves uncertain with fewer than ${FEW_MICROGRAPHS}.`];
  }
  return [];
}

// How probable a fit as bad as that of the predictions is, if the shares were right.
function misfit(matrix, counts, drawn, resamples) {
  const none = zeros(matrix.length);
  const observed = normalize(counts);
  const fitted = multiply(findShares(matrix, counts, none), matrix);
  const worst = divergence(observed, fitted);
  if (worst < 1e-9) return 1;
  const isAsBad = resamples.filter(({ cells }, i) => {
    const moved = normalize(cells).map((value, j) =>
      Math.max(value + fitted[j] - observed[j], 0));
    const shares = findShares(drawn[i], moved, none, null, OF_FIT);
    return divergence(normalize(moved), multiply(shares, drawn[i])) >= worst;
  });
  return isAsBad.length / resamples.length;
}

function divergence(shares, expected) {
  return sum(shares.map((share, j) =>
    share > 0 ? share * Math.log(share / Math.max(expected[j], LEAST)) : 0));
}

function findEnds(values, value, level) {
  const sorted = Float64Array.from(values).sort();
  const quantile = (part) => interpolate(sorted, part);
  const [low, high] = [(1 - level) / 2, (1 + level) / 2].map(quantile);
  return [Math.min(low, value), Math.max(high, value)];
}

// The value at a part, 0 to 1, of the way along values in equal steps.
function interpolate(values, part) {
  const place = part * (values.length - 1);
  const before = Math.min(Math.floor(place), values.length - 2);
  return values[before] + (place - before) * (values[before + 1] - values[before]);
}

function multiply(row, matrix) {
  return matrix[0].map((_, j) => sum(row.map((value, k) => value * matrix[k][j])));
}

function tally(codes, n) {
  const counts = zeros(n);
  for (const code of codes) counts[code] += 1;
  return counts;
}

function sum(values) {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function divide(values, divisor) {
  return values.map((value) => value / divisor);
}

function normalize(values) {
  return divide(values, sum(values));
}

function zeros(n) {
  return new Array(n).fill(0);
}
