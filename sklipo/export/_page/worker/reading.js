// Image files of any kind that is read here, and what counts as a mask or as labels.

import { findDoubt } from "./masks.js";
import { isPng, readPng } from "./png.js";
import { isTiff, readTiff } from "./tiff.js";

const MOST_LEVELS = 3;

// Errors say what is wrong with the file, not its name.
export async function readPicture(file, lossless) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (!bytes.length) throw new Error("an empty file");
  if (!isPng(bytes) && !isTiff(bytes)) {
    throw new Error(
      "neither PNG nor TIFF by its content, whatever its name says; save it as one of them",
    );
  }
  return isPng(bytes) ? readPng(bytes, lossless) : readTiff(bytes, lossless);
}

export async function readImage(file) {
  const picture = await readPicture(file, false);
  if (picture.type.startsWith("float") && !picture.data.every(Number.isFinite)) {
    throw new Error("it has NaN or infinite pixels; fill them with numbers");
  }
  return picture;
}

// What lies beside an image: a mask of one particle, or labels of several.
export async function readCompanion(file, isLabels) {
  const picture = await readPicture(file, true);
  const levels = findLevels(picture.data);
  if (levels.some((level) => !Number.isFinite(level))) {
    throw new Error("it has NaN or infinite pixels; expected 0 outside and 1 inside");
  }
  if (levels.length === 1 && levels[0] === 0) {
    throw new Error("an empty mask, all is 0; expected another number inside the particle");
  }
  if (levels.length === 2 && !levels.includes(0)) {
    throw new Error(
      `it has the numbers ${levels.join(" and ")}; expected 0 outside of the particle`,
    );
  }
  if (levels.length <= 2 && !isLabels) {
    const { data, height, width } = picture;
    const mask = Uint8Array.from(data, (value) => (value ? 1 : 0));
    return { kind: "mask", mask, height, width, doubt: findDoubt(mask, height, width) };
  }
  if (!picture.data.every((value) => value >= 0 && value % 1 === 0)) {
    throw new Error(
      "it has numbers below 0 or with decimals; expected 0 and one other number for a " +
        "mask, or a whole number for each particle",
    );
  }
  return { kind: "labels", ...picture };
}

// The first few numbers that occur.
function findLevels(data) {
  const levels = new Set();
  for (const value of data) {
    if (!levels.has(value)) levels.add(value);
    if (levels.size === MOST_LEVELS) break;
  }
  return [...levels].sort((one, other) => one - other);
}
