// Which particles are shown, in which order, and in rows of alike ones.

import { find } from "../../../displays/_page/elements.js";
import { classes, differs, group, hasProposals, particles } from "./state.js";

const naturally = new Intl.Collator("en", { numeric: true }).compare;

const FILTERS = {
  all: () => true,
  unlabeled: ({ label }) => label === null,
  labeled: ({ label }) => label !== null,
  differs,
  label: ({ label }, name) => label?.name === Number(name),
  proposal: ({ proposal }, name) => proposal === Number(name),
};
const byProbability = (one, other) => other.probability - one.probability;
const ORDERS = {
  given: () => 0,
  rows: byProbability,
  sure: byProbability,
  unsure: (one, other) => one.probability - other.probability,
  micrograph: (one, other) => naturally(one.micrograph, other.micrograph),
};

export function isInRows() {
  return hasProposals && find("order").value === "rows";
}

// Groups of particles that are shown, each with its title.
export function arrange() {
  const [kind, name] = find("filter").value.split(":");
  const micrograph = find("micrograph").value;
  const shown = particles
    .filter((particle) => FILTERS[kind](particle, name))
    .filter((particle) => !micrograph || particle.micrograph === micrograph.slice(1))
    .sort(ORDERS[find("order").value]);
  if (isInRows()) {
    return classes.map((title, proposal) => ({ title: `Proposed: ${title}`, proposal,
      members: shown.filter((particle) => particle.proposal === proposal) }))
      .filter(({ members }) => members.length);
  }
  if (find("order").value !== "micrograph") return [{ title: "", members: shown }];
  return [...group(shown, (particle) => particle.micrograph)].map(([title, members]) =>
    ({ title: title || "Without a micrograph", members }));
}

export function listMicrographs() {
  return [...new Set(particles.map(({ micrograph }) => micrograph))].sort(naturally);
}
