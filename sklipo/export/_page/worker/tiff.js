// TIFF files: the values as they are stored.

import { asGray, checkSize, decode, isEqual, orient } from "./gray.js";

const STARTS = [[73, 73, 42, 0], [77, 77, 0, 42], [73, 73, 43, 0], [77, 77, 0, 43]];
// None, LZW, deflate twice, PackBits: those that change no pixels and are widely used.
const COMPRESSIONS = [1, 5, 8, 32946, 32773];
// White is zero, black is zero, RGB, a palette, a mask.
const COLORS = [0, 1, 2, 3, 4];
const PALETTE = 3;
const ZEISS = 34118;
const BITS_PER_SAMPLE = 258;
const REDUCED_OR_MASK = 1 | 4;
const LARGEST_CONTRAST = 255;

export function isTiff(bytes) {
  return STARTS.some((start) => start.every((value, i) => bytes[i] === value));
}

export async function readTiff(bytes, lossless) {
  const buffer = bytes.buffer;
  const image = await chooseImage(buffer);
  const tags = image.fileDirectory;
  const tag = async (name) => (tags.hasTag(name) ? tags.loadValue(name) : undefined);
  const [height, width] = [image.getHeight(), image.getWidth()];
  checkSize(height, width);
  await checkPage(tag, buffer.byteLength, countBlocks(image));
  // One bit is what a file means that does not say; the decoder has to be told.
  if (!tags.hasTag("BitsPerSample")) tags.actualizedFields.set(BITS_PER_SAMPLE, [1]);
  const planes = [...(await decode(() => image.readRasters()))];
  const isBool = (await tag("BitsPerSample"))[0] === 1;
  const orientation = await tag("Orientation");
  const photometric = await tag("PhotometricInterpretation");
  if (photometric === PALETTE && !(await isOnlyShown(tag, tags))) {
    const palette = await tag("ColorMap");
    const gray = throughPalette(planes[0], palette, lossless);
    return orient(asGray([gray], height, width), orientation);
  }
  return orient(asGray(planes, height, width, isBool && photometric !== PALETTE), orientation);
}

// The only image of a file, without previews and masks of transparency.
async function chooseImage(buffer) {
  const images = await decode(() => openImages(buffer));
  if (!images.length) throw new Error("it has no image");
  const kinds = await Promise.all(images.map(async ({ fileDirectory }) =>
    fileDirectory.hasTag("NewSubfileType") ? fileDirectory.loadValue("NewSubfileType") : 0));
  let full = images.filter((_, i) => !(kinds[i] & REDUCED_OR_MASK));
  if (!full.length) full = images;
  const description = full[0].fileDirectory.hasTag("ImageDescription")
    ? String(await full[0].fileDirectory.loadValue("ImageDescription"))
    : "";
  // ImageJ names the number of images that follow the first without tags of their own.
  const ofImageJ = /^ImageJ=[^]*\nimages=(\d+)/.exec(description)?.[1] ?? 1;
  const nFull = Math.max(full.length, Number(ofImageJ));
  if (nFull > 1) {
    throw new Error(`it holds ${nFull} images, expected one; save each to a file of its own`);
  }
  return full[0];
}

async function openImages(buffer) {
  const tiff = await libraries.openTiff(buffer);
  const nImages = await tiff.getImageCount();
  return Promise.all(Array.from({ length: nImages }, (_, i) => tiff.getImage(i)));
}

// The number of strips or tiles that the pixels are in.
function countBlocks(image) {
  const nRows = Math.ceil(image.getHeight() / image.getTileHeight());
  const nColumns = Math.ceil(image.getWidth() / image.getTileWidth());
  const nPlanes = image.planarConfiguration === 2 ? image.getSamplesPerPixel() : 1;
  return nRows * nColumns * nPlanes;
}

async function checkPage(tag, nBytes, nBlocks) {
  const compression = (await tag("Compression")) ?? 1;
  if (!COMPRESSIONS.includes(compression)) {
    throw new Error(
      `its compression (number ${compression}) is not read here; save it without ` +
        "compression, or with LZW or deflate",
    );
  }
  const photometric = await tag("PhotometricInterpretation");
  if (!COLORS.includes(photometric)) {
    throw new Error(`its pixels are colors (number ${photometric}), expected a gray image`);
  }
  if (((await tag("FillOrder")) ?? 1) !== 1) {
    throw new Error("its bits are in reverse order; save it anew");
  }
  const starts = (await tag("StripOffsets")) ?? (await tag("TileOffsets"));
  const sizes = (await tag("StripByteCounts")) ?? (await tag("TileByteCounts"));
  const ends = Array.from(starts ?? [], (start, i) => Number(start) + Number(sizes?.[i]));
  if (ends.length < nBlocks || ends.some((end) => !(end <= nBytes))) {
    throw new Error("truncated, a part of its pixels is missing; copy it anew");
  }
}

// For ImageJ and Zeiss a palette is how to show values, with colors of overlays.
async function isOnlyShown(tag, tags) {
  const description = String((await tag("ImageDescription")) ?? "");
  return description.startsWith("ImageJ=") || tags.hasTag(ZEISS);
}

function throughPalette(numbers, palette, lossless) {
  const nColors = palette.length / 3;
  const used = [...new Set(numbers)];
  if (used.some((number) => number >= nColors)) {
    throw new Error("damaged, its palette does not have all colors of its pixels");
  }
  const colors = [0, 1, 2].map((k) => used.map((number) => palette[k * nColors + number]));
  if (!isEqual(colors[0], colors[1]) || !isEqual(colors[0], colors[2])) {
    if (lossless) return numbers;
    throw new Error("colors of a palette, expected a gray image; convert it to gray");
  }
  // A palette has 16 bits, of which a few programs use the lower half.
  const shift = palette.some((value) => value > LARGEST_CONTRAST) ? 8 : 0;
  return Uint8Array.from(numbers, (number) => palette[number] >> shift);
}
