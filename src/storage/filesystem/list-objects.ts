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
      const object = statObject(child, paths, requests);
      if (object !== undefined) yield object;
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

/** One object; undefined where there is none, or a directory. Throws an `OperatorError`. */
export function statObject(file: string, paths: PlainPaths, requests: StorageRequests): StoredObject | undefined {
  try {
    requests.head++;
    const stat = fs.lstatSync(paths.resolve(file), { throwIfNoEntry: false });
    if (stat === undefined || stat.isDirectory()) return undefined;
    return { path: file, bytes: stat.size, modified: Math.floor(stat.mtimeMs / 1000) };
  } catch (error) {
    throw changeError(file, error);
  }
}
