import { counts } from "./counts.js";
import { causeOf } from "./directory.js";
import { readLink } from "./read-file.js";
import type { RepositoryReader } from "./repository-reader.js";

/** What an upload's directory holds. It goes when the upload is finished, its files first: what is gone is no fault. */
export function readUpload(reader: RepositoryReader, id: string, path: string): void {
  const own = reader.stat(path);
  if (own === undefined) return;
  let bytes = 0;
  let modified = 0;
  const pending = [path];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const listed = reader.list(directory);
    for (const child of listed?.directories ?? []) pending.push(`${directory}/${child}`);
    for (const file of listed?.files ?? []) {
      const found = reader.stat(`${directory}/${file}`);
      bytes += found?.bytes ?? 0;
      modified = Math.max(modified, found?.modified ?? 0);
    }
  }
  const startedAt = readStartedAt(reader, `${path}/startedat`);
  reader.builder.addUpload({ id, startedAt, bytes, modified: modified === 0 ? own.modified : modified });
}

function readStartedAt(reader: RepositoryReader, path: string): string | undefined {
  counts.get++;
  try {
    return readLink(`${reader.root}/${path}`)?.toString("latin1");
  } catch (error) {
    reader.builder.addFault(path, causeOf(error));
    return undefined;
  }
}
