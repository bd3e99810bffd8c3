// How many particles there are of each class, and the shares corrected for errors.

import { find, make, percent, plural } from "../../../displays/_page/elements.js";
import { makeSwatch } from "./colors.js";
import { ask } from "./engine.js";
import { classOf, hasLabelOfFiles, outcomes, page, state } from "./state.js";

const PAUSE = 300;

let timer;
let asked = 0;

export function setUpCounts() {
  find("corrected").hidden = !page.errors;
  find("not-corrected").hidden = Boolean(page.errors);
}

export function updateCounts() {
  const particles = state.particles.filter(({ prediction }) => prediction !== undefined);
  find("summary").hidden = !particles.length;
  const names = particles.map(classOf);
  const rows = outcomes.map((name) => {
    const n = names.filter((other) => other === name).length;
    return makeRow(name, n, percent(n / (particles.length || 1)));
  });
  find("counts").replaceChildren(...rows);
  const nLabeled = particles.filter(({ label }) => label !== null).length;
  find("counts-note").textContent =
    `${plural(particles.length, "particle")}, of which ${nLabeled} have a class given by hand.`;
  const nOfFiles = particles.filter(hasLabelOfFiles).length;
  find("forget-labels").hidden = !nOfFiles;
  find("forget-labels").textContent =
    `Forget ${plural(nOfFiles, "label")} that came with the files`;
  if (page.errors && particles.length) planEstimate(particles);
}

function planEstimate(particles) {
  clearTimeout(timer);
  find("corrected").setAttribute("aria-busy", "true");
  timer = setTimeout(() => showEstimate(particles), PAUSE);
}

async function showEstimate(particles) {
  const number = ++asked;
  const { sample, nLeftOut } = describeSample(particles);
  const estimate = sample.predicted.length
    ? await ask("estimate", { sample, errors: page.errors }) : null;
  if (number !== asked) return;
  find("corrected").removeAttribute("aria-busy");
  find("shares").replaceChildren(...page.errors.kinds.map((name) => makeShare(name, estimate)));
  const doubts = [...page.errors.caveats, ...(estimate?.doubts ?? [])];
  if (nLeftOut) {
    doubts.push(`${plural(nLeftOut, "particle")} with a class by hand that no labeled ` +
      "particle of the cross-validation had: left out of these shares.");
  }
  find("doubts").hidden = !doubts.length;
  find("doubts-list").replaceChildren(...doubts.map((text) => make("li", {}, text)));
}

// Numbers of the classes and micrographs of particles; labels of unseen classes have none.
function describeSample(particles) {
  const { names, nKnown } = page.errors;
  const isOfUnseen = ({ label }) => label !== null && names.indexOf(label) >= nKnown;
  const used = particles.filter((particle) => !isOfUnseen(particle));
  const micrographs = used.map(({ micrograph }) => micrograph);
  const distinct = [...new Set(micrographs)];
  const sample = {
    predicted: used.map(({ prediction }) => names.indexOf(prediction)),
    known: used.map(({ label }) => (label === null ? -1 : names.indexOf(label))),
    units: micrographs.every(Boolean) ? micrographs.map((name) => distinct.indexOf(name)) : null,
  };
  return { sample, nLeftOut: particles.length - used.length };
}

function makeShare(name, estimate) {
  const k = page.errors.names.indexOf(name);
  if (!estimate || k >= page.errors.nKnown) return makeRow(name, "unknown", "");
  const interval = `${(100 * estimate.low[k]).toFixed(1)} to ${percent(estimate.high[k])}`;
  const row = makeRow(name, percent(estimate.share[k]), interval);
  // In full, for whoever reads the page with a program.
  row.dataset.share = JSON.stringify([estimate.share[k], estimate.low[k], estimate.high[k]]);
  return row;
}

function makeRow(name, ...cells) {
  const heading = make("th", { scope: "row" }, makeSwatch(name), ` ${name}`);
  return make("tr", {}, heading, ...cells.map((cell) => make("td", {}, String(cell))));
}
