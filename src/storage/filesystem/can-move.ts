import fs from "node:fs";
import { BLOBS, REPOSITORIES } from "../../registry/layout.js";
import { causeOf } from "../../system-errors.js";
import { ancestorsOf } from "../parents.js";
import { mountOf, mountPointsBelow } from "./mounts.js";
import type { PlainPaths } from "./plain-paths.js";

/** Why no blob or link can be moved into a directory; undefined where it can. A move links: on the same mount, and below no symbolic link. */
export function whyNoMove(directory: string, paths: PlainPaths): string | undefined {
  let standing = paths.root;
  for (const at of [...ancestorsOf(directory), directory].map((name) => paths.absolute(name))) {
    const stat = fs.lstatSync(at, { throwIfNoEntry: false });
    if (stat === undefined) break;
    if (!stat.isDirectory())
      return `${at} is ${stat.isSymbolicLink() ? "a symbolic link, which is not followed" : "no directory"}`;
    standing = at;
  }
  const to = { path: paths.absolute(directory), dev: fs.statSync(standing).dev, mount: mountOf(standing) };
  for (const source of sources(paths)) {
    const why = whyNotFrom(source, to);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** Absolute: all from which something is moved, and what may be mounted there. */
function sources(paths: PlainPaths): string[] {
  const tops = [BLOBS, REPOSITORIES].map((top) => paths.absolute(top));
  return [...tops, ...tops.flatMap(mountPointsBelow)];
}

/** `mount` is that of the directory that is moved to, or of the one in which it will be made; so is `dev`. */
function whyNotFrom(source: string, to: { path: string; dev: number; mount: number | undefined }): string | undefined {
  try {
    const stat = fs.statSync(source, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (stat.dev !== to.dev) return `${to.path} is on another device than ${source}`;
    return to.mount === undefined || mountOf(source) === to.mount
      ? undefined
      : `${to.path} is on another mount than ${source}: no file can be moved between two mounts, even of one filesystem`;
  } catch (error) {
    return `${source}: ${causeOf(error)}`;
  }
}
