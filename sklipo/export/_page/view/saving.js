// The particles as a CSV that sklipo and pandas read.
//
// The class given by hand is the column "label": that of the particles that somebody
// looked at, which load_particles and estimate_prevalence expect there.

import { formatCsv } from "../../../displays/_page/csv.js";
import { download } from "../../../displays/_page/downloads.js";
import { classes, page, state } from "./state.js";

const FIRST = ["image", "mask", "outline", "micrograph", "instance", "x", "y", "x_nm", "y_nm",
  "diameter", "diameter_nm", "pixel_size", "prediction"];
const LAST = ["label", "model", "sklipo_version"];
const ALWAYS = ["prediction", ...LAST];

export function saveCsv() {
  const particles = state.particles.filter(({ prediction }) => prediction !== undefined);
  const probabilities = classes.map((name) => `probability_${name}`);
  const text = formatCsv(particles.map(describe), [...FIRST, ...probabilities, ...LAST], ALWAYS);
  download("classes.csv", text);
}

function describe(particle) {
  const isCutHere = particle.top !== undefined;
  const size = particle.pixelSize ?? state.pixelSize;
  const row = {
    image: isCutHere ? null : particle.path,
    mask: particle.maskPath ?? null,
    outline: particle.outline === "mask" ? null : particle.outline,
    micrograph: particle.micrograph,
    instance: isCutHere ? particle.instance : particle.rowInstance,
    pixel_size: page.unit === "nm" ? size : particle.pixelSize,
    prediction: particle.prediction,
    label: particle.label,
    model: page.model,
    sklipo_version: page.version,
  };
  classes.forEach((name, i) => {
    row[`probability_${name}`] = particle.probabilities[i];
  });
  return isCutHere ? { ...row, ...measure(particle, row.pixel_size) } : row;
}

// The centroid, from the center of the micrograph's first pixel, and the diameter.
function measure({ mask, picture, top, left }, size) {
  let [x, y, area] = [0, 0, 0];
  mask.forEach((value, i) => {
    if (!value) return;
    x += left + (i % picture.width);
    y += top + Math.floor(i / picture.width);
    area += 1;
  });
  const lengths = { x: x / area, y: y / area, diameter: 2 * Math.sqrt(area / Math.PI) };
  const inNm = Object.entries(lengths).map(([name, value]) =>
    [`${name}_nm`, size ? value * size : null]);
  return { ...lengths, ...Object.fromEntries(inNm) };
}
