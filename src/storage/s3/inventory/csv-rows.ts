import fs from "node:fs";
import zlib from "node:zlib";
import { storedSeconds, withZone } from "../dates.js";
import { emptyRows, findColumns, isArchived } from "./rows.js";
import type { InventoryRows } from "./rows.js";

/**
 * The rows of a gzipped CSV file, which has no header: `columns` are the manifest's `fileSchema`. Keys are URL-encoded, in CSV only. Current
 * versions that are no delete markers. Throws an `Error` that says what is wrong.
 */
export async function* csvRows(file: string, columns: readonly string[]): AsyncGenerator<InventoryRows> {
  const found = findColumns(columns);
  const at = (name: string | undefined): number => (name === undefined ? -1 : columns.indexOf(name));
  const [key, size, modified, etag] = [at(found.key), at(found.size), at(found.modified), at(found.etag)];
  const [isLatest, isDeleteMarker] = [at(found.isLatest), at(found.isDeleteMarker)];
  const [storageClass, accessTier] = [at(found.storageClass), at(found.accessTier)];
  const tellsArchive = storageClass >= 0 || accessTier >= 0;
  let rows = emptyRows();
  for await (const lines of linesOf(file)) {
    for (const line of lines) {
      const fields = fieldsOf(line, columns.length);
      if (fields[isLatest] === "false" || fields[isDeleteMarker] === "true") continue;
      const bytes = Number(fields[size] === "" ? "none" : fields[size]);
      const time = secondsOf(fields[modified] ?? "");
      if (fields[key] === undefined || fields[key] === "" || !(bytes >= 0) || Number.isNaN(time))
        throw new Error("a row has no key, size or date");
      rows.keys.push(decodeKey(fields[key]));
      rows.sizes.push(bytes);
      rows.modified.push(time);
      rows.etags.push(Buffer.from(fields[etag] ?? "", "latin1"));
      if (tellsArchive) rows.archived.push(isArchived(fields[storageClass] ?? "", fields[accessTier] ?? ""));
    }
    yield rows;
    rows = emptyRows();
  }
}

/** What is not encoded, which is nearly all, stays as it is. */
function decodeKey(text: string): Uint8Array {
  if (!text.includes("%") && !text.includes("+")) return Buffer.from(text, "latin1");
  return Buffer.from(decodeURIComponent(text.replaceAll("+", " ")), "utf8");
}

/** Lines as they come. A stream that ends before its time is an error of zlib's. */
async function* linesOf(file: string): AsyncGenerator<readonly string[]> {
  const unzipped = zlib.createGunzip({ chunkSize: 1024 * 1024 });
  const stream = fs.createReadStream(file, { highWaterMark: 256 * 1024 });
  stream.on("error", (error) => unzipped.destroy(error)).pipe(unzipped);
  let rest = "";
  for await (const chunk of unzipped as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    yield lines;
  }
  if (rest !== "") yield [rest];
}

/** All fields are quoted, and keys have no quotes, being encoded: a line is split where fields meet. */
function fieldsOf(line: string, columns: number): readonly string[] {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  const fields = text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).split('","') : [];
  if (fields.length === columns) return fields;
  const plain = Array.from(text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g), ([, quoted, bare]) =>
    (quoted ?? bare ?? "").replaceAll('""', '"'),
  );
  if (plain.length !== columns) throw new Error(`a line has ${plain.length} fields instead of ${columns}`);
  return plain;
}

let lastText = "";
let lastSeconds = Number.NaN;

/** Objects of one push share a date to the second: the last one is remembered. */
function secondsOf(text: string): number {
  if (text === lastText) return lastSeconds;
  lastText = text;
  lastSeconds = storedSeconds(Date.parse(withZone(text)));
  return lastSeconds;
}
