import { REPOSITORIES } from "../../registry/layout.js";
import { mistakenPath } from "../../registry/stray-path.js";
import type { RepositoryListingBuilder } from "../listing-builder.js";
import type { ListedObject } from "./page.js";

/** Adds a key outside the layout, whose finding is at `stray`. */
export function addStray(builder: RepositoryListingBuilder, stray: string, path: string, { size }: ListedObject): void {
  builder.addStray({ path: stray, bytes: size, mistaken: mistakenPath(path) });
}

/** Where the finding for a key below `repositories/` is that lies in no repository. */
export function strayOf(path: string): string {
  // `repositories/_layers/…`: one finding for the directory, as on a filesystem.
  const underscore = path.indexOf("/_", REPOSITORIES.length);
  const end = underscore < 0 ? -1 : path.indexOf("/", underscore + 1);
  return end < 0 ? path : path.slice(0, end);
}

/** The tag in whose directory a stray lies, by its path within the repository. */
export function tagOfStray(own: string): string | undefined {
  const [, tag] = /^_manifests\/tags\/([^/]+)\//.exec(own) ?? [];
  return tag;
}
