// The selected particle in large, and a button for each class.

import { drawOutline, traceOutline } from "../../../displays/_page/drawing.js";
import { find, make, percent, plural } from "../../../displays/_page/elements.js";
import { confirmSelected, giveClass, takeBack } from "./cards.js";
import { colorOf, keyOf, makeSwatch } from "./colors.js";
import { drawPicture } from "./pictures.js";
import { classOf, classes, page, state } from "./state.js";

export function setUpDetails(openOutline) {
  for (const name of classes) {
    const bar = make("span", { className: "bar" });
    bar.style.backgroundColor = colorOf(name);
    const button = make("button", { type: "button", className: "class-button" },
      makeSwatch(name), make("span", { className: "class-name" }, name),
      make("span", { className: "class-probability" }), bar);
    button.title = `Key ${keyOf(name)}`;
    button.addEventListener("click", () => giveClass(name));
    find("class-buttons").append(button);
  }
  find("confirm").addEventListener("click", confirmSelected);
  find("take-back").addEventListener("click", takeBack);
  find("change-outline").addEventListener("click", () => openOutline([...state.selected][0]));
}

export function updateDetails() {
  const selected = [...state.selected];
  const one = selected.length === 1 ? selected[0] : null;
  find("details").hidden = !state.particles.some(({ prediction }) => prediction !== undefined);
  find("details-picture").hidden = !one;
  find("change-outline").disabled = !one;
  find("details-text").textContent = one ? describe(one)
    : selected.length ? `${plural(selected.length, "particle")} selected`
      : "Select particles to see them here and to correct their class.";
  [...find("class-buttons").children].forEach((button, i) => {
    const share = one ? one.probabilities[i] : 0;
    button.disabled = !selected.length;
    button.setAttribute("aria-pressed", String(Boolean(one) && classOf(one) === classes[i]));
    button.querySelector(".class-probability").textContent = one ? percent(share) : "";
    button.querySelector(".bar").style.width = `${100 * share}%`;
  });
  for (const id of ["confirm", "take-back"]) find(id).disabled = !selected.length;
  if (one) draw(one);
}

function draw(particle) {
  const canvas = find("details-picture");
  const place = drawPicture(canvas, particle.picture, true);
  canvas.setAttribute("aria-label", `Picture of ${particle.name}`);
  if (particle.outline === "whole image") return;
  const { height, width } = particle.picture;
  const outline = traceOutline(particle.mask, height, width);
  drawOutline(canvas, place, outline, colorOf(classOf(particle)), 2);
}

function describe(particle) {
  const { height, width, type } = particle.picture;
  const size = particle.pixelSize ?? state.pixelSize;
  const scale = page.unit === "nm" ? `, ${size} nm per pixel` : "";
  const byHand = particle.label === null ? "" : `; by hand ${particle.label}`;
  return `${particle.name}: ${height} x ${width} pixels (${type})${scale}. ` +
    `Predicted ${particle.prediction}${byHand}.`;
}
