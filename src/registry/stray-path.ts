import { BLOBS, LAYERS_DIRECTORY, REPOSITORIES, REVISIONS_DIRECTORY, TAGS_DIRECTORY, UPLOADS_DIRECTORY } from "./layout.js";
import { splitRepositoryPath } from "./parse-path.js";

/** A path outside the layout that the registry takes for something of its own. */
export interface MistakenPath {
  readonly path: string;
  /** What stumbles over it: the registry's own collector, or what purges uploads in a registry of 2.x that runs. */
  readonly by: "collector" | "purger";
}

/** Whether a path outside the layout is such a one. */
export function mistakenPath(path: string): MistakenPath | undefined {
  if (isNamelessToPurger(path)) return { path, by: "purger" };
  return isTakenForOwn(path) ? { path, by: "collector" } : undefined;
}

/**
 * Whether the purger of 2.x comes to a name that is empty, and panics: within an hour of its start, the registry goes down (`purgeuploads.go`;
 * distribution/distribution#4358). Only a bucket has such keys. It walks all but directories with an underscore other than `_uploads`.
 */
function isNamelessToPurger(path: string): boolean {
  if (!path.includes("//") && !path.endsWith("/")) return false;
  if (!path.startsWith(`${REPOSITORIES}/`)) return false;
  for (const name of path.slice(REPOSITORIES.length + 1).split("/")) {
    if (name === "") return true;
    if (name.startsWith("_") && name !== UPLOADS_DIRECTORY) return false;
  }
  return false;
}

/**
 * Whether the registry's own collector takes a file outside the layout for a blob or a link, and aborts, because what it looks at is the
 * last part of the path alone (`blobstore.go` and `linkedblobstore.go`, `Enumerate`; 3.x looks at layer links too).
 */
function isTakenForOwn(path: string): boolean {
  if (path.startsWith(`${BLOBS}/`)) return path.endsWith("/data");
  const own = splitRepositoryPath(path)?.own;
  if (own === undefined) return OWN_OF_NOBODY.test(path);
  return path.endsWith("/link") && (own.startsWith(`${REVISIONS_DIRECTORY}/`) || own.startsWith(`${LAYERS_DIRECTORY}/`));
}

/** A repository without a name: the one that 2.x knows a repository by, and the one that 3.x does. */
const OWN_OF_NOBODY = new RegExp(`^${REPOSITORIES}/_(?:layers|manifests)/`);

const AMONG_TAGS = new RegExp(`^${TAGS_DIRECTORY}/[^/]+$`);

/** Whether the registry takes what lies outside the layout for a tag: each entry of `tags/` is one to it, a file too (`tagstore.go`). */
export function isTakenForTag(path: string): boolean {
  const own = splitRepositoryPath(path)?.own;
  return own !== undefined && AMONG_TAGS.test(own);
}

/** Whether it is a folder's marker in `tags/` itself, or below an empty name there: 2.x lists a tag without a name. Only a bucket has such keys. */
export function isNamelessTag(path: string): boolean {
  return splitRepositoryPath(path)?.own === `${TAGS_DIRECTORY}/`;
}
