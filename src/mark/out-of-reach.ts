import { Digest } from "../registry/digest.js";
import { parseBlobPath } from "../registry/parse-path.js";
import type { BlobOwner } from "../storage/listing.js";
import type { MarkContext } from "./context.js";
import type { Finding } from "./finding.js";
import type { MarkedRepository } from "./marked-repository.js";
import { HELD, selectedBit } from "./policy.js";

/** What the inventory tells of blobs that are stored, and that a registry cannot read. */
export interface OutOfReach {
  /** By path. */
  readonly archived: string[];
  readonly owners: BlobOwner[];
}

/** Reports those blobs out of reach that something needs: what is garbage need not be mended. */
export function checkReach(
  context: MarkContext,
  { archived, owners }: OutOfReach,
  repositories: readonly MarkedRepository[],
): Finding[] {
  const { user, paths } = closedToMost(owners);
  return [
    ...needed(context, archived, repositories).map((about): Finding => ({ code: "object-archived", ...about })),
    ...needed(context, paths, repositories).map((about): Finding => ({
      code: "blob-unreadable",
      ...about,
      cause: { kind: "not-readable-by", user },
    })),
  ];
}

const ROOT = 0;

/**
 * The user who owns more than half of the blobs has written them: the registry is run by that one. Which blobs are closed to it; none
 * where that is root, whom no mode keeps out. One that a group may read is none of them: which groups the user is in is not known.
 */
function closedToMost(owners: readonly BlobOwner[]): { readonly user: number; readonly paths: readonly string[] } {
  const counts = new Map<number, number>();
  let blobs = 0;
  for (const { user, count } of owners) {
    counts.set(user, (counts.get(user) ?? 0) + count);
    blobs += count;
  }
  const [user] = [...counts].find(([, count]) => count * 2 > blobs) ?? [ROOT];
  const closed = owners.flatMap((owner) => (owner.user === user ? owner.closedToOwner : owner.closedToOthers));
  return { user, paths: user === ROOT ? [] : closed };
}

function needed(
  { table, policy }: MarkContext,
  paths: readonly string[],
  repositories: readonly MarkedRepository[],
): Omit<Finding, "code">[] {
  const bits = selectedBit(policy) | HELD;
  return paths.flatMap((path) => {
    const parsed = parseBlobPath(path);
    const digest = "hex" in parsed ? Digest.fromParts(parsed.algorithm, parsed.hex) : undefined;
    const id = digest === undefined ? undefined : table.idOfDigest(digest);
    if (id === undefined || !table.isStored(id) || (table.marks(id) & bits) === 0) return [];
    const repository = repositories[table.owner(id) - 1]?.name;
    return [{ path, repository, digest, bytes: table.size(id) }];
  });
}
