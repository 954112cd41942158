import fs from "node:fs";
import path from "node:path";
import { errorMessage, UsageError } from "../errors.js";
import { isAbsent } from "../system-errors.js";
import { EXPORT_FILE } from "./export-file.js";
import { TABLES } from "./tables.js";

/**
 * Refuses a folder that holds anything, above all another export, or that lies in the storage, to which nothing is written. Throws a
 * `UsageError` that names it.
 */
export function checkDestination(directory: string, storageDirectory: string | undefined): void {
  if (storageDirectory !== undefined && isBelow(directory, storageDirectory))
    throw new UsageError(`${directory}: it lies in the storage, which is only read: name a folder elsewhere`);
  let names: readonly string[];
  try {
    names = fs.readdirSync(directory);
  } catch (error) {
    if (isAbsent(error)) return;
    throw new UsageError(`${directory}: ${errorMessage(error)}`);
  }
  if (names.includes(EXPORT_FILE))
    throw new UsageError(
      `${directory}: there is an export in it already (${EXPORT_FILE}): name a new folder, or remove this one`,
    );
  if (names.some((name) => Object.hasOwn(TABLES, name)))
    throw new UsageError(
      `${directory}: there is an export in it that was not finished (no ${EXPORT_FILE}): remove the folder, or name a new one`,
    );
  if (names.length > 0) throw new UsageError(`${directory}: it is not empty: name a new folder`);
}

function isBelow(directory: string, parent: string): boolean {
  const relative = path.relative(parent, realPathOf(path.resolve(directory)));
  return relative === "" || !(relative === ".." || relative.startsWith("../") || path.isAbsolute(relative));
}

/** The real path of what may not be there yet. */
function realPathOf(target: string): string {
  if (fs.existsSync(target) || path.dirname(target) === target) return fs.realpathSync(target);
  return path.join(realPathOf(path.dirname(target)), path.basename(target));
}
