import fs from "node:fs";
import { mistakenPath } from "../../registry/stray-path.js";
import type { MistakenPath } from "../../registry/stray-path.js";
import type { Stray } from "../listing.js";
import { counts } from "./counts.js";
import { isAbsent } from "../../system-errors.js";

/**
 * What a path outside the layout holds; undefined where there is nothing any more. What cannot be read of it counts as nothing: no link
 * depends on it.
 */
export function strayAt(root: string, path: string): Stray | undefined {
  let bytes = 0;
  let mistaken: MistakenPath | undefined;
  const pending = [path];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    counts.head++;
    try {
      const stat = fs.lstatSync(`${root}/${next}`);
      if (stat.isDirectory()) {
        counts.list++;
        for (const name of fs.readdirSync(`${root}/${next}`)) pending.push(`${next}/${name}`);
      } else {
        bytes += stat.size;
        mistaken ??= mistakenPath(next);
      }
    } catch (error) {
      if (next === path && isAbsent(error) && !path.includes(NOT_DECODED)) return undefined;
    }
  }
  return { path, bytes, mistaken };
}

/** Node replaces what it cannot decode: such a path leads nowhere, and is there all the same. */
const NOT_DECODED = "\ufffd";
