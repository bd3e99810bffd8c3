// What is doubtful about a mask that can be used.

const FEW = 2;

export function findDoubt(mask, height, width) {
  if (looksInverted(mask, height, width)) {
    return "The mask looks turned round: the border is inside, the middle outside. If it is, " +
      "save its inverse.";
  }
  const nPieces = countPieces(mask, height, width);
  if (nPieces < FEW) return null;
  return `The mask has ${nPieces} pieces, which are taken for one particle. If they are ` +
    "several, give the pixels of each particle a number of its own, from 1 on.";
}

// Pixels that touch at a corner are of one piece.
function countPieces(mask, height, width) {
  const isSeen = new Uint8Array(mask.length);
  let nPieces = 0;
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || isSeen[start]) continue;
    nPieces += 1;
    isSeen[start] = 1;
    for (const open = [start]; open.length; ) {
      for (const next of neighbors(open.pop(), height, width)) {
        if (!mask[next] || isSeen[next]) continue;
        isSeen[next] = 1;
        open.push(next);
      }
    }
  }
  return nPieces;
}

function neighbors(place, height, width) {
  const [row, column] = [Math.floor(place / width), place % width];
  const found = [];
  for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, height - 1); y++) {
    for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, width - 1); x++) {
      found.push(y * width + x);
    }
  }
  return found;
}

// As sklipo tells it: corners and half of each side are inside, the middle is outside.
function looksInverted(mask, height, width) {
  const at = (row, column) => mask[row * width + column] === 1;
  const rows = Array.from({ length: height }, (_, row) => row);
  const columns = Array.from({ length: width }, (_, column) => column);
  const [bottom, right] = [height - 1, width - 1];
  if (!(at(0, 0) && at(0, right) && at(bottom, 0) && at(bottom, right))) return false;
  const [y, x] = [Math.floor(height / 2), Math.floor(width / 2)];
  const middle = neighbors(y * width + x, height, width);
  if (middle.some((place) => mask[place])) return false;
  const sides = [
    rows.map((row) => at(row, 0)), rows.map((row) => at(row, right)),
    columns.map((column) => at(0, column)), columns.map((column) => at(bottom, column)),
  ];
  return sides.every((side) => 2 * side.filter(Boolean).length >= side.length);
}
