// Files that were dropped or chosen, those in folders too, each with its path.

const HIDDEN = /(^|\/)(\.|__MACOSX\/|@eaDir\/|Thumbs\.db$|desktop\.ini$)/;

export async function gatherDropped(items) {
  // The items are gone after the first await.
  const found = [...items].filter((item) => item.kind === "file").map(openItem);
  const files = (await Promise.all(found.map((open) => open()))).flat();
  return withoutHidden(files);
}

export function gatherChosen(files) {
  return withoutHidden([...files].map((file) => ({
    path: file.webkitRelativePath || file.name,
    file,
  })));
}

function withoutHidden(files) {
  return files.filter(({ path }) => !HIDDEN.test(path)).sort((one, other) =>
    compareNames(one.path, other.path));
}

// 2.png comes before 10.png.
export function compareNames(one, other) {
  return one.localeCompare(other, "en", { numeric: true });
}

// Chromium reads folders of a local page by handles, Firefox by entries.
function openItem(item) {
  const file = item.getAsFile();
  const handle = item.getAsFileSystemHandle?.();
  const entry = handle ? null : item.webkitGetAsEntry?.();
  return async () => {
    const opened = await handle?.catch(() => null);
    if (opened) return readHandle(opened, "");
    if (entry) return readEntry(entry);
    return file ? [{ path: file.name, file }] : [];
  };
}

async function readHandle(handle, folder) {
  const path = folder + handle.name;
  if (handle.kind === "file") return [{ path, file: await handle.getFile() }];
  const parts = [];
  for await (const child of handle.values()) parts.push(...(await readHandle(child, `${path}/`)));
  return parts;
}

async function readEntry(entry) {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ path, file }];
  }
  const reader = entry.createReader();
  const parts = [];
  // A reader gives a hundred at a time, and none at the end.
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return parts;
    for (const child of some) parts.push(...(await readEntry(child)));
  }
}
