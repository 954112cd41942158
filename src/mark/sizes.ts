import { elementAt } from "../element-at.js";
import { Digest } from "../registry/digest.js";
import { blobPath } from "../registry/layout.js";
import type { BlobTable } from "./blob-table.js";
import type { Finding, FindingCode } from "./finding.js";
import type { MarkContext } from "./context.js";
import type { MarkedRepository } from "./marked-repository.js";
import { addUnreadOnce, isInPart, selections } from "./verify.js";
import type { Findings, VerifyPart } from "./verify.js";

/** Bytes that a check hashes to tell a wrong size in a manifest from a broken blob: more than that is for `--verify`. */
const MOST_BYTES = 1024 ** 3;

const CODE: FindingCode = "blob-size-mismatch";

/** Whether each of the blobs is what its digest says; those that nobody has hashed are in neither. */
interface Judged {
  readonly sound: ReadonlySet<number>;
  readonly corrupt: ReadonlySet<number>;
}

/**
 * Finds out what is wrong where a blob has another size than a manifest says: the blob, or the manifest if the blob is what its digest
 * says. What `verified` has not hashed is hashed here, the smallest blobs first. One that cannot be read is a fault of the storage.
 */
export async function judgeSizes(context: MarkContext, found: Findings, verified: VerifyPart | undefined): Promise<void> {
  const { table } = context;
  const suspects = new Set<number>();
  for (const { findings } of found.repositories)
    for (const { code, digest } of findings) if (code === CODE && digest !== undefined) suspects.add(table.idOfDigest(digest));
  if (suspects.size === 0) return;
  const judged = await judge(context, found, suspects, verified);
  for (const [i, repository] of found.repositories.entries())
    if (repository.findings.some(({ code }) => code === CODE))
      found.repositories[i] = { ...repository, findings: withVerdicts(repository, table, judged) };
}

async function judge(
  context: MarkContext,
  found: Findings,
  suspects: ReadonlySet<number>,
  verified: VerifyPart | undefined,
): Promise<Judged> {
  const { storage, table } = context;
  const { corrupt, unread } = reported(context, found);
  const isVerified = (id: number): boolean =>
    verified !== undefined && isInPart(elementAt(table.digest(id).toWords(), 0), verified);
  const wanted = affordable(
    table,
    [...suspects].filter((id) => !isVerified(id)),
  );
  for await (const verdict of storage.verifyBlobs(selections(table, wanted), () => {})) {
    for (const { algorithm, hex } of verdict.corrupt) {
      const digest = Digest.fromParts(algorithm, hex);
      if (digest !== undefined) corrupt.add(table.idOfDigest(digest));
    }
    addUnreadOnce(context, found.findings, verdict.faults, unread);
  }
  const hashed = new Set(wanted);
  const isSound = (id: number): boolean =>
    (hashed.has(id) || isVerified(id)) && !corrupt.has(id) && !unread.has(blobPath(table.digest(id)));
  return { sound: new Set([...suspects].filter(isSound)), corrupt };
}

/** What the mark, or `--verify`, has found to be broken or out of reach. */
export function reported({ table, gone }: MarkContext, { repositories, findings }: Findings) {
  const corrupt = new Set<number>();
  const unread = new Set(gone);
  for (const list of [findings, ...repositories.map((repository) => repository.findings)])
    for (const { code, digest, path } of list) {
      if ((code === "blob-corrupt" || code === "manifest-corrupt") && digest !== undefined) corrupt.add(table.idOfDigest(digest));
      if (code === "storage-unreadable") unread.add(path);
    }
  return { corrupt, unread };
}

/** As many of the blobs as a check may hash by itself, the smallest first. */
function affordable(table: BlobTable, ids: readonly number[]): number[] {
  let bytes = 0;
  return [...ids].sort((a, b) => table.size(a) - table.size(b)).filter((id) => (bytes += table.size(id)) <= MOST_BYTES);
}

/** A broken blob is one finding, whatever the number of manifests that know its size; a wrong manifest is one for itself. */
function withVerdicts({ findings }: MarkedRepository, table: BlobTable, { sound, corrupt }: Judged): Finding[] {
  const seen = new Set<string>();
  return findings.flatMap((finding) => {
    const { code, digest, usedBy, cause } = finding;
    if (code !== CODE || digest === undefined || usedBy === undefined || cause?.kind !== "size") return [finding];
    const manifest = usedBy.digest;
    const id = table.idOfDigest(digest);
    // What a manifest says wrong of others must not hide that it is broken itself.
    const wrong = sound.has(id) ? `says ${manifest.toString()}` : `is ${digest.toString()}`;
    if (seen.size === seen.add(wrong).size) return [];
    if (corrupt.has(id)) return [{ ...finding, cause: { ...cause, blob: "corrupt" } }];
    if (!sound.has(id)) return [{ ...finding, cause: { ...cause, blob: "not-hashed" } }];
    const { repository, tag } = finding;
    const says = { kind: "wrong-size", blob: digest, declared: cause.expected, stored: cause.stored } as const;
    return [{ code: "manifest-size-wrong", path: blobPath(manifest), repository, tag, digest: manifest, cause: says }];
  });
}
