import type { OwnObject } from "../listing.js";
import { counts } from "./counts.js";
import { causeOf } from "../../system-errors.js";
import { ABSENT } from "./calls.js";
import { linkContent, readLink } from "./read-file.js";
import type { RepositoryReader } from "./repository-reader.js";

/** What an upload's directory holds. It goes when the upload is finished, its files first: what is gone is no fault. */
export function readUpload(reader: RepositoryReader, id: string, path: string): void {
  const own = reader.stat(path);
  if (own === undefined) return;
  const objects: OwnObject[] = [];
  let bytes = 0;
  let modified = 0;
  for (const file of reader.filesBelow(path)) {
    const found = reader.stat(file);
    if (found === undefined) continue;
    objects.push({ name: file.slice(path.length + 1), bytes: found.bytes });
    bytes += found.bytes;
    modified = Math.max(modified, found.modified);
  }
  const startedAt = readStartedAt(reader, `${path}/startedat`);
  reader.builder.addUpload({ id, startedAt, objects, bytes, modified: modified === 0 ? own.modified : modified });
}

function readStartedAt(reader: RepositoryReader, path: string): string | undefined {
  counts.get++;
  try {
    const length = readLink(`${reader.root}/${path}`);
    return length === ABSENT ? undefined : Buffer.from(linkContent(length)).toString("latin1");
  } catch (error) {
    reader.builder.addFault(path, causeOf(error));
    return undefined;
  }
}
