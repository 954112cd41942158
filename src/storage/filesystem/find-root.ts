import fs from "node:fs";
import path from "node:path";
import { UsageError } from "../../errors.js";
import { V2 } from "../../registry/layout.js";
import { causeOf, isAbsent } from "../../system-errors.js";

/** The registry's rootdirectory, by what an operator calls it. Throws a `UsageError`. */
export function findRoot(directory: string): string {
  let real: string;
  try {
    real = fs.realpathSync(directory);
  } catch (error) {
    throw isAbsent(error)
      ? new UsageError(`${directory}: no such directory. Expected the registry's rootdirectory, such as /var/lib/registry.`)
      : new UsageError(`${directory}: ${causeOf(error)}`);
  }
  // Operators name the rootdirectory or anything on the way down to docker/registry/v2: all mean the same storage. What they have written
  // comes first: below a symbolic link the rootdirectory would be taken for another.
  for (const named of [path.resolve(directory), real]) {
    for (const suffix of ["", ...ON_THE_WAY]) {
      if (!named.endsWith(suffix)) continue;
      const root = fs.realpathSync(named.slice(0, named.length - suffix.length) || "/");
      if (!isThere(path.join(root, V2), directory)) continue;
      refuseLinks(root);
      return root;
    }
  }
  if (isEmpty(real)) throw new UsageError(`${directory}: nothing here yet, or not mounted: the directory is empty.`);
  throw new UsageError(
    `${directory}: not a registry's storage. Expected ${V2} below it: name the directory that the registry's config calls rootdirectory.`,
  );
}

/** But for what a filesystem of its own comes with. */
function isEmpty(directory: string): boolean {
  try {
    return fs.readdirSync(directory).every((name) => name === "lost+found");
  } catch {
    return false;
  }
}

/** Safety rule 10 for what lies between the root and what is listed. */
function refuseLinks(root: string): void {
  for (const suffix of ON_THE_WAY) {
    const directory = path.join(root, suffix);
    if (fs.lstatSync(directory).isSymbolicLink())
      throw new UsageError(
        `${directory} is a symbolic link, which is not followed below the rootdirectory: put a bind mount in its place (mount --bind).`,
      );
  }
}

/** Throws a `UsageError` on what the operator named where that cannot be told: a storage that cannot be read is one all the same. */
export function isThere(file: string, named: string): boolean {
  return statusOf(file, named) !== undefined;
}

/** Whether there is a file of this name, and no directory. Throws as `isThere` does. */
export function isFile(file: string, named: string): boolean {
  return statusOf(file, named)?.isDirectory() === false;
}

function statusOf(file: string, named: string): fs.Stats | undefined {
  try {
    return fs.statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw new UsageError(`${named}: ${file}: ${causeOf(error)}`);
  }
}

const ON_THE_WAY = ["/docker/registry/v2", "/docker/registry", "/docker"];
