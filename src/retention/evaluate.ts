import { elementAt } from "../element-at.js";
import { followReferrers } from "./follow-referrers.js";
import type { JudgedTag } from "./judged-tag.js";
import type { ReferrerTag } from "./follow-referrers.js";
import type { ConditionPolicy, DatedTag, MostRecentPolicy, Retention, RetentionPolicy } from "./retention.js";

/** Why a tag goes, or stays. */
export type Reason =
  | { readonly kind: "delete-policy"; readonly policy: string }
  | { readonly kind: "image-goes" }
  | { readonly kind: "keep-policy"; readonly policy: string }
  | { readonly kind: "unselected" | "pinned" | "young" | "not-planned" | "referrer" };

/** What becomes of a tag. */
export interface Decision {
  readonly goes: boolean;
  readonly reason: Reason;
}

/** What tags are judged by, besides the policies. */
export interface Circumstances {
  /** Seconds since 1970 that ages are counted from. */
  readonly now: number;
  /** Seconds: a tag that was pushed more recently stays. */
  readonly grace: number;
  /** Whether the image, or a part of it, is in use outside of the registry. */
  readonly isPinned: (image: number) => boolean;
  /** Whether a reviewed plan has the tag, with this image. */
  readonly isPlanned: (tag: JudgedTag) => boolean;
}

/** A repository as the policies see it. */
export interface TaggedRepository {
  readonly name: string;
  /** Those of images: not of referrers, and none that is damaged or dangles. */
  readonly tags: readonly JudgedTag[];
  readonly referrers: readonly ReferrerTag[];
  /** Manifests that stay for another reason than such a tag: for a tag that is not judged, for a pin, or because they are young. */
  readonly others: readonly number[];
  /** Calls `visit` for each manifest that the repository has and that this one keeps: an index its children, a subject its referrers. */
  readonly forEachKept: (image: number, visit: (kept: number) => void) => void;
}

/** What the policies say of a repository's tags. */
export interface Evaluation {
  /** One for each tag, in their order. */
  readonly decisions: readonly Decision[];
  /** The same for the referrers. */
  readonly referrers: readonly Decision[];
  /** Names of the policies that select a tag of this repository. */
  readonly used: ReadonlySet<string>;
}

/**
 * Judges the tags of one repository: a tag goes if a delete policy selects it and no keep policy does, and it is neither pinned nor young.
 * Of several policies the first in the file is given as the reason. Referrers are never selected: they follow their image.
 */
export function evaluate({ policies }: Retention, repository: TaggedRepository, circumstances: Circumstances): Evaluation {
  const { name, tags, referrers } = repository;
  const used = new Set<string>();
  const deletedBy: (string | undefined)[] = Array.from({ length: tags.length });
  const keptBy: (string | undefined)[] = Array.from({ length: tags.length });
  for (const policy of policies) {
    if (!policy.matchesRepository(name)) continue;
    const reasons = policy.action === "delete" ? deletedBy : keptBy;
    for (const position of selectTags(policy, tags, circumstances.now)) {
      used.add(policy.name);
      reasons[position] ??= policy.name;
    }
  }
  const heldBy = referrers.map((tag) => {
    const holders = policies.filter(
      (policy) => policy.matchesRepository(name) && holdsNamedByDigest(policy, tag, circumstances.now),
    );
    for (const policy of holders) used.add(policy.name);
    return holders[0]?.name;
  });
  const decisions = tags.map((tag, i) => decide(tag, deletedBy[i], keptBy[i], circumstances));
  const taken = followReferrers({
    ...repository,
    goes: (position) => decisions[position]?.goes === true,
    mayGo: (position) => {
      const tag = elementAt(referrers, position);
      return heldBy[position] === undefined && whyItStays(tag, circumstances) === undefined;
    },
  });
  return { decisions, referrers: referrers.map((_, i) => decideReferrer(taken.has(i), heldBy[i])), used };
}

function decideReferrer(goes: boolean, heldBy: string | undefined): Decision {
  if (goes) return { goes, reason: { kind: "image-goes" } };
  return { goes, reason: heldBy === undefined ? { kind: "referrer" } : { kind: "keep-policy", policy: heldBy } };
}

/**
 * Whether a policy keeps a tag that a program has named by a digest, for it says that it means such. These are not counted: all that one means
 * are kept, however many it is to keep.
 */
export function holdsNamedByDigest(policy: RetentionPolicy, { name, pushed }: DatedTag, now: number): boolean {
  if (policy.action !== "keep" || !policy.matchesNamedByDigest(name)) return false;
  return policy.kind === "most-recent" || isOfAge(policy, now - pushed);
}

function decide(
  tag: JudgedTag,
  deletedBy: string | undefined,
  keptBy: string | undefined,
  circumstances: Circumstances,
): Decision {
  if (deletedBy === undefined) return { goes: false, reason: { kind: "unselected" } };
  if (keptBy !== undefined) return { goes: false, reason: { kind: "keep-policy", policy: keptBy } };
  const reason = whyItStays(tag, circumstances);
  return reason === undefined ? { goes: true, reason: { kind: "delete-policy", policy: deletedBy } } : { goes: false, reason };
}

/** What keeps a tag that the policies let go. */
function whyItStays(tag: JudgedTag, { now, grace, isPinned, isPlanned }: Circumstances): Reason | undefined {
  if (isPinned(tag.image)) return { kind: "pinned" };
  if (tag.pushed > now - grace) return { kind: "young" };
  return isPlanned(tag) ? undefined : { kind: "not-planned" };
}

function selectTags(policy: RetentionPolicy, tags: readonly JudgedTag[], now: number): number[] {
  return policy.kind === "condition" ? selectByCondition(policy, tags, now) : selectMostRecent(policy, tags, now);
}

function selectByCondition(policy: ConditionPolicy, tags: readonly JudgedTag[], now: number): number[] {
  const positions: number[] = [];
  for (const [i, { name, pushed }] of tags.entries())
    if (isOfAge(policy, now - pushed) && policy.matchesTag(name)) positions.push(i);
  return positions;
}

function isOfAge({ olderThan, newerThan }: ConditionPolicy, age: number): boolean {
  return (olderThan === undefined || age > olderThan) && (newerThan === undefined || age < newerThan);
}

/**
 * Images count, not tags, each as new as the newest of its tags; all that are as new as the last one that counts are kept. So is, without being
 * counted, what may be as new. By time, one from the future does not count: it would take the place of one that is as new as it says.
 */
function selectMostRecent(
  { matchesTag, rank, orderBy, keepCount }: MostRecentPolicy,
  tags: readonly JudgedTag[],
  now: number,
): number[] {
  const matching = Array.from(tags.keys()).filter((i) => matchesTag(elementAt(tags, i).name));
  const ranks = rank(matching.map((i) => elementAt(tags, i)));
  const images = new Map<number, number>();
  for (const [k, i] of matching.entries()) {
    const [{ image }, own] = [elementAt(tags, i), ranks[k]];
    if (typeof own === "number") images.set(image, Math.max(own, images.get(image) ?? own));
  }
  const counted = [...images.values()].filter((own) => orderBy !== "pushed" || own <= now);
  const lowest = counted.sort((a, b) => b - a)[keepCount - 1] ?? Number.NEGATIVE_INFINITY;
  return matching.filter((i, k) => {
    const newest = images.get(elementAt(tags, i).image) ?? Number.NEGATIVE_INFINITY;
    return ranks[k] === "unordered" || (ranks[k] !== undefined && newest >= lowest);
  });
}
