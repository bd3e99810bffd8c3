const ort = require("onnxruntime-node"); // in a browser: onnxruntime-web

// Return a function that classifies one particle.
async function loadClassifier(path) {
  const session = await ort.InferenceSession.create(path);
  // Both are of height * width values, row by row; the mask is 1 inside.
  return async (image, mask, height, width) => {
    const { label, probabilities } = await session.run({
      image: new ort.Tensor("float32", Float32Array.from(image), [height, width]),
      mask: new ort.Tensor("bool", Uint8Array.from(mask), [height, width]),
    });
    return { label: label.data[0], probabilities: Array.from(probabilities.data) };
  };
}

module.exports = { loadClassifier };
