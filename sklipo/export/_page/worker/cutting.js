// Particles cut out of a micrograph, as sklipo.datasets.extract_particles does.

// Surrounding on each side of the particle in pixels.
const MARGIN = 50;

export function cutParticles(image, labels) {
  if (image.height !== labels.height || image.width !== labels.width) {
    throw new Error(
      `the labels have ${labels.height} x ${labels.width} pixels, their micrograph ` +
        `${image.height} x ${image.width}; expected the same`,
    );
  }
  const boxes = findBoxes(labels);
  const names = [...boxes.keys()].sort((one, other) => one - other);
  return names.map((name) => cut(image, labels, name, boxes.get(name)));
}

// First row and column, and last ones, of the pixels of each number.
function findBoxes({ data, height, width }) {
  const boxes = new Map();
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      const name = data[i];
      if (!name) continue;
      const box = boxes.get(name);
      if (!box) {
        boxes.set(name, { top: row, bottom: row, left: column, right: column });
        continue;
      }
      box.bottom = row;
      if (column < box.left) box.left = column;
      if (column > box.right) box.right = column;
    }
  }
  return boxes;
}

function cut(image, labels, instance, box) {
  const top = Math.max(box.top - MARGIN, 0);
  const left = Math.max(box.left - MARGIN, 0);
  const height = Math.min(box.bottom + 1 + MARGIN, image.height) - top;
  const width = Math.min(box.right + 1 + MARGIN, image.width) - left;
  const data = new image.data.constructor(height * width);
  const mask = new Uint8Array(height * width);
  for (let row = 0; row < height; row++) {
    const start = (top + row) * image.width + left;
    data.set(image.data.subarray(start, start + width), row * width);
    for (let column = 0; column < width; column++) {
      mask[row * width + column] = labels.data[start + column] === instance ? 1 : 0;
    }
  }
  const picture = { data, height, width, type: image.type };
  return { instance, top, left, picture, mask };
}
