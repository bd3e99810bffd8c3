// Pictures on canvases, and lines around what they show.

// Draw an image into the middle of a canvas, as large as it fits or a share of that;
// return its place.
export function drawFitting(canvas, image, isSharp, share = 1) {
  const context = canvas.getContext("2d");
  const largest = Math.min(canvas.width / image.width, canvas.height / image.height);
  const scale = share * largest;
  const [width, height] = [image.width * scale, image.height * scale];
  const place = { scale, x: (canvas.width - width) / 2, y: (canvas.height - height) / 2 };
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = !(isSharp && scale > 3);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, place.x, place.y, width, height);
  return place;
}

// Draw a line around a mask whose first pixel is at top and left of the picture, with a
// dark rim.
export function drawOutline(canvas, place, path, color, width, rim = 2) {
  const context = canvas.getContext("2d");
  context.setTransform(place.scale, 0, 0, place.scale, place.x, place.y);
  for (const [style, extra] of [["rgb(0 0 0 / 65%)", rim], [color, 0]]) {
    context.strokeStyle = style;
    context.lineWidth = (width + extra) / place.scale;
    context.stroke(path);
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
}

// The sides of pixels between a mask and what is outside.
export function traceOutline(mask, height, width, top = 0, left = 0) {
  const path = new Path2D();
  const isInside = (row, column) => row >= 0 && row < height && column >= 0 &&
    column < width && mask[row * width + column] === 1;
  const line = (y, x, dy, dx) => {
    path.moveTo(left + x, top + y);
    path.lineTo(left + x + dx, top + y + dy);
  };
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (!mask[row * width + column]) continue;
      if (!isInside(row - 1, column)) line(row, column, 0, 1);
      if (!isInside(row + 1, column)) line(row + 1, column, 0, 1);
      if (!isInside(row, column - 1)) line(row, column, 1, 0);
      if (!isInside(row, column + 1)) line(row, column + 1, 1, 0);
    }
  }
  return path;
}
