import crypto from "node:crypto";
import { ALGORITHMS, Digest } from "../registry/digest.js";
import { blobPath } from "../registry/layout.js";
import { NOBODY } from "./blob-table.js";
import type { BlobTable } from "./blob-table.js";
import type { MarkContext } from "./context.js";
import type { Finding } from "./finding.js";
import { isYoung } from "./policy.js";
import { saidToBeBroken } from "./shown.js";
import { addToOwners } from "./verify.js";
import type { Findings } from "./verify.js";

/** Contents that most registries hold: nothing, and the config of an artifact without one (OCI's empty descriptor). */
const WELL_KNOWN = ["", "{}"];

/** Sizes of what well-known contents are stored as, by digest as text. */
const KNOWN_SIZES: ReadonlyMap<string, number> = new Map(
  ALGORITHMS.flatMap((algorithm) =>
    WELL_KNOWN.flatMap((content) => {
      const digest = Digest.fromParts(algorithm, crypto.hash(algorithm, content, "hex"));
      return digest === undefined ? [] : [[digest.toString(), Buffer.byteLength(content)] as const];
    }),
  ),
);

/** Whether a size (bytes) alone proves that what is stored is not what the digest says: every run knows that, whatever it reads. */
export function isImpossibleSize(digest: Digest, size: number): boolean {
  const known = KNOWN_SIZES.get(digest.toString());
  return known === undefined ? size === 0 : size !== known;
}

/**
 * What a size alone proves, whatever a manifest says of it: a blob without content is what its digest says only if that is the digest of
 * no content, and a digest of a well-known content has its size. A registry hands out either without a look (2.8 and 3.1: 200), and
 * answers a client that is about to push it that it is there.
 */
export function checkKnownSizes(context: MarkContext, found: Findings): void {
  const { table, policy } = context;
  const wrong = new Map<number, Finding>();
  const known = knownSizes(table);
  const add = (id: number, stored: number, expected?: number): void => {
    const digest = table.digest(id);
    const cause = { kind: "impossible-size", stored, expected } as const;
    wrong.set(id, { code: "blob-corrupt", path: blobPath(digest), digest, bytes: stored, cause });
  };
  table.forEach((id, size, modified) => {
    // Until 3.1 a registry empties a file before it writes it: this one may be about to be written.
    const isArriving = isYoung(policy, modified) && table.owner(id) === NOBODY;
    if (size === 0 && !known.has(id) && !isArriving) add(id, size);
  });
  for (const [id, size] of known) if (table.isStored(id) && table.size(id) !== size) add(id, table.size(id), size);
  if (wrong.size === 0) return;
  for (const id of saidToBeBroken(context, found)) wrong.delete(id);
  addToOwners(table, found, [...wrong.values()]);
}

/** The same sizes by number. */
function knownSizes(table: BlobTable): ReadonlyMap<number, number> {
  const sizes = new Map<number, number>();
  for (const [text, size] of KNOWN_SIZES) {
    const digest = Digest.parse(text);
    if (digest !== undefined) sizes.set(table.idOfDigest(digest), size);
  }
  return sizes;
}
