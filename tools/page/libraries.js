// What the page takes from npm: the network's run time, and the decoders of images.
export { InferenceSession, Tensor, env } from "onnxruntime-web/wasm";
export { decode as decodePng } from "fast-png";
export { fromArrayBuffer as openTiff } from "geotiff";
