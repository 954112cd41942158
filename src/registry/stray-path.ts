import { BLOBS, LAYERS_DIRECTORY, REPOSITORIES, REVISIONS_DIRECTORY, TAGS_DIRECTORY } from "./layout.js";
import { splitRepositoryPath } from "./parse-path.js";

/**
 * Whether the registry's own collector takes a file outside the layout for a blob or a link, and aborts, because what it looks at is the
 * last part of the path alone (`blobstore.go` and `linkedblobstore.go`, `Enumerate`; 3.x looks at layer links too).
 */
export function isTakenForOwn(path: string): boolean {
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
