import { blobPath, layerLinkPath, revisionLinkPath } from "../registry/layout.js";
import type { Expiration } from "../storage/listing.js";
import type { MarkContext } from "./context.js";
import type { Finding } from "./finding.js";
import type { MarkedRepository } from "./marked-repository.js";
import { HELD, selectedBit } from "./policy.js";
import type { Witness } from "./witness.js";

/**
 * What a bucket's own rules are going to delete is said with everything that is read, but with a cache nothing is: one blob and one link that pulls need are
 * asked for in each run, so that each says the same. The oldest of the blobs: it is the first to go.
 */
export function* samplesOf({ table, policy }: MarkContext, repositories: readonly MarkedRepository[]): Generator<string> {
  const bits = selectedBit(policy) | HELD;
  let oldest = -1;
  let time = Infinity;
  table.forEach((id, _, modified) => {
    if (modified >= time || (table.marks(id) & bits) === 0) return;
    oldest = id;
    time = modified;
  });
  if (oldest >= 0) yield blobPath(table.digest(oldest));
  let first: Witness | undefined;
  for (const { witness } of repositories)
    if (witness !== undefined && witness.modified < (first?.modified ?? Infinity)) first = witness;
  if (first !== undefined) yield linkOf(first);
}

function linkOf({ repository, kind, digest }: Witness): string {
  return kind === "manifest" ? revisionLinkPath(repository, digest) : layerLinkPath(repository, digest);
}

/** A warning for each rule: nothing is lost yet. */
export function checkExpirations(expirations: readonly Expiration[]): Finding[] {
  return expirations.map(({ rule, at, path, answers }) => ({
    code: "bucket-expires",
    path,
    rule,
    cause: { kind: "expiration", at, answers },
  }));
}
