// What the page asks of its worker, so that reading and classifying never block it.

import { cutParticles } from "./cutting.js";
import { classify, openNetwork, unzip } from "./network.js";
import { readCompanion, readImage, readPicture } from "./reading.js";
import { estimateShares } from "./shares.js";

const TASKS = {
  open: ({ wasm, graph }) => openNetwork(wasm, graph),
  unzip: ({ base64 }) => unzip(base64),
  readImage: ({ file }) => readImage(file),
  readCompanion: ({ file, isLabels }) => readCompanion(file, isLabels),
  readLabels: ({ file }) => readPicture(file, true),
  cut: ({ image, labels }) => cutParticles(image, labels),
  classify: ({ picture, mask, pixelSize }) => classify(picture, mask, pixelSize),
  estimate: ({ sample, errors }) => estimateShares(sample, errors),
};

self.onmessage = async ({ data: { number, task, values } }) => {
  try {
    self.postMessage({ number, answer: await TASKS[task](values) });
  } catch (error) {
    self.postMessage({ number, error: error?.message ?? String(error) });
  }
};
