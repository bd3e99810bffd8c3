// Particles without a mask: an ellipse is drawn, or the whole image is the particle.

import { askDialog } from "../../../displays/_page/dialogs.js";
import { drawOutline } from "../../../displays/_page/drawing.js";
import { find, plural } from "../../../displays/_page/elements.js";
import { redrawCard } from "./cards.js";
import { classifyAgain } from "./importing.js";
import { drawPicture } from "./pictures.js";
import { state, tell } from "./state.js";

const FIELDS = ["x", "y", "width", "height", "angle"];
const TURN = 5;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

let place;
let current;

export function setUpOutlines() {
  find("all-whole").addEventListener("click", () => useWhole(findWaiting()));
  find("draw-ellipses").addEventListener("click", drawWaiting);
  for (const field of FIELDS) find(`ellipse-${field}`).addEventListener("input", drawEllipse);
  const canvas = find("ellipse-picture");
  canvas.addEventListener("pointerdown", startDragging);
  canvas.addEventListener("keydown", moveByKey);
}

export function findWaiting() {
  return state.particles.filter((particle) => !particle.mask);
}

export function updateWaiting() {
  const n = findWaiting().length;
  find("waiting").hidden = !n;
  find("waiting-text").textContent =
    `${plural(n, "image has", "images have")} no mask. Where is the particle?`;
}

export async function openOutline(particle) {
  const answer = await askForOutline(particle, [particle]);
  if (answer) await apply(answer, [particle], [particle]);
}

async function drawWaiting() {
  for (let waiting = findWaiting(); waiting.length; waiting = findWaiting()) {
    const answer = await askForOutline(waiting[0], waiting);
    if (!answer) return;
    await apply(answer, [waiting[0]], waiting);
  }
}

async function apply(answer, one, all) {
  const [kind, isForAll] = answer.split("-");
  const particles = isForAll ? all : one;
  if (kind === "whole") return useWhole(particles);
  const ellipse = readEllipse();
  const relative = toRelative(ellipse, current.picture);
  for (const particle of particles) {
    const own = particle === current ? ellipse : fromRelative(relative, particle.picture);
    const outline = `ellipse ${FIELDS.map((field) => own[field]).join(" ")}`;
    useMask(particle, fillEllipse(own, particle.picture), outline);
  }
  return classifyAgain(particles);
}

function useWhole(particles) {
  for (const particle of particles) {
    const { height, width } = particle.picture;
    useMask(particle, new Uint8Array(height * width).fill(1), "whole image");
  }
  return classifyAgain(particles);
}

function useMask(particle, mask, outline) {
  const drawn = { onMicrograph: null, center: null };
  Object.assign(particle, { mask, outline, maskPath: null, ...drawn });
  redrawCard(particle);
  tell("selection");
}

function askForOutline(particle, all) {
  current = particle;
  find("ellipse-title").textContent = `Outline of ${particle.name}`;
  find("ellipse-all").hidden = all.length < 2;
  find("ellipse-all").textContent = `Use it for all ${all.length}, in proportion`;
  writeEllipse(guessEllipse(particle));
  const answer = askDialog(find("ellipse-dialog"));
  drawEllipse();
  find("ellipse-picture").focus();
  return answer;
}

// Where the mask lies, and without one in the middle.
function guessEllipse({ mask, picture: { height, width } }) {
  const inside = [...(mask ?? []).keys()].filter((i) => mask[i]);
  const isWhole = inside.length === height * width;
  const rows = inside.map((i) => Math.floor(i / width));
  const columns = inside.map((i) => i % width);
  const [top, bottom] = isWhole || !mask ? [height / 4, (3 * height) / 4] : findEnds(rows);
  const [left, right] = isWhole || !mask ? [width / 4, (3 * width) / 4] : findEnds(columns);
  return { x: (left + right) / 2, y: (top + bottom) / 2, width: right - left,
    height: bottom - top, angle: 0 };
}

