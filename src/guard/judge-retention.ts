import type { MarkedRepository } from "../mark/marked-repository.js";
import { isUnjudged } from "../mark/retention.js";
import type { TagDecision } from "../mark/retention.js";
import { findReferrerTarget } from "../registry/referrer-tag.js";
import { countOf } from "../report/format.js";
import { goesByTime } from "../retention/retention.js";
import type { Retention } from "../retention/retention.js";
import { percentOf } from "./guard.js";
import type { Verdict } from "./guard.js";
import { imagesOf, IMAGES_AT_ONCE, isTimed, MOST, writtenAtOnce } from "./written-at-once.js";

/** What an operator allows a policy file to do. */
export interface RetentionLimits {
  /** Share of the tags that are judged, 0 to 1. */
  readonly maxUntag: number;
  readonly allowUnused: boolean;
  readonly allowEmpty: boolean;
}

/** Repositories that the evidence names. */
const NAMED = 5;

/** What the rules say of the tags that go, in the order in which they are asked. All decisions are there. */
export function judgeRetention(
  repositories: readonly MarkedRepository[],
  retention: Retention,
  { maxUntag, allowUnused, allowEmpty }: RetentionLimits,
): Verdict[] {
  const tagged = repositories.map(({ name, retention: own }): JudgedRepository => {
    const judged = (own?.decisions ?? []).filter((one) => !isUnjudged(one) && !isReferrer(one));
    const timed = (own?.decisions ?? []).filter((one) => !isReferrer(one) && isTimed(one));
    return { name, judged, timed, going: judged.filter(({ goes }) => goes).length };
  });
  return [
    judgeKeepPolicies(repositories, retention, allowUnused),
    judgeMaxUntag(tagged, maxUntag),
    judgeLastTags(tagged, allowEmpty),
    judgePushTimes(tagged, retention),
  ];
}

/** A repository with its tags that are judged, referrers' apart. */
interface JudgedRepository {
  readonly name: string;
  readonly judged: readonly TagDecision[];
  /** The same, with those that were written at another time than they were pushed. */
  readonly timed: readonly TagDecision[];
  /** How many of these go. */
  readonly going: number;
}

/** Whether a tag is about another image, be it that it goes with that, stays, or is kept by a policy. */
export function isReferrer({ tag }: TagDecision): boolean {
  return findReferrerTarget(tag) !== undefined;
}

/** A slip in a keep policy deletes. */
function judgeKeepPolicies(repositories: readonly MarkedRepository[], { policies }: Retention, allowUnused: boolean): Verdict {
  const used = new Set(repositories.flatMap(({ retention }) => [...(retention?.used ?? [])]));
  const keeps = policies.filter(({ action }) => action === "keep");
  const unused = keeps.filter(({ name }) => !used.has(name)).map(({ name }) => name);
  if (unused.length === 0)
    return {
      rule: "keep-policies-used",
      passed: true,
      evidence: `${countOf(keeps.length, "keep policy selects", "keep policies select")} tags`,
    };
  const evidence = `no tag of any repository is selected by ${countOf(unused.length, "keep policy", "keep policies")}: ${unused.join(", ")}`;
  return allowUnused
    ? { rule: "keep-policies-used", passed: true, evidence: `${evidence}; --allow-unused allows it` }
    : {
        rule: "keep-policies-used",
        passed: false,
        evidence,
        remedy: "Look for a slip in the names and globs. If it is meant to select nothing yet, allow it with --allow-unused.",
      };
}

function judgeMaxUntag(repositories: readonly JudgedRepository[], limit: number): Verdict {
  const tags = repositories.reduce((sum, { judged }) => sum + judged.length, 0);
  const going = repositories.reduce((sum, { going: own }) => sum + own, 0);
  const share = tags === 0 ? 0 : going / tags;
  const evidence = `${going} of ${tags} tags (${percentOf(share)}) would go`;
  return share <= limit
    ? { rule: "max-untag", passed: true, evidence }
    : {
        rule: "max-untag",
        passed: false,
        evidence: `${evidence}, which is more than ${percentOf(limit)}`,
        remedy: `If that is what you expect, allow it with --max-untag ${Math.ceil(share * 100)}%.`,
      };
}

function judgeLastTags(repositories: readonly JudgedRepository[], allowEmpty: boolean): Verdict {
  const emptied = repositories.filter(({ judged, going }) => going > 0 && going === judged.length).map(({ name }) => name);
  if (emptied.length === 0) return { rule: "last-tags", passed: true, evidence: "every repository keeps a tag" };
  const evidence = `${countOf(emptied.length, "repository", "repositories")} would lose all tags: ${namesOf(emptied)}`;
  return allowEmpty
    ? { rule: "last-tags", passed: true, evidence: `${evidence}; --allow-empty allows it` }
    : {
        rule: "last-tags",
        passed: false,
        evidence,
        remedy:
          "Write a Keep policy with mostRecentVersions for them; or, if they are to be emptied, allow it with --allow-empty.",
      };
}

/** Where a storage was restored or copied, its times tell nothing of the pushes. */
function judgePushTimes(repositories: readonly JudgedRepository[], { policies }: Retention): Verdict {
  const byTime = policies.filter(goesByTime);
  const concerned = repositories.filter(
    ({ name, going }) => going > 0 && byTime.some(({ matchesRepository }) => matchesRepository(name)),
  );
  const found = alikeInAll(repositories, concerned) ?? alikeByThemselves(concerned);
  if (found === undefined)
    return { rule: "push-times", passed: true, evidence: "no repository from which a tag goes by time looks restored or copied" };
  return {
    rule: "push-times",
    passed: false,
    evidence: `more than ${percentOf(MOST)} of ${found}`,
    remedy:
      "A storage that was restored or copied has lost the times of its pushes. Write a Keep policy for these repositories, or for them policies that go by tags or versions alone.",
  };
}

/** Repositories of which most tags have the same time, by themselves. */
function alikeByThemselves(concerned: readonly JudgedRepository[]): string | undefined {
  const alike = concerned.filter(({ timed }) => imagesOf(writtenAtOnce(timed)) >= IMAGES_AT_ONCE);
  return alike.length === 0 ? undefined : `the tags that count were written within one hour in ${listed(alike)}`;
}

/**
 * Repositories that are too small to tell by themselves, where most tags of the registry have the same time. One build may push to all of them:
 * it does not take several images of each.
 */
function alikeInAll(all: readonly JudgedRepository[], concerned: readonly JudgedRepository[]): string | undefined {
  const atOnce = new Set(writtenAtOnce(all.flatMap(({ timed }) => timed)));
  if (imagesOf([...atOnce]) < IMAGES_AT_ONCE) return undefined;
  const alike = concerned.filter(({ timed }) => imagesOf(timed.filter((tag) => atOnce.has(tag))) > 1);
  // What a repository tells by itself is told of it.
  if (alike.every(({ timed }) => imagesOf(writtenAtOnce(timed)) >= IMAGES_AT_ONCE)) return undefined;
  return `all tags that count were written within one hour; tags would go from ${listed(alike)}, with several images of that hour`;
}

function listed(repositories: readonly JudgedRepository[]): string {
  return `${countOf(repositories.length, "repository", "repositories")}: ${namesOf(repositories.map(({ name }) => name))}`;
}

function namesOf(names: readonly string[]): string {
  return `${names.toSorted().slice(0, NAMED).join(", ")}${names.length > NAMED ? ", …" : ""}`;
}
