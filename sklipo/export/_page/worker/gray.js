// Decoded pixels: the limit of their number, and the one gray image they must hold.
//
// A picture is {data, height, width, type}: a typed array of rows, and the name that
// NumPy has for its type, or "bool". The rules are those of sklipo.datasets.

const MAX_PIXELS = 2 ** 28;
const TYPES = {
  Uint8Array: "uint8",
  Uint16Array: "uint16",
  Uint32Array: "uint32",
  Int8Array: "int8",
  Int16Array: "int16",
  Int32Array: "int32",
  Float32Array: "float32",
  Float64Array: "float64",
};

export function checkSize(height, width) {
  if (!(height > 0 && width > 0)) {
    throw new Error("it has no pixels");
  }
  if (height * width > MAX_PIXELS) {
    throw new Error(
      `${height} x ${width} pixels, more than the ${MAX_PIXELS} that are read here; ` +
        "cut it, or classify it with sklipo in Python",
    );
  }
}

// `planes` are the channels of an image, each a typed array of height x width pixels.
export function asGray(planes, height, width, isBool = false) {
  const nColors = planes.length - (planes.length % 2 === 0 ? 1 : 0);
  if (planes.length > 4) {
    throw new Error(`${planes.length} channels, expected one gray image`);
  }
  const gray = planes[0];
  for (const plane of planes.slice(1, nColors)) {
    if (!isEqual(plane, gray)) {
      throw new Error("a color image, expected a gray one; convert it to gray");
    }
  }
  if (nColors < planes.length && !isConstant(planes[nColors])) {
    throw new Error("an image with transparency, expected a gray one without");
  }
  return { data: gray, height, width, type: isBool ? "bool" : typeName(gray) };
}

// Turn and mirror an image to what a tag of TIFF or EXIF, 1 to 8, says.
export function orient(picture, orientation) {
  if (!(orientation >= 2 && orientation <= 8)) return picture;
  const isTurned = orientation >= 5;
  const height = isTurned ? picture.width : picture.height;
  const width = isTurned ? picture.height : picture.width;
  const flipsRows = [3, 4, 7, 8].includes(orientation);
  const flipsColumns = [2, 3, 6, 7].includes(orientation);
  const data = new picture.data.constructor(picture.data.length);
  for (let row = 0, i = 0; row < height; row++) {
    const y = flipsRows ? height - 1 - row : row;
    for (let column = 0; column < width; column++, i++) {
      const x = flipsColumns ? width - 1 - column : column;
      data[i] = picture.data[isTurned ? x * picture.width + y : y * picture.width + x];
    }
  }
  return { ...picture, data, height, width };
}

export function isEqual(one, other) {
  return one.every((value, i) => value === other[i]);
}

// Run a decoder, whose errors say nothing that helps.
export async function decode(run) {
  try {
    return await run();
  } catch (error) {
    const cause = /alloc|array length|array buffer/i.test(error.message) ? "too large or " : "";
    throw new Error(`${cause}damaged (${error.message}); copy or save it anew`);
  }
}

function isConstant(values) {
  return values.every((value) => value === values[0]);
}

function typeName(data) {
  const name = TYPES[data.constructor.name];
  if (!name) throw new Error(`pixels in a ${data.constructor.name}, which is not read`);
  return name;
}
