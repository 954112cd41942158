import { Digest } from "../registry/digest.js";
import { parseBlobPath } from "../registry/parse-path.js";
import type { MarkContext } from "./context.js";
import type { Finding } from "./finding.js";
import type { MarkedRepository } from "./marked-repository.js";
import { HELD, selectedBit } from "./policy.js";

/** Reports those of the blobs in an archive storage class that something needs: what is garbage need not be restored. */
export function checkArchived(
  { table, policy }: MarkContext,
  paths: readonly string[],
  repositories: readonly MarkedRepository[],
): Finding[] {
  const needed = selectedBit(policy) | HELD;
  return paths.flatMap((path): Finding[] => {
    const parsed = parseBlobPath(path);
    const digest = "hex" in parsed ? Digest.fromParts(parsed.algorithm, parsed.hex) : undefined;
    const id = digest === undefined ? undefined : table.idOfDigest(digest);
    if (id === undefined || !table.isStored(id) || (table.marks(id) & needed) === 0) return [];
    const repository = repositories[table.owner(id) - 1]?.name;
    return [{ code: "object-archived", path, repository, digest, bytes: table.size(id) }];
  });
}
