// Micrographs with the outlines and classes of their particles.

import { drawOutline, traceOutline } from "../../../displays/_page/drawing.js";
import { find, make } from "../../../displays/_page/elements.js";
import { focusParticle } from "./cards.js";
import { colorOf, keyOf } from "./colors.js";
import { drawPicture } from "./pictures.js";
import { classOf, state } from "./state.js";

const LARGEST = 1400;
const MOST_ENLARGED = 2;

let place;

export function setUpMicrographs() {
  find("micrograph").addEventListener("change", drawMicrograph);
  find("micrograph-picture").addEventListener("click", clickMicrograph);
}

export function updateMicrographs() {
  const { micrographs } = state;
  find("micrographs").hidden = !micrographs.length;
  const choice = find("micrograph");
  if (choice.options.length !== micrographs.length) {
    const chosen = choice.selectedIndex;
    choice.replaceChildren(...micrographs.map(({ name }) => make("option", {}, name)));
    choice.selectedIndex = Math.max(chosen, 0);
  }
  find("micrograph-choice").hidden = micrographs.length < 2;
  if (micrographs.length) drawMicrograph();
}

// Show the micrograph of the selected particle.
export function followSelection() {
  const [particle] = state.selected;
  const index = state.micrographs.findIndex(({ particles }) => particles.includes(particle));
  if (index >= 0) find("micrograph").selectedIndex = index;
  if (state.micrographs.length) drawMicrograph();
}

function drawMicrograph() {
  const micrograph = state.micrographs[Math.max(find("micrograph").selectedIndex, 0)];
  const canvas = find("micrograph-picture");
  const { particles } = micrograph;
  micrograph.drawn ??= drawWithoutParticles(micrograph.picture);
  place = micrograph.drawn.place;
  const { width, height } = micrograph.drawn.canvas;
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").drawImage(micrograph.drawn.canvas, 0, 0);
  const classified = particles.filter(({ prediction }) => prediction !== undefined);
  for (const particle of classified) drawParticle(canvas, particle);
}

// The micrograph in the size in which it shows, drawn once.
function drawWithoutParticles(picture) {
  const scale = Math.min(MOST_ENLARGED, LARGEST / Math.max(picture.width, picture.height));
  const canvas = new OffscreenCanvas(picture.width * scale, picture.height * scale);
  return { canvas, place: drawPicture(canvas, picture) };
}

function drawParticle(canvas, particle) {
  const { mask, picture, top, left } = particle;
  particle.onMicrograph ??= traceOutline(mask, picture.height, picture.width, top, left);
  particle.center ??= findCenter(particle);
  const color = colorOf(classOf(particle));
  drawOutline(canvas, place, particle.onMicrograph, color, state.selected.has(particle) ? 5 : 2);
  const context = canvas.getContext("2d");
  const x = particle.center.x * place.scale + place.x;
  const y = particle.center.y * place.scale + place.y;
  context.font = "bold 15px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 4;
  context.strokeStyle = "#000";
  context.strokeText(keyOf(classOf(particle)), x, y);
  context.fillStyle = "#fff";
  context.fillText(keyOf(classOf(particle)), x, y);
}

function findCenter({ mask, picture, top, left }) {
  let [x, y, n] = [0, 0, 0];
  mask.forEach((value, i) => {
    if (!value) return;
    x += i % picture.width;
    y += Math.floor(i / picture.width);
    n += 1;
  });
  return { x: left + x / n + 0.5, y: top + y / n + 0.5 };
}

function clickMicrograph(event) {
  const canvas = find("micrograph-picture");
  const factor = canvas.width / canvas.clientWidth;
  const column = Math.floor((event.offsetX * factor - place.x) / place.scale);
  const row = Math.floor((event.offsetY * factor - place.y) / place.scale);
  const { particles } = state.micrographs[Math.max(find("micrograph").selectedIndex, 0)];
  focusParticle(particles.find(({ mask, picture, top, left }) => {
    const [y, x] = [row - top, column - left];
    const isWithin = y >= 0 && x >= 0 && y < picture.height && x < picture.width;
    return isWithin && mask[y * picture.width + x];
  }), event.ctrlKey || event.metaKey);
}
