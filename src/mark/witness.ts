import { Digest, DIGEST_WORDS } from "../registry/digest.js";
import { isRepositoryName, isTagName } from "../registry/reference.js";
import type { RepositoryListing, SoundLinks } from "../storage/listing.js";

/** Something in the storage that a registry can be asked for, to see whether it serves this storage. */
export interface Witness {
  readonly repository: string;
  readonly kind: "manifest" | "blob";
  /** What to ask for: a tag, or a digest. */
  readonly reference: string;
  /** What the answer has to be. */
  readonly digest: Digest;
  /** Seconds since 1970: what was written last is least likely to be in a copy. */
  readonly modified: number;
}

/** When the content of a sha256 digest was written, as far as that is known: its words begin at `at`. Seconds since 1970. */
export type TimeOf = (words: Uint32Array, at: number) => number;

/**
 * The newest tag whose manifest the repository links; without one, its newest revision, or else its newest layer link. Undefined where
 * there is none, or where no registry could serve it by its name. Where the listing has no times, `timeOf` says which is the newest.
 */
export function witnessOf(
  { name: repository, tags, revisions, layers }: RepositoryListing,
  timeOf: TimeOf = () => 0,
): Witness | undefined {
  if (!isRepositoryName(repository)) return undefined;
  const linked = firstWords(tags.names.length === 0 ? NOTHING : revisions.digests);
  const isUsable = (i: number): boolean => linked.has(tags.current[i * WORDS] ?? 0) && isTagName(tags.names[i] ?? "");
  const tag = newest({ digests: tags.current, modified: tags.modified }, timeOf, isUsable);
  if (tag !== undefined) return { repository, kind: "manifest", reference: tags.names[tag.at] ?? "", ...tag };
  const [section, kind] = revisions.digests.length > 0 ? ([revisions, "manifest"] as const) : ([layers, "blob"] as const);
  const link = newest(section, timeOf, () => true);
  return link && { repository, kind, reference: link.digest.toString(), ...link };
}

/** Of a digest in the listings. */
const WORDS = DIGEST_WORDS.sha256;
const NOTHING = new Uint32Array();

/** The first word of a digest tells it from the others of its repository; an accident would only choose another tag. */
function firstWords(digests: Uint32Array): ReadonlySet<number> {
  const words = new Set<number>();
  for (let at = 0; at < digests.length; at += WORDS) words.add(digests[at] ?? 0);
  return words;
}

/** The newest of those that are usable, and where it is. */
function newest({ digests, modified }: SoundLinks, timeOf: TimeOf, isUsable: (i: number) => boolean) {
  let best: number | undefined;
  let time = -1;
  for (let i = 0; i * WORDS < digests.length; i++) {
    const own = modified?.[i] ?? timeOf(digests, i * WORDS);
    if (own <= time || !isUsable(i)) continue;
    best = i;
    time = own;
  }
  return best === undefined ? undefined : { at: best, digest: Digest.fromWords("sha256", digests, best * WORDS), modified: time };
}
