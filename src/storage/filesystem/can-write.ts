import fs from "node:fs";
import { causeOf } from "../../system-errors.js";
import { ancestorsOf } from "../parents.js";
import type { PlainPaths } from "./plain-paths.js";

/** Why nothing can be made in a directory, or in the nearest above it that is there: its mount is read-only, or it is another user's. */
export function whyNoWrite(directory: string, paths: PlainPaths): string | undefined {
  let at = paths.root;
  try {
    for (const below of [...ancestorsOf(directory), directory].map((name) => paths.absolute(name))) {
      if (fs.lstatSync(below, { throwIfNoEntry: false }) === undefined) break;
      at = below;
    }
    fs.accessSync(at, fs.constants.W_OK | fs.constants.X_OK);
    return undefined;
  } catch (error) {
    return `${at}: ${causeOf(error)}`;
  }
}
