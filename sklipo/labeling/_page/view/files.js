// The labels as a CSV: saved, and opened again to go on.

import { formatCsv, parseCsv } from "../../../displays/_page/csv.js";
import { download } from "../../../displays/_page/downloads.js";
import { announce, find, make, plural } from "../../../displays/_page/elements.js";
import { requireExpert } from "./experts.js";
import { keepLabels } from "./keeping.js";
import {
  classes, countLabels, findParticles, hasProposals, now, page, particles, setLabels, state, tell,
} from "./state.js";

const COLUMNS = [...["micrograph", "instance"].filter((name) => page.columns.includes(name)),
  "pixels", "label", ...(hasProposals ? ["proposal"] : []), "expert", "time"];
// Whoever edits the file may leave another time, or none.
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const MOST_TOLD = 3;
// Without it, Excel takes text that is not English for another one.
const BYTE_ORDER_MARK = "\uFEFF";

export async function saveLabels() {
  if (!(await requireExpert())) return;
  const plain = ["micrograph", ...page.numbers];
  const text = formatCsv(particles.map(describe), COLUMNS, COLUMNS, plain);
  const name = state.expert.replace(/[^\p{L}\p{N}._-]+/gu, "_").replace(/^\.+/, "_");
  download(`labels-${name}.csv`, BYTE_ORDER_MARK + text);
  state.isSaved = true;
  keepLabels();
  tell("labels", []);
  announce(`${plural(countLabels(), "label")} saved as labels-${name}.csv.`);
}

function describe({ i, label, proposal }) {
  const identity = page.columns.map((column) => [column, page[column][i] || null]);
  return {
    ...Object.fromEntries(identity),
    label: label && classes[label.name],
    proposal: proposal === null ? null : classes[proposal],
    expert: label && state.expert,
    time: label && label.time,
  };
}

// Take the labels of a file that this page saved, of the same expert and particles.
export async function openLabels(file) {
  if (!(await requireExpert())) return;
  try {
    const rows = parseCsv(await file.text());
    checkFile(rows);
    const { labels, problems } = findLabels(rows);
    const n = setLabels(labels);
    tellOpened(file.name, n, labels.size, problems);
  } catch (error) {
    tellOpened(file.name, 0, 0, [error.message]);
  }
}

function checkFile(rows) {
  const missing = ["pixels", "label"].filter((name) => !(name in rows[0]));
  if (missing.length) {
    throw new Error(`It has no column ${missing.join(", ")}. Take a file that this page saved.`);
  }
  const experts = new Set(rows.filter(({ label }) => label).map(({ expert }) => expert?.trim()));
  const others = [...experts].filter((name) => name && name !== state.expert);
  if (others.length) {
    throw new Error(`Its labels are by ${others.join(" and ")}, and the expert here is ` +
      `${state.expert}. Change the expert at the top to go on with them.`);
  }
}

function findLabels(rows) {
  const labels = new Map();
  const [strange, unknown, older] = [[], new Set(), []];
  for (const row of rows.filter(({ label }) => label)) {
    const [particle] = findParticles(row);
    const name = classes.indexOf(row.label.trim());
    if (!particle) strange.push(row);
    else if (name < 0) unknown.add(row.label);
    else if (particle.label && particle.label.name !== name && particle.label.time > row.time) {
      older.push(row);
    } else labels.set(particle, { name, time: TIME.test(row.time) ? row.time : now() });
  }
  return { labels, problems: describeProblems(strange, [...unknown], older) };
}

function describeProblems(strange, unknown, older) {
  const told = (values) => values.slice(0, MOST_TOLD).join(", ") +
    (values.length > MOST_TOLD ? " and more" : "");
  const places = strange.map((row) => page.columns.map((column) => row[column]).join(" "));
  return [
    strange.length && `${plural(strange.length, "label")} of particles that are not on this ` +
      `page: ${told(places)}.`,
    unknown.length && `Classes that this page does not have: ${told(unknown)}.`,
    older.length && `${plural(older.length, "label")} older than another that you gave here: ` +
      "yours stay.",
  ].filter(Boolean);
}

function tellOpened(name, nChanged, nFound, problems) {
  find("opened-title").textContent = problems.length ? `${name}: not all fits` : name;
  find("opened-text").textContent =
    `${plural(nFound, "label")} found for particles of this page, ${nChanged} of them new here.`;
  find("opened-problems").replaceChildren(...problems.map((text) => make("li", {}, text)));
  find("opened-dialog").showModal();
}
