// Tables as CSV: read as sklipo's loader does, written as its saver does.

const DELIMITERS = [",", ";", "\t"];
// Paths and names are written without quotes where that is possible.
const TEXT_COLUMNS = ["image", "mask", "micrograph"];

// Return the rows as objects, by the names in the first line.
export function parseCsv(text) {
  const stated = /^\uFEFF?sep=(.)\r?\n/.exec(text);
  const body = text.slice(stated ? stated[0].length : 0).replace(/^\uFEFF/, "");
  const firstLine = body.split(/\r?\n/, 1)[0];
  const counts = DELIMITERS.map((delimiter) => firstLine.split(delimiter).length);
  const delimiter = stated?.[1] ?? DELIMITERS[counts.indexOf(Math.max(...counts))];
  const [names, ...rows] = splitRows(body, delimiter);
  if (!rows.length) throw new Error("the table has no rows");
  const columns = names.map((name) => name.trim());
  const bad = rows.findIndex((row) => row.length !== columns.length);
  if (bad >= 0) {
    throw new Error(
      `row ${bad} has ${rows[bad].length} fields, expected ${columns.length} as in the first line`,
    );
  }
  return rows.map((row) => Object.fromEntries(row.map((field, i) => [columns[i], field])));
}

function splitRows(text, delimiter) {
  const rows = [];
  let [row, field, isQuoted] = [[], "", false];
  const endRow = () => {
    if (row.length || field.trim()) rows.push([...row, field]);
    [row, field] = [[], ""];
  };
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (isQuoted && character === '"' && text[i + 1] === '"') {
      field += '"';
      i++;
    } else if (character === '"' && (isQuoted || !field.trim())) {
      isQuoted = !isQuoted;
      if (isQuoted) field = "";
    } else if (isQuoted) {
      field += character;
    } else if (character === delimiter) {
      row.push(field);
      field = "";
    } else if (character === "\n") {
      endRow();
    } else if (character !== "\r") {
      field += character;
    }
  }
  endRow();
  if (isQuoted) throw new Error("a quote is opened and never closed");
  return rows;
}

// Write rows as CSV; a column that is empty throughout is left out, unless it is named.
// Texts have quotes, but for those of some columns where they need none.
export function formatCsv(rows, names, always = [], plain = TEXT_COLUMNS) {
  const isUsed = (name) => always.includes(name) || rows.some((row) => !isMissing(row[name]));
  const columns = names.filter(isUsed);
  const lines = rows.map((row) => columns.map((name) => format(row[name], plain.includes(name))));
  const header = columns.map((name) => (/[,"\s]|^\W/.test(name) ? quote(name) : name));
  return [header, ...lines].map((line) => `${line.join(",")}\n`).join("");
}

function isMissing(value) {
  return value === null || value === undefined;
}

function format(value, mayBePlain) {
  if (isMissing(value)) return "";
  if (typeof value === "number") return String(value);
  const isPlain = mayBePlain && !/[,"\r\n]|^\s|\s$|^$/.test(value);
  return isPlain ? value : quote(value);
}

function quote(text) {
  return `"${text.replaceAll('"', '""')}"`;
}
