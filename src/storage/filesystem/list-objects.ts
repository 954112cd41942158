import fs from "node:fs";
import type { StoredObject } from "../changes.js";
import type { StorageRequests } from "../requests.js";
import { isAbsent } from "../../system-errors.js";
import { changeError } from "./directory.js";
import type { PlainPaths } from "./plain-paths.js";

/** All objects below a directory. Throws an `OperatorError` when it cannot be listed to the end. */
export async function* listObjects(
  directory: string,
  paths: PlainPaths,
  requests: StorageRequests,
): AsyncGenerator<StoredObject> {
  const pending = [directory];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const entry of entriesOf(next, paths, requests)) {
      const child = `${next}/${entry.name}`;
      if (entry.isDirectory()) {
        pending.push(child);
        continue;
      }
      const stat = statOf(child, paths, requests);
      if (stat !== undefined) yield { path: child, bytes: stat.size, modified: Math.floor(stat.mtimeMs / 1000) };
    }
  }
}

/** What a directory holds; nothing where there is none. Throws an `OperatorError`. */
export function entriesOf(directory: string, paths: PlainPaths, requests: StorageRequests): fs.Dirent[] {
  try {
    requests.list++;
    return fs.readdirSync(paths.resolve(directory), { withFileTypes: true });
  } catch (error) {
    if (isAbsent(error)) return [];
    throw changeError(directory, error);
  }
}

function statOf(file: string, paths: PlainPaths, requests: StorageRequests): fs.Stats | undefined {
  try {
    requests.head++;
    return fs.lstatSync(paths.resolve(file), { throwIfNoEntry: false });
  } catch (error) {
    throw changeError(file, error);
  }
}
