import { parseOwnPath, splitRepositoryPath } from "../registry/parse-path.js";
import type { OwnPath } from "../registry/parse-path.js";
import type { JournalEntry } from "../journal/journal.js";

/** Whether a path is that of a link that says what a tag names now. */
export function isCurrent(path: string): boolean {
  return ownPathOf(path)?.kind === "current";
}

/**
 * The digest that a link has to hold by its path. Undefined for a tag's, for no link, and for one by an algorithm that the registry does not store
 * by: it names what it is an alias of.
 */
export function linkedDigest(path: string): string | undefined {
  const parsed = ownPathOf(path);
  if (parsed === undefined || !("hex" in parsed)) return undefined;
  return parsed.kind === "index" || parsed.algorithm === "sha256" ? `${parsed.algorithm}:${parsed.hex}` : undefined;
}

/** What a sound link held, by its path or, of a tag, by the journal, which tells it of a tag's damaged one, too; undefined where neither tells. */
export function contentOf({ path, digest, before }: JournalEntry): Uint8Array | undefined {
  if (!isCurrent(path)) return bytesOf(linkedDigest(path));
  return before === undefined ? bytesOf(digest) : Buffer.from(before, "base64");
}

function bytesOf(digest: string | undefined): Uint8Array | undefined {
  return digest === undefined ? undefined : Buffer.from(digest);
}

function ownPathOf(path: string): OwnPath | undefined {
  const own = splitRepositoryPath(path)?.own;
  return own === undefined ? undefined : parseOwnPath(own);
}
