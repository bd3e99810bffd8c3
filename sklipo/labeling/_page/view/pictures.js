// Pictures of particles: gray levels, outline and scale bar, as chosen for all of them.

import { drawFitting, drawOutline, traceOutline } from "../../../displays/_page/drawing.js";
import { page, particles } from "./state.js";

const OUTLINE = "#ffd54a";
const MOST_KEPT = 600;
const [MIDDLE, WHITE] = [127.5, 255];
const OPAQUE = 0xff000000;
const GRAY = 0x010101;
// A bar is no longer than this part of a picture.
const LONGEST_BAR = 0.4;
const LARGE = 0.95;

export const look = {
  contrast: 0, brightness: 0, outline: true, sameGrays: false, sameScale: false,
};

const texts = document.getElementById("pictures").textContent.split("\n");
const kept = new Map();
const scratch = new OffscreenCanvas(1, 1);
// What fills a card if all have one scale; a few giants would make all others tiny.
const large = particles.map(extentOf).sort((a, b) => a - b)[
  Math.floor(LARGE * (particles.length - 1))];

// Draw a particle on a canvas that is so wide on the screen, as large as it fits, or as
// the others.
export async function draw(canvas, particle, width, isAlone = false) {
  const side = Math.round(width * devicePixelRatio);
  const picture = await read(particle);
  if (canvas.width !== side) [canvas.width, canvas.height] = [side, side];
  const isScaled = look.sameScale && !isAlone;
  const share = isScaled ? Math.min(1, extentOf(particle) / large) : 1;
  const place = drawFitting(canvas, develop(picture, particle), true, share);
  // From the pixels of the picture to those of the cut-out.
  const longest = Math.max(picture.width, picture.height);
  place.scale *= longest / Math.max(particle.width, particle.height);
  if (look.outline && page.masks) {
    picture.outline ??= trace(page.masks[particle.i]);
    // Thin, as the membrane is below it.
    drawOutline(canvas, place, picture.outline, OUTLINE, devicePixelRatio, devicePixelRatio);
  }
  drawBar(canvas, place, particle);
}

// How large a cut-out is, in nm where that is known.
function extentOf({ height, width, pixelSize }) {
  return Math.max(height, width) * (pixelSize ?? 1);
}

// The gray levels of a particle, read once and kept as long as there is room.
async function read(particle) {
  const { i } = particle;
  const picture = kept.get(i) ?? decode(texts[i]);
  kept.delete(i);
  kept.set(i, picture);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  return picture;
}

function toBytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function trace([text, height, width, top, left]) {
  const bytes = toBytes(text);
  const mask = new Uint8Array(height * width).map((_, i) => (bytes[i >> 3] >> (7 - (i & 7))) & 1);
  return traceOutline(mask, height, width, top, left);
}

async function decode(text) {
  const bytes = toBytes(text);
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  const { height, width } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d",
    { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const colors = context.getImageData(0, 0, width, height).data;
  const levels = new Uint8Array(height * width).map((_, pixel) => colors[4 * pixel]);
  return { levels, height, width };
}

// A picture in the contrast and brightness chosen.
function develop({ levels, height, width }, particle) {
  const colors = findColors(particle);
  const pixels = new ImageData(width, height);
  const all = new Uint32Array(pixels.data.buffer);
  for (let i = 0; i < levels.length; i++) all[i] = colors[levels[i]];
  [scratch.width, scratch.height] = [width, height];
  scratch.getContext("2d").putImageData(pixels, 0, 0);
  return scratch;
}

function findColors({ i }) {
  const [black, white] = look.sameGrays ? page.levels[i] : [0, WHITE];
  const factor = 2 ** look.contrast;
  return Uint32Array.from({ length: WHITE + 1 }, (_, level) => {
    const stretched = ((level - black) / Math.max(white - black, 1e-6)) * WHITE;
    const gray = (stretched - MIDDLE) * factor + MIDDLE + WHITE * look.brightness;
    return OPAQUE | (Math.round(Math.max(0, Math.min(WHITE, gray))) * GRAY);
  });
}

function drawBar(canvas, place, { width, pixelSize }) {
  const shown = width * place.scale;
  const length = roundLength(LONGEST_BAR * width * (pixelSize ?? 1));
  const pixels = (length / (pixelSize ?? 1)) * place.scale;
  const font = Math.round(Math.max(10 * devicePixelRatio, canvas.width / 16));
  // There is no room for it on a narrow strip.
  if (shown < 2 * font) return;
  const context = canvas.getContext("2d");
  const [x, y] = [font / 2, canvas.height - font / 2];
  context.lineCap = "butt";
  for (const [color, extra] of [["#000", 2], ["#fff", 0]]) {
    context.strokeStyle = color;
    context.lineWidth = font / 4 + extra;
    context.beginPath();
    context.moveTo(x - extra / 2, y);
    context.lineTo(x + pixels + extra / 2, y);
    context.stroke();
  }
  context.font = `600 ${font}px system-ui, sans-serif`;
  context.lineWidth = font / 4;
  context.lineJoin = "round";
  context.strokeStyle = "#000";
  context.fillStyle = "#fff";
  const text = describeLength(length, pixelSize);
  context.strokeText(text, x, y - font / 3);
  context.fillText(text, x, y - font / 3);
}

// The longest of 1, 2, 5, 10, 20, ... that is not longer.
function roundLength(limit) {
  const power = 10 ** Math.floor(Math.log10(limit));
  return [5, 2, 1].map((step) => step * power).find((length) => length <= limit * (1 + 1e-9));
}

function describeLength(length, pixelSize) {
  const short = (value) => String(Number(value.toPrecision(3)));
  if (pixelSize === null) return `${short(length)} px`;
  return length >= 1000 ? `${short(length / 1000)} µm` : `${short(length)} nm`;
}