function findEnds(places) {
  const [first, last] = places.reduce(
    ([low, high], place) => [Math.min(low, place), Math.max(high, place)], [Infinity, -Infinity]);
  return [first, last + 1];
}

function readEllipse() {
  return Object.fromEntries(FIELDS.map((field) =>
    [field, find(`ellipse-${field}`).valueAsNumber || 0]));
}

function writeEllipse(ellipse) {
  for (const field of FIELDS) {
    find(`ellipse-${field}`).value = Math.round(10 * ellipse[field]) / 10;
  }
  drawEllipse();
}

function drawEllipse() {
  const canvas = find("ellipse-picture");
  place = drawPicture(canvas, current.picture, true);
  const { x, y, width, height, angle } = readEllipse();
  const path = new Path2D();
  const radii = [Math.abs(width / 2), Math.abs(height / 2)];
  path.ellipse(x, y, ...radii, (angle * Math.PI) / 180, 0, 2 * Math.PI);
  drawOutline(canvas, place, path, "#ffd54a", 2);
  const isEmpty = !fillEllipse(readEllipse(), current.picture).includes(1);
  for (const id of ["ellipse-use", "ellipse-all"]) find(id).disabled = isEmpty;
}

// An ellipse is dragged from one corner of its box to the other.
function startDragging(event) {
  const canvas = find("ellipse-picture");
  const start = locate(event);
  canvas.setPointerCapture(event.pointerId);
  canvas.onpointermove = (move) => {
    const end = locate(move);
    writeEllipse({
      x: (start.x + end.x) / 2,
      y: (start.y + end.y) / 2,
      width: Math.abs(end.x - start.x),
      height: Math.abs(end.y - start.y),
      angle: 0,
    });
  };
  canvas.onpointerup = () => {
    canvas.onpointermove = null;
  };
}

function locate(event) {
  const canvas = find("ellipse-picture");
  const factor = canvas.width / canvas.clientWidth;
  return {
    x: (event.offsetX * factor - place.x) / place.scale,
    y: (event.offsetY * factor - place.y) / place.scale,
  };
}

// Arrows move the ellipse, with Shift they change its size, and R turns it.
function moveByKey(event) {
  const ellipse = readEllipse();
  const [dx, dy] = ARROWS[event.key] ?? [0, 0];
  if (event.key === "r") ellipse.angle = (ellipse.angle + TURN) % 180;
  else if (event.key === "R") ellipse.angle = (ellipse.angle + 180 - TURN) % 180;
  else if (!dx && !dy) return;
  else if (event.shiftKey) {
    ellipse.width = Math.max(1, ellipse.width + 2 * dx);
    ellipse.height = Math.max(1, ellipse.height - 2 * dy);
  } else {
    ellipse.x += dx;
    ellipse.y += dy;
  }
  event.preventDefault();
  writeEllipse(ellipse);
}

// The pixels whose centers lie within an ellipse.
export function fillEllipse(ellipse, { height, width }) {
  const turn = (ellipse.angle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const mask = new Uint8Array(height * width);
  for (let row = 0, i = 0; row < height; row++) {
    const dy = row + 0.5 - ellipse.y;
    for (let column = 0; column < width; column++, i++) {
      const dx = column + 0.5 - ellipse.x;
      const along = (2 * (dx * cos + dy * sin)) / ellipse.width;
      const across = (2 * (dy * cos - dx * sin)) / ellipse.height;
      mask[i] = along * along + across * across <= 1 ? 1 : 0;
    }
  }
  return mask;
}

// An ellipse in parts of a picture's sides.
function toRelative(ellipse, { height, width }) {
  return { x: ellipse.x / width, y: ellipse.y / height, width: ellipse.width / width,
    height: ellipse.height / height, angle: ellipse.angle };
}

function fromRelative(part, { height, width }) {
  return { x: part.x * width, y: part.y * height, width: part.width * width,
    height: part.height * height, angle: part.angle };
}
