// Colors of classes, each with a key on it: no class is told by its color alone.

import { make } from "./elements.js";

export function makeKeySwatch(key, color) {
  // The style shows the key, so that it is no part of what is heard.
  const swatch = make("span", { className: "swatch" });
  swatch.dataset.key = key;
  swatch.setAttribute("aria-hidden", "true");
  swatch.style.backgroundColor = color;
  swatch.style.color = textColorOn(color);
  return swatch;
}

export function textColorOn(color) {
  const [red, green, blue] = [1, 3, 5].map((start) => {
    const level = parseInt(color.slice(start, start + 2), 16) / 255;
    return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
  });
  // Black reads better from this luminance on (WCAG 2).
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}
