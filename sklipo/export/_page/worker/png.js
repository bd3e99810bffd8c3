// PNG files: the values as OpenCV gives them to Python.

import { asGray, checkSize, decode, isEqual, orient } from "./gray.js";

const START = [137, 80, 78, 71, 13, 10, 26, 10];
const PALETTE = 3;
const TRUNCATED = "truncated, its end is missing; copy it anew";
const SAMPLES = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

export function isPng(bytes) {
  return START.every((value, i) => bytes[i] === value);
}

// With `lossless`, for masks and labels, the numbers of a palette are the values.
export async function readPng(bytes, lossless) {
  const { width, height, depth, colorType, orientation } = readHeader(bytes);
  checkSize(height, width);
  const png = await decode(() => libraries.decodePng(bytes, { checkCrc: true }));
  const samples = unpack(png, depth, SAMPLES[colorType]);
  let planes = split(samples, SAMPLES[colorType]);
  if (colorType === PALETTE) {
    const isGray = png.palette.every(([red, ...others]) => isEqual(others.slice(0, 2), [red, red]));
    if (isGray || !lossless) planes = throughPalette(planes[0], png.palette);
  } else if (depth < 8) {
    // The decoder of OpenCV spreads numbers of less than 8 bits to 0 to 255.
    planes = [planes[0].map((value) => (value * 255) / (2 ** depth - 1))];
  }
  if (png.transparency) planes.push(findTransparent(planes, png.transparency));
  return orient(asGray(planes, height, width), orientation);
}

// The header and the parts of the file, none of which may be cut off.
function readHeader(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = { orientation: 1 };
  for (let start = START.length, name = ""; name !== "IEND"; ) {
    if (start + 12 > bytes.length) throw new Error(TRUNCATED);
    const length = view.getUint32(start);
    name = String.fromCharCode(...bytes.subarray(start + 4, start + 8));
    if (start + 12 + length > bytes.length) throw new Error(TRUNCATED);
    const at = start + 8;
    if (name === "IHDR") {
      header.width = view.getUint32(at);
      header.height = view.getUint32(at + 4);
      header.depth = bytes[at + 8];
      header.colorType = bytes[at + 9];
      if (bytes[at + 12] && header.depth < 8) {
        throw new Error("interlaced with less than 8 bits; save it anew as a plain PNG");
      }
    } else if (name === "acTL" && view.getUint32(at) > 1) {
      throw new Error(`animated, of ${view.getUint32(at)} images; expected one`);
    } else if (name === "eXIf") {
      header.orientation = readOrientation(bytes.slice(at, at + length));
    }
    start += 12 + length;
  }
  if (!header.width || !(header.colorType in SAMPLES)) {
    throw new Error("damaged, a PNG without its header; save it anew");
  }
  return header;
}

function readOrientation(exif) {
  const isLittle = exif[0] === 0x49;
  const view = new DataView(exif.buffer);
  if (exif.length < 8) return 1;
  const start = view.getUint32(4, isLittle);
  if (start + 2 > exif.length) return 1;
  const nTags = view.getUint16(start, isLittle);
  for (let i = 0; i < nTags; i++) {
    const place = start + 2 + 12 * i;
    if (place + 12 > exif.length) break;
    if (view.getUint16(place, isLittle) === 274) return view.getUint16(place + 8, isLittle);
  }
  return 1;
}

// Samples of less than 8 bits are packed; each row begins with a byte of its own.
function unpack(png, depth, nSamples) {
  if (depth >= 8) return png.data;
  const perRow = png.width * nSamples;
  const bytesPerRow = Math.ceil((perRow * depth) / 8);
  const samples = new Uint8Array(png.height * perRow);
  for (let row = 0, i = 0; row < png.height; row++) {
    for (let column = 0; column < perRow; column++, i++) {
      const bit = column * depth;
      const byte = png.data[row * bytesPerRow + (bit >> 3)];
      samples[i] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
    }
  }
  return samples;
}

function split(samples, nPlanes) {
  if (nPlanes === 1) return [samples];
  const nPixels = samples.length / nPlanes;
  return Array.from({ length: nPlanes }, (_, plane) => {
    const values = new samples.constructor(nPixels);
    for (let i = 0; i < nPixels; i++) values[i] = samples[i * nPlanes + plane];
    return values;
  });
}

function throughPalette(numbers, palette) {
  if (numbers.some((number) => number >= palette.length)) {
    throw new Error("damaged, its palette does not have all colors of its pixels");
  }
  const nPlanes = palette.some((color) => color.length > 3) ? 4 : 3;
  return Array.from({ length: nPlanes }, (_, plane) =>
    numbers.map((number) => palette[number][plane]));
}

function findTransparent(planes, color) {
  return planes[0].map((_, i) =>
    planes.every((plane, k) => plane[i] === color[k]) ? 0 : 255);
}
