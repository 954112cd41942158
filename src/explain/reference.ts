import { UsageError } from "../errors.js";
import type { BlobTable } from "../mark/blob-table.js";
import { Digest, HEX_LENGTH, isDigestAlgorithm } from "../registry/digest.js";
import type { DigestAlgorithm } from "../registry/digest.js";
import { digestIn } from "../registry/link.js";
import type { RepositoryListing } from "../storage/listing.js";
import type { Storage } from "../storage/storage.js";

/** What an operator asks about: a tag, or a digest as far as it is given, in one repository or in all. */
export type Reference =
  | { readonly kind: "tag"; readonly text: string; readonly repository: string; readonly tag: string }
  | {
      readonly kind: "digest";
      readonly text: string;
      readonly repository: string | undefined;
      readonly algorithm: DigestAlgorithm | undefined;
      readonly hex: string;
    };

/** Fewer hex characters than these name half of the registry. */
const MIN_PREFIX = 6;
const CANDIDATES_SHOWN = 3;

/**
 * Parses `repository:tag`, `repository@digest`, or a digest; a digest may be cut short, and may lack its algorithm. Names need not keep
 * to the grammar: what the storage holds can be asked about. Throws a `UsageError`.
 */
export function parseReference(text: string): Reference {
  const at = text.indexOf("@");
  if (at > 0) return parseDigest(text, text.slice(at + 1), text.slice(0, at));
  if (/^sha(?:256|384|512):/.test(text) || /^[0-9a-fA-F]+$/.test(text)) return parseDigest(text, text, undefined);
  const colon = text.lastIndexOf(":");
  if (colon < 1 || colon === text.length - 1 || text.includes("/", colon))
    throw new UsageError(
      `${text}: expected repository:tag, repository@digest, or a digest or its first ${MIN_PREFIX} hex or more`,
    );
  return { kind: "tag", text, repository: text.slice(0, colon), tag: text.slice(colon + 1) };
}

function parseDigest(text: string, digest: string, repository: string | undefined): Reference {
  const colon = digest.indexOf(":");
  const algorithm = colon < 0 ? undefined : digest.slice(0, colon);
  const hex = digest.slice(colon + 1);
  const isKnown = algorithm === undefined || isDigestAlgorithm(algorithm);
  if (!isKnown || !/^[0-9a-f]+$/.test(hex) || hex.length < MIN_PREFIX || hex.length > HEX_LENGTH[algorithm ?? "sha512"])
    throw new UsageError(
      `${text}: expected a digest such as sha256:<64 lower-case hex>, or its first ${MIN_PREFIX} hex characters or more`,
    );
  return { kind: "digest", text, repository, algorithm, hex };
}

/** The manifest that a tag names now; undefined where its link is damaged or absent. Throws a `UsageError` for an unknown tag. */
export async function readTag(storage: Storage, repository: string, tag: string): Promise<Digest | undefined> {
  const listing = await storage.repository(repository);
  const { tags, faults, isRepository } = listing;
  const position = tags.names.indexOf(tag);
  if (position >= 0) return currentOf(listing, position);
  const [fault] = faults;
  if (fault !== undefined) throw new UsageError(`${repository}:${tag}: ${fault.path}: ${fault.cause}`);
  throw isRepository ? new UsageError(`${repository}:${tag}: the repository has no such tag`) : unknownRepository(repository);
}

/** Says what may be wrong with the name. */
export function unknownRepository(repository: string): UsageError {
  const hint = /^[^/]*[.:][^/]*\//.test(repository) ? " (leave out the registry's host)" : "";
  return new UsageError(`${repository}: no such repository${hint}`);
}

function currentOf({ tags }: RepositoryListing, position: number): Digest | undefined {
  const odd = tags.oddCurrent.find((entry) => entry.tag === position);
  if (odd === undefined) return Digest.fromWords("sha256", tags.current, position * 8);
  return digestIn(odd.content);
}

/** The number of the digest that the hex begins, among all that are stored or referred to. Throws a `UsageError` if there is not just one. */
export function findDigest(table: BlobTable, text: string, algorithm: DigestAlgorithm | undefined, hex: string): number {
  const found = table.withPrefix(hex, algorithm, CANDIDATES_SHOWN + 1);
  const [id] = found;
  if (id === undefined) throw new UsageError(`${text}: neither stored nor referred to by anything`);
  if (found.length === 1) return id;
  const shown = found.slice(0, CANDIDATES_SHOWN).map((candidate) => table.digest(candidate).toString());
  const more = found.length > CANDIDATES_SHOWN ? " and others" : "";
  throw new UsageError(`${text}: ambiguous, give more of the digest: it begins ${shown.join(", ")}${more}`);
}
