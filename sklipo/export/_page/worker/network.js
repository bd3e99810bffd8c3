// The model: one particle in, its class and probabilities out.

// Bytes of a float.
const FLOAT = 4;

let session;

// The graph comes as planes: the first bytes of all its floats, then the second ones ...
export async function openNetwork(wasm, graph) {
  // More threads would need a server's headers, and the page has no server.
  libraries.env.wasm.numThreads = 1;
  const [binary, planes] = await Promise.all([unzip(wasm), unzip(graph)]);
  libraries.env.wasm.wasmBinary = binary;
  session = await libraries.InferenceSession.create(join(planes), {
    executionProviders: ["wasm"],
  });
}

export async function classify({ data, height, width }, mask, pixelSize) {
  const shape = [height, width];
  const values = Float32Array.from(data);
  if (!values.every(Number.isFinite)) {
    throw new Error("it has NaN, infinite or very large pixels; fill them with numbers");
  }
  const inputs = {
    image: new libraries.Tensor("float32", values, shape),
    mask: new libraries.Tensor("bool", mask, shape),
  };
  if (session.inputNames.includes("pixel_size")) {
    inputs.pixel_size = new libraries.Tensor("float64", [pixelSize], []);
  }
  const { label, probabilities } = await session.run(inputs);
  return { prediction: label.data[0], probabilities: Array.from(probabilities.data, Number) };
}

function join(planes) {
  // The last bytes may be no whole float, and stay where they are.
  const bytes = planes.slice();
  const n = Math.floor(planes.length / FLOAT);
  for (let plane = 0; plane < FLOAT; plane++) {
    for (let i = 0; i < n; i++) bytes[i * FLOAT + plane] = planes[plane * n + i];
  }
  return bytes;
}

function fromBase64(text) {
  // The newest browsers know how, which takes a tenth of the time.
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

export async function unzip(base64) {
  const bytes = fromBase64(base64);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
