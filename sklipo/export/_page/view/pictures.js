// Pictures of particles: gray levels stretched.

import { drawFitting } from "../../../displays/_page/drawing.js";

const MOST_SAMPLES = 4096;
const CUT_OFF = 0.005;
const OPAQUE = 0xff000000;
const GRAY = 0x010101;

const stretched = new WeakMap();

// Draw a picture as large as it fits into the middle of a canvas; return its place.
export function drawPicture(canvas, picture, isSharp = false) {
  return drawFitting(canvas, stretch(picture), isSharp);
}

// The gray levels from dark to bright, without the few at either end.
function stretch(picture) {
  if (stretched.has(picture)) return stretched.get(picture);
  const { data, height, width } = picture;
  const [low, high] = findRange(data);
  const pixels = new ImageData(width, height);
  // A pixel's four bytes at once: alpha, and a gray from three equal colors.
  const colors = new Uint32Array(pixels.data.buffer);
  const factor = 255 / (high - low);
  for (let i = 0; i < data.length; i++) {
    const level = Math.max(0, Math.min(255, (data[i] - low) * factor)) & 255;
    colors[i] = OPAQUE | (level * GRAY);
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  stretched.set(picture, canvas);
  return canvas;
}

function findRange(data) {
  const step = Math.max(1, Math.floor(data.length / MOST_SAMPLES));
  const samples = Float64Array.from({ length: Math.ceil(data.length / step) }, (_, i) =>
    data[i * step]).sort();
  const last = samples.length - 1;
  const low = samples[Math.floor(CUT_OFF * last)];
  const high = samples[Math.ceil((1 - CUT_OFF) * last)];
  return high > low ? [low, high] : [low - 1, low + 1];
}
