import type { JudgedTag } from "./judged-tag.js";

/** The tag of a signature, an attestation or another referrer, by its name. */
export interface ReferrerTag extends JudgedTag {
  /** The manifest that it is about, by number. */
  readonly subject: number;
}

/** A repository's tags and manifests, as far as tags keep them. */
export interface TaggedImages {
  readonly tags: readonly JudgedTag[];
  readonly goes: (position: number) => boolean;
  readonly referrers: readonly ReferrerTag[];
  /** What else names manifests of the repository, and stays: tags that are not judged, pins, what is young. */
  readonly others: readonly number[];
  /** Calls `visit` for each manifest that the repository has and that this one keeps: an index its children, a subject its referrers. */
  readonly forEachKept: (image: number, visit: (kept: number) => void) => void;
  /** Whether a referrer's tag, by position, may go for the sake of its image: no policy keeps it, it is neither pinned nor young, and a reviewed plan has it. */
  readonly mayGo: (position: number) => boolean;
}

/**
 * Positions of the referrers' tags that go: those about a manifest whose last tag this run takes, its own or that of an index that contains
 * it or of an image that it is about. The tags of referrers are tags as well: with a signature go the signatures of the signature. What had no tag before stays.
 */
export function followReferrers({ tags, goes, referrers, others, forEachKept, mayGo }: TaggedImages): ReadonlySet<number> {
  const taken = new Set<number>();
  if (referrers.length === 0) return taken;
  // How many tags, indexes and subjects keep each manifest. A digest cannot contain itself, so that there are no cycles.
  const namers = new Map<number, number>();
  const name = (root: number): void => {
    const pending = [root];
    for (let image = pending.pop(); image !== undefined; image = pending.pop()) {
      const before = namers.get(image) ?? 0;
      namers.set(image, before + 1);
      if (before === 0) forEachKept(image, (kept) => pending.push(kept));
    }
  };
  for (const { image } of [...tags, ...referrers]) name(image);
  for (const image of others) name(image);

  const about = new Map<number, number[]>();
  for (const [i, { subject }] of referrers.entries()) {
    const positions = about.get(subject);
    if (positions === undefined) about.set(subject, [i]);
    else positions.push(i);
  }
  const released = tags.flatMap(({ image }, i) => (goes(i) ? [image] : []));
  for (let image = released.pop(); image !== undefined; image = released.pop()) {
    const left = (namers.get(image) ?? 0) - 1;
    namers.set(image, left);
    if (left > 0) continue;
    forEachKept(image, (kept) => released.push(kept));
    for (const i of about.get(image) ?? []) {
      const referrer = referrers[i];
      if (referrer === undefined || taken.has(i) || !mayGo(i)) continue;
      taken.add(i);
      released.push(referrer.image);
    }
  }
  return taken;
}
