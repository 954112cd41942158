import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { UsageError } from "./errors.js";
import { causeOf, isSystemError } from "./system-errors.js";

/** A directory for files that nobody needs after this run. */
export interface TemporaryDirectory {
  readonly path: string;
  readonly remove: () => void;
}

/** Makes one, which goes with the process if not before, unless that is killed. Throws a `UsageError` that says where it cannot be made. */
export function makeTemporaryDirectory(name: string): TemporaryDirectory {
  const directory = withTemporaryFiles(() => fs.mkdtempSync(path.join(os.tmpdir(), `regcheck-${name}-`)));
  const remove = (): void => {
    process.off("exit", remove);
    fs.rmSync(directory, { recursive: true, force: true });
  };
  // After a second signal nothing else comes to its end.
  process.on("exit", remove);
  return { path: directory, remove };
}

/** Does something with temporary files. What the system says of them throws a `UsageError` that names the place: it is no fault of what is read. */
export function withTemporaryFiles<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UsageError(
      `${os.tmpdir()}: ${causeOf(error)}. Temporary files are written there: make room, or set TMPDIR to another directory`,
      { cause: error },
    );
  }
}
