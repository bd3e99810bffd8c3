// What the model is, and what the page is made of.

import { find, make, percent } from "../../../displays/_page/elements.js";
import { ask, textOf } from "./engine.js";
import { page } from "./state.js";

export function describeModel() {
  document.title = page.title;
  find("title").textContent = page.title;
  find("classes").textContent = page.classes.join(", ");
  const facts = {
    Model: page.model,
    Classes: page.classes.join(", "),
    "Left undecided": page.unsure && `"${page.unsure}", where the model may be wrong`,
    Pixels: page.pixels === "any" ? "of any type" : `${page.pixels} only`,
    Sizes: page.unit === "nm" ? "in nm: the pixel size is needed" : "in pixels",
    "Written": `${page.date} by sklipo ${page.version}`,
  };
  const entries = Object.entries(facts).filter(([, text]) => text);
  find("facts").append(...entries.flatMap(([name, text]) =>
    [make("dt", {}, name), make("dd", {}, text)]));
  find("steps").textContent = page.steps;
  find("judged").hidden = !page.judged;
  find("not-judged").hidden = Boolean(page.judged);
  if (page.judged) showErrors(page.judged);
  find("licenses").textContent = textOf("licenses-text");
  find("notices").parentElement.addEventListener("toggle", showNotices, { once: true });
}

async function showNotices() {
  const notices = await ask("unzip", { base64: textOf("notices-text") });
  find("notices").textContent = new TextDecoder().decode(notices);
}

// How the particles of each class were predicted in cross-validation.
function showErrors({ text, rows, columns }) {
  find("judged-text").textContent = text;
  find("errors-head").append(make("th", { scope: "col" }, "is \\ predicted"),
    ...columns.map((name) => make("th", { scope: "col" }, name)));
  find("errors").append(...rows.map(({ name, counts }) => {
    const n = counts.reduce((total, count) => total + count, 0);
    const cells = counts.map((count) =>
      make("td", {}, `${count} (${n ? percent(count / n) : "0 %"})`));
    return make("tr", {}, make("th", { scope: "row" }, name), ...cells);
  }));
}
