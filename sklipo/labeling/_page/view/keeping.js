// Labels that the browser keeps, for each expert and these particles, until the page is
// opened again. A browser may refuse: then the page says so.

import { find } from "../../../displays/_page/elements.js";
import { classes, findParticles, page, particles, replaceLabels, state } from "./state.js";

const PLACE = `sklipo labels ${page.id} `;
const LAST = "sklipo expert";

let isRefused = false;

// Whether labels are lost with what the page knows now.
export function wouldLose() {
  return isRefused && !state.isSaved;
}

export function lastExpert() {
  return attempt(() => localStorage.getItem(LAST)) ?? "";
}

// Whoever has labels of these particles in this browser.
export function knownExperts() {
  const names = attempt(() => Object.keys(localStorage)) ?? [];
  return names.filter((name) => name.startsWith(PLACE)).map((name) => name.slice(PLACE.length));
}

// Go on as an expert, with the labels that were kept.
export function goOnAs(expert) {
  state.expert = expert;
  const text = attempt(() => {
    localStorage.setItem(LAST, expert);
    return localStorage.getItem(PLACE + expert);
  });
  const { labels = [], isSaved = true } = parse(text);
  const known = labels.filter(({ label }) => classes.includes(label)).flatMap((row) =>
    findParticles(row).map((particle) =>
      [particle, { name: classes.indexOf(row.label), time: row.time }]));
  replaceLabels(new Map(known), isSaved);
}

export function keepLabels() {
  if (state.expert === null) return;
  const labels = particles.filter(({ label }) => label).map(
    ({ micrograph, instance, pixels, label: { name, time } }) =>
      ({ micrograph, instance, pixels, label: classes[name], time }));
  const text = JSON.stringify({ labels, isSaved: state.isSaved });
  attempt(() => localStorage.setItem(PLACE + state.expert, text));
}

// Two tabs would keep what the last one of them knows.
export function watchOtherTabs() {
  window.addEventListener("storage", ({ key }) => {
    if (state.expert !== null && key === PLACE + state.expert) {
      warn("These particles are being labeled in another tab, too. Close one of them.");
    }
  });
}

export function warn(text) {
  find("warning").hidden = !text;
  find("warning").textContent = text;
}

function attempt(action) {
  try {
    return action();
  } catch (error) {
    isRefused = true;
    warn("This browser keeps no labels when the page is closed or loaded again " +
      `(${error.name}). Save them often.`);
    return null;
  }
}

function parse(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
