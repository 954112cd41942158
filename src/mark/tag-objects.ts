import { TAG_CURRENT, TAGS_DIRECTORY, UNFINISHED_LINK } from "../registry/layout.js";
import { parseOwnPath } from "../registry/parse-path.js";
import type { Finding } from "./finding.js";
import type { OwnObject, RepositoryListing, StorageFault } from "../storage/listing.js";
import type { Storage } from "../storage/storage.js";

/**
 * What each of some tags of a repository consists of: all that lies below its directory, and which of it is stray: while there is anything,
 * the registry lists the tag. `current/link` comes last: a removal that is killed before it leaves a tag that another one finds. A tag whose
 * directory cannot be listed is not in the answer, and `onFault` is called.
 */
export async function objectsOfTags(
  storage: Storage,
  listing: RepositoryListing,
  wanted: ReadonlySet<string>,
  onFault: (fault: StorageFault) => void,
): Promise<ReadonlyMap<string, readonly OwnObject[]>> {
  const objects = new Map<string, readonly OwnObject[]>();
  const names = [...wanted];
  const found = await storage.filesOfTags(listing, names);
  for (const [i, tag] of names.entries()) {
    const files = found[i];
    if (files === undefined) throw new RangeError(`no answer for the tag ${tag}`);
    if ("cause" in files) onFault(files);
    else objects.set(tag, toObjects(files));
  }
  return objects;
}

/** Findings with what each dangling tag that may go consists of. */
export async function withObjects(
  storage: Storage,
  listing: RepositoryListing,
  findings: readonly Finding[],
  onFault: (fault: StorageFault) => void,
): Promise<Finding[]> {
  const goes = ({ code, reclaimable }: Finding): boolean => code === "tag-dangling" && reclaimable === true;
  const tags = new Set(findings.flatMap((finding) => (goes(finding) ? (finding.tag ?? []) : [])));
  if (tags.size === 0) return [...findings];
  const objects = await objectsOfTags(storage, listing, tags, onFault);
  return findings.map((finding) =>
    goes(finding) && finding.tag !== undefined ? { ...finding, objects: objects.get(finding.tag) } : finding,
  );
}

function toObjects(files: readonly string[]): OwnObject[] {
  const isLast = (name: string): number => Number(name === TAG_CURRENT);
  return files
    .toSorted((a, b) => isLast(a) - isLast(b))
    .map((name) => (isOwn(name) ? { name, bytes: 0 } : { name, bytes: 0, isStray: true }));
}

/** Whether the registry has written it, to the end or not, or a console has marked a folder that it made. */
function isOwn(name: string): boolean {
  return (
    name === "" ||
    name.endsWith("/") ||
    UNFINISHED_LINK.test(`/${name}`) ||
    parseOwnPath(`${TAGS_DIRECTORY}/-/${name}`).kind !== "stray"
  );
}
