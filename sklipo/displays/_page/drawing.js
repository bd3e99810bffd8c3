// Pictures on canvases, and lines around what they show.

// Draw an image as large as it fits into the middle of a canvas; return its place.
export function drawFitting(canvas, image, isSharp) {
  const context = canvas.getContext("2d");
  const scale = Math.min(canvas.width / image.width, canvas.height / image.height);
  const [width, height] = [image.width * scale, image.height * scale];
  const place = { scale, x: (canvas.width - width) / 2, y: (canvas.height - height) / 2 };
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = !(isSharp && scale > 3);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, place.x, place.y, width, height);
  return place;
}

// Draw a line around a mask whose first pixel is at top and left of the picture.
export function drawOutline(canvas, place, path, color, width) {
  const context = canvas.getContext("2d");
  context.setTransform(place.scale, 0, 0, place.scale, place.x, place.y);
  for (const [style, extra] of [["rgb(0 0 0 / 65%)", 2], [color, 0]]) {
    context.strokeStyle = style;
    context.lineWidth = (width + extra) / place.scale;
    context.stroke(path);
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
}
