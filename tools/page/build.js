// Bundle what the page takes from npm: node build.js FOLDER [check]
//
// With "check", all but the compressed run time, which takes half a minute: its checksum is
// in contents.json, and a test compares it.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import zopfli from "@gfx/zopfli";
import { build } from "esbuild";

const [folder, isCheck] = process.argv.slice(2);
const wasm = "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm";

// Compressions that the page refuses, as their decoders change pixels or are large.
const leftOut = {
  name: "left-out",
  setup(build) {
    build.onResolve({ filter: /^\.\/(jpeg|lerc|webimage|zstd)\.js$/ }, (file) => ({
      path: file.path,
      namespace: "left-out",
    }));
    build.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({
      contents: "export default undefined; export const zstd = undefined;",
    }));
  },
};

const { metafile } = await build({
  entryPoints: ["libraries.js"],
  outfile: join(folder, "libraries.js"),
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "libraries",
  target: ["chrome110", "firefox115"],
  legalComments: "none",
  charset: "ascii",
  metafile: true,
  plugins: [leftOut],
  // Within a page the code has no address of its own.
  define: { "import.meta.url": '"https://page.invalid/"' },
});

const packages = findPackages(metafile);
if (!isCheck) {
  // Smaller by a twentieth than other gzip, and a page's size counts.
  const compressed = await zopfli.gzipAsync(readFileSync(wasm), { numiterations: 5 });
  writeFileSync(join(folder, "onnxruntime.wasm.gz"), compressed);
}
writeFileSync(join(folder, "licenses.txt"), packages.map(describeLicense).join("\n\n"));
const contents = {
  packages: Object.fromEntries(packages.map((name) => [name, describe(name).version])),
  sha256: {
    "libraries.js": sha256(readFileSync(join(folder, "libraries.js"))),
    "onnxruntime.wasm": sha256(readFileSync(wasm)),
  },
};
writeFileSync(join(folder, "contents.json"), `${JSON.stringify(contents, null, 2)}\n`);

function findPackages({ outputs }) {
  const [output] = Object.values(outputs);
  const used = Object.entries(output.inputs).filter(([, part]) => part.bytesInOutput);
  const names = used.map(([path]) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]);
  return [...new Set(names.filter(Boolean))].sort();
}

function describe(name) {
  return JSON.parse(readFileSync(join("node_modules", name, "package.json")));
}

function describeLicense(name) {
  const places = [join("node_modules", name), "licenses"];
  const files = places.filter((place) => existsSync(place)).flatMap((place) =>
    readdirSync(place).map((file) => join(place, file)));
  const isLicense = (file) =>
    /\/licen[cs]e(\.\w+)?$/i.test(file) || file === join("licenses", `${name}.txt`);
  const file = files.find(isLicense);
  if (!file) throw new Error(`${name} has no license; add it as licenses/${name}.txt`);
  const { version, license } = describe(name);
  return `${name} ${version} (${license})\n\n${readFileSync(file, "utf8").trim()}\n`;
}

function sha256(data) {
  return createHash("sha256").update(data).digest("hex");
}
