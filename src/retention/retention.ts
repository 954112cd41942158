import type { Digest } from "../registry/digest.js";

/** A tag of which a ranking says how new it is. */
export interface DatedTag {
  readonly name: string;
  /** When it was last pushed, in seconds since 1970. */
  readonly pushed: number;
}

/**
 * How new each of some tags is: a larger number is newer, equal numbers are a tie. Undefined for a tag that this order is not about, such as
 * one that is no version; "unordered" for one of which it cannot be told whether it is among the newest.
 */
export type TagRanking = (tags: readonly DatedTag[]) => readonly (number | "unordered" | undefined)[];

/** Which tags a policy is about: all that it names must match. */
interface Selector {
  readonly matchesRepository: (name: string) => boolean;
  readonly matchesTag: (name: string) => boolean;
  /** The same for a tag that a program has named by a digest: what is about every tag, such as `**`, is not about these. */
  readonly matchesNamedByDigest: (name: string) => boolean;
  /** Seconds: tags that were last pushed longer ago than this, and no longer ago than that. Both strictly. */
  readonly olderThan: number | undefined;
  readonly newerThan: number | undefined;
}

/** A policy that selects tags by what they are called and when they were pushed. */
export interface ConditionPolicy extends Selector {
  readonly kind: "condition";
  readonly name: string;
  readonly action: "delete" | "keep";
}

/** A policy that keeps the newest images of each repository. */
export interface MostRecentPolicy extends Omit<Selector, "olderThan" | "newerThan"> {
  readonly kind: "most-recent";
  readonly name: string;
  readonly action: "keep";
  readonly keepCount: number;
  readonly orderBy: "pushed" | "semver";
  readonly rank: TagRanking;
}

export type RetentionPolicy = ConditionPolicy | MostRecentPolicy;

/** Which tags may go, as a policy file says. */
export interface Retention {
  /** In the order of the file, which decides nothing but which name is given as the reason. */
  readonly policies: readonly RetentionPolicy[];
}

/** What is asked of a policy file. */
export interface RetentionRequest {
  readonly retention: Retention;
  /** The file that it is from, for people. */
  readonly file: string;
  /** What is to be told: how many tags go; or of each tag whether it goes and why; or, of those that go, what they consist of as well. */
  readonly detail: "sums" | "decisions" | "objects";
  /** Whether a reviewed plan has the tag, naming this manifest; every tag may go without one. */
  readonly isPlanned?: ((repository: string, tag: string, digest: Digest) => boolean) | undefined;
}

/** Whether the policy depends on when tags were pushed. */
export function goesByTime(policy: RetentionPolicy): boolean {
  return policy.kind === "condition"
    ? policy.olderThan !== undefined || policy.newerThan !== undefined
    : policy.orderBy === "pushed";
}
