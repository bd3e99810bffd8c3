// From files to classified particles, one after another, so that it can be canceled.

import { announce, find, plural } from "../../../displays/_page/elements.js";
import { ask } from "./engine.js";
import { pairFiles } from "./pairing.js";
import { askForPixelSize, askWhichIsLabels } from "./questions.js";
import { addProblem, classes, page, state, tell } from "./state.js";

const SIZES = { least: 1e-4, most: 1e6 };

let isCanceled = false;
let running = Promise.resolve();

export function cancelImport() {
  isCanceled = true;
}

// Imports run one after another, in the order in which files were dropped.
export function importFiles(files, engine) {
  running = running.then(() => runImport(files, engine)).catch((error) =>
    addProblem("The page", `${error.message}. Open it anew.`));
  return running;
}

async function runImport(files, engine) {
  isCanceled = false;
  const { jobs, problems } = await pairFiles(files);
  for (const [name, text] of problems) addProblem(name, text);
  const fresh = jobs.filter((job) => !isHere(job));
  const before = state.particles.length;
  showProgress("Starting the model", 0, fresh.length);
  await engine;
  await askBefore(fresh);
  for (const [i, job] of fresh.entries()) {
    if (isCanceled) break;
    showProgress("Classifying", i, fresh.length);
    await runJob(job);
  }
  find("progress").hidden = true;
  tell("particles");
  const waiting = state.particles.filter((particle) => !particle.mask).length;
  announce([
    `${plural(state.particles.length - before, "new particle")}.`,
    waiting ? `${plural(waiting, "particle")} without a mask.` : "",
    fresh.length < jobs.length ? `${jobs.length - fresh.length} were here already.` : "",
    isCanceled ? "Canceled." : "",
  ].filter(Boolean).join(" "));
}

// What only the user can know: nanometers per pixel, and which of two files has labels.
async function askBefore(jobs) {
  const isUnknown = ({ row }) => !row?.pixel_size;
  if (page.unit === "nm" && state.pixelSize === null && jobs.some(isUnknown)) {
    state.pixelSize = await askForPixelSize();
    find("pixel-size").value = state.pixelSize;
  }
  if (jobs.length !== 2 || jobs.some(({ companion, row }) => companion || row)) return;
  const pictures = await Promise.all(jobs.map(({ file }) =>
    ask("readLabels", { file }).catch(() => null)));
  const [one, other] = pictures;
  if (!one || !other || one.height !== other.height || one.width !== other.width) return;
  const labels = await askWhichIsLabels(jobs, pictures);
  if (labels < 0) return;
  jobs[1 - labels].companion = jobs[labels];
  jobs.splice(labels, 1);
}

function isHere({ path, file, row }) {
  return [...state.particles, ...state.micrographs].some((known) => known.path === path &&
    known.file.size === file.size && known.file.lastModified === file.lastModified &&
    known.rowInstance === row?.instance);
}

async function runJob(job) {
  let name = job.path;
  try {
    const picture = await ask("readImage", { file: job.file });
    checkPixels(picture);
    name = job.companion?.path ?? name;
    const companion = job.companion && (await ask("readCompanion", job.companion));
    if (companion?.kind === "labels") {
      await addMicrograph(job, picture, companion);
    } else {
      checkMask(companion, picture);
      if (companion?.doubt) addProblem(name, companion.doubt);
      name = job.path;
      await addParticle(describeParticle(job, picture, companion));
    }
  } catch (error) {
    addProblem(name, toSentence(error.message));
  }
}

function checkPixels({ type }) {
  const kind = ["uint8", "uint16"].includes(type) ? type : "float";
  if (page.pixels !== "any" && page.pixels !== kind) {
    throw new Error(
      `its pixels are ${type}, and the model was fitted to ${page.pixels}: the same gray ` +
        "has other numbers there. Save the image with the pixels of the training, or train " +
        "with NormalizeBackground, which makes them comparable",
    );
  }
}

function checkMask(mask, picture) {
  if (mask && (mask.height !== picture.height || mask.width !== picture.width)) {
    throw new Error(
      `the mask has ${mask.height} x ${mask.width} pixels, its image ${picture.height} x ` +
        `${picture.width}; make one that fits`,
    );
  }
}

function describeParticle({ path, file, companion, row }, picture, mask) {
  const label = row?.label?.trim() || null;
  if (label !== null && !classes.includes(label)) {
    addProblem(path, `Its label in the table is "${label}", which is no class of the model. ` +
      "It is classified without its label.");
  }
  return {
    name: row?.instance ? `${path} ${row.instance}` : path,
    path,
    file,
    rowInstance: row?.instance,
    maskPath: companion?.path ?? null,
    picture,
    mask: mask?.mask ?? null,
    outline: mask ? "mask" : null,
    micrograph: row?.micrograph?.trim() || null,
    pixelSize: readPixelSize(row),
    label: classes.includes(label) ? label : null,
    labelOfFiles: classes.includes(label) ? label : null,
  };
}

function readPixelSize(row) {
  if (!row?.pixel_size) return null;
  const size = Number(row.pixel_size.replace(",", "."));
  if (!(size >= SIZES.least && size <= SIZES.most)) {
    throw new Error(
      `pixel_size is "${row.pixel_size}", expected nm per pixel from ${SIZES.least} to ` +
        SIZES.most,
    );
  }
  return size;
}

async function addMicrograph({ path, file, row }, image, labels) {
  const particles = await ask("cut", { image, labels });
  const name = row?.micrograph?.trim() || path.replace(/^.*\//, "").replace(/\.\w+$/, "");
  const micrograph = { name, path, file, picture: image, particles: [] };
  state.micrographs.push(micrograph);
  for (const [i, { instance, top, left, picture, mask }] of particles.entries()) {
    if (isCanceled) return;
    showProgress(`Classifying the particles of ${name}`, i, particles.length);
    const particle = { name: `${name} ${instance}`, path, file, instance, top, left, picture,
      mask, outline: "mask", micrograph: name, pixelSize: readPixelSize(row), label: null };
    micrograph.particles.push(particle);
    try {
      await addParticle(particle);
    } catch (error) {
      micrograph.particles.pop();
      addProblem(particle.name, toSentence(error.message));
    }
  }
}

// Without a mask a particle waits for its outline.
async function addParticle(particle) {
  if (particle.mask) await classifyParticle(particle);
  state.particles.push(particle);
  tell("particles");
}

export async function classifyParticle(particle) {
  const { picture, mask } = particle;
  const pixelSize = particle.pixelSize ?? state.pixelSize;
  Object.assign(particle, await ask("classify", { picture, mask, pixelSize }));
}

// Classify particles that just got their outline, or another one.
export async function classifyAgain(particles) {
  isCanceled = false;
  for (const [i, particle] of particles.entries()) {
    if (isCanceled) break;
    showProgress("Classifying", i, particles.length);
    try {
      await classifyParticle(particle);
    } catch (error) {
      state.particles = state.particles.filter((other) => other !== particle);
      addProblem(particle.name, toSentence(error.message));
    }
  }
  find("progress").hidden = true;
  tell("particles");
}

function toSentence(text) {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

function showProgress(what, done, of) {
  find("progress").hidden = false;
  find("progress-text").textContent = of ? `${what}: ${done} of ${of}` : what;
  find("progress-bar").max = of || 1;
  find("progress-bar").value = done;
}
