// Which files belong together: an image and, if there is one, its mask or its labels.
//
// name_mask.png is the mask of name.png, in letters of any case; a folder of masks holds
// those of the images in the folder beside it; a table names both itself. Where all images
// lie in folders named by classes, these are their labels.

import { parseCsv } from "../../../displays/_page/csv.js";
import { classes } from "./state.js";

const IMAGE = /\.(png|tiff?)$/i;
const OTHER_IMAGE = /\.(jpe?g|bmp|gif|webp|jp2|avif|p[bgpn]m|mrcs?|map|dm[34]|ser|emd)$/i;
const SUFFIX = /^(.+)_(mask|masks|instances|labels?|seg)$/i;
const MASK_FOLDER = /^(masks?|labels?|instances|segmentations?)$/i;
// Names of what numbers the particles of a micrograph, even if there is only one.
const LABELS = /_(instances|labels?|seg)\.\w+$|(^|\/)(labels?|instances|segmentations?)\//i;

// Return {jobs, problems}; a job is {path, file, companion, row}.
export async function pairFiles(files) {
  const problems = [];
  const tables = files.filter(({ path }) => /\.csv$/i.test(path));
  const images = files.filter(({ path }) => IMAGE.test(path));
  for (const { path } of files) {
    if (!tables.length && !IMAGE.test(path)) problems.push([path, describeOther(path)]);
  }
  if (!tables.length) return { jobs: pairByName(images, problems), problems };
  const jobs = [];
  for (const table of tables) {
    try {
      jobs.push(...pairByTable(parseCsv(await table.file.text()), table.path, images, problems));
    } catch (error) {
      problems.push([table.path, `The table can't be read: ${error.message}.`]);
    }
  }
  return { jobs, problems };
}

function describeOther(path) {
  if (OTHER_IMAGE.test(path)) {
    return "This format is not read here. Save the image as PNG or TIFF, without loss.";
  }
  return "Neither an image (PNG, TIFF) nor a table (CSV), so it is left out.";
}

function pairByName(images, problems) {
  const companions = new Map();
  const owners = images.filter((image) => {
    const owner = findOwner(image.path, images);
    if (owner === undefined) return true;
    if (owner === null) {
      problems.push([image.path, "A mask without its image. Drop the image along."]);
    } else if (companions.has(owner)) {
      const other = companions.get(owner).path;
      problems.push([image.path, `A second mask of ${owner.path}, beside ${other}. Drop one.`]);
    } else {
      companions.set(owner, { ...image, isLabels: LABELS.test(image.path) });
    }
    return false;
  });
  const folders = owners.map(({ path }) => splitPath(path).folders.at(-1));
  const areLabels = folders.every((folder) => classes.includes(folder));
  return owners.map((image, i) => ({
    ...image,
    companion: companions.get(image) ?? null,
    row: areLabels ? { label: folders[i] } : undefined,
  }));
}

// The image that a mask belongs to, null if it is missing, undefined if this is no mask.
function findOwner(path, images) {
  const { folders, stem } = splitPath(path);
  const [, owned, suffix] = SUFFIX.exec(stem) ?? [];
  const stems = [stem, owned].filter(Boolean).map((name) => name.toLowerCase());
  const depth = folders.findLastIndex((folder) => MASK_FOLDER.test(folder));
  const others = images.filter((image) => image.path !== path);
  if (depth >= 0) {
    return others.find((image) => {
      const other = splitPath(image.path);
      return stems.includes(other.stem.toLowerCase()) && isBeside(other.folders, folders, depth);
    }) ?? (others.some((image) => !isInMaskFolder(image.path)) ? null : undefined);
  }
  if (!owned) return undefined;
  const owner = others.find((image) => {
    const other = splitPath(image.path);
    return other.folders.join("/") === folders.join("/") &&
      other.stem.toLowerCase() === owned.toLowerCase();
  });
  return owner ?? (suffix.toLowerCase() === "mask" ? null : undefined);
}

// Whether folders are those of a mask, but for the one that holds the masks.
function isBeside(folders, ofMask, depth) {
  const without = ofMask.filter((_, i) => i !== depth).join("/");
  const isSibling = folders.length === ofMask.length && !MASK_FOLDER.test(folders[depth]);
  const rest = isSibling ? folders.filter((_, i) => i !== depth) : folders;
  return rest.join("/") === without;
}

function isInMaskFolder(path) {
  return splitPath(path).folders.some((folder) => MASK_FOLDER.test(folder));
}

function splitPath(path) {
  const folders = path.split("/");
  const stem = folders.pop().replace(/\.\w+$/, "");
  return { folders, stem };
}

function pairByTable(rows, tablePath, images, problems) {
  if (!("image" in rows[0])) {
    throw new Error(`it has no column "image" among ${Object.keys(rows[0]).join(", ")}`);
  }
  const folder = tablePath.includes("/") ? tablePath.replace(/[^/]*$/, "") : "";
  return rows.flatMap((row, i) => {
    const found = [row.image, row.mask].map((name) => name && findFile(name, folder, images));
    const missing = [row.image, row.mask].filter((name, k) => name && !found[k]);
    if (!row.image || missing.length) {
      const text = row.image
        ? `${missing.join(", ")} is missing; drop it along.` : "Its image has no name.";
      problems.push([`${tablePath}, row ${i}`, text]);
      return [];
    }
    return [{ ...found[0], companion: found[1] || null, row, table: tablePath }];
  });
}

// Paths count from the table's folder. Files without their folders are found by name.
function findFile(name, folder, images) {
  const path = name.trim().replaceAll("\\", "/").replace(/^\.\//, "");
  const exact = images.find((image) => image.path === folder + path);
  if (exact) return exact;
  const isNamed = (image) => image.path === path || path.endsWith(`/${image.path}`) ||
    image.path.endsWith(`/${path}`);
  const named = images.filter(isNamed);
  return named.length === 1 ? named[0] : undefined;
}
