import type { MarkedRepository } from "../mark/marked-repository.js";
import { FIRST_PUSHES } from "../mark/push-times.js";
import { isUnjudged } from "../mark/retention.js";
import type { TagDecision } from "../mark/retention.js";
import { countOf } from "../report/format.js";
import { goesByTime } from "../retention/retention.js";
import type { Retention } from "../retention/retention.js";
import { percentOf } from "./guard.js";
import type { Verdict } from "./guard.js";

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
    return { name, judged, timed: (own?.decisions ?? []).filter(isTimed), going: judged.filter(({ goes }) => goes).length };
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

/** Whether a tag follows another image, be it that it goes or not. */
export function isReferrer({ reason }: TagDecision): boolean {
  return reason.kind === "referrer" || reason.kind === "image-goes";
}

/** Whether its time tells of a push, or of what has copied the storage or put tags back. */
function isTimed(decision: TagDecision): boolean {
  const { reason, pushed = 0 } = decision;
  return !isReferrer(decision) && (!isUnjudged(decision) || (reason.kind === "time-unknown" && pushed >= FIRST_PUSHES));
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

/** Seconds: what a restore or a copy gives the same time. */
const AT_ONCE = 3600;
const MOST = 0.8;
/** What one build pushes at once is no copied storage: it takes as many images. */
const IMAGES_AT_ONCE = 5;

/** Where a storage was restored or copied, its times tell nothing of the pushes. */
function judgePushTimes(repositories: readonly JudgedRepository[], { policies }: Retention): Verdict {
  const timed = policies.filter(goesByTime);
  const suspicious = repositories
    .filter(({ name, going }) => going > 0 && timed.some(({ matchesRepository }) => matchesRepository(name)))
    .filter(({ timed: own }) => arePushedAtOnce(own))
    .map(({ name }) => name);
  if (suspicious.length === 0)
    return { rule: "push-times", passed: true, evidence: "no repository looks restored or copied by the times of its tags" };
  return {
    rule: "push-times",
    passed: false,
    evidence: `more than ${percentOf(MOST)} of the tags were pushed within one hour in ${countOf(suspicious.length, "repository", "repositories")}: ${namesOf(suspicious)}`,
    remedy:
      "A storage that was restored or copied has lost the times of its pushes. Write a Keep policy for these repositories, or for them policies that go by tags or versions alone.",
  };
}

function arePushedAtOnce(tags: readonly TagDecision[]): boolean {
  const inOrder = tags
    .flatMap(({ pushed, image }) => (pushed === undefined || image === undefined ? [] : [{ pushed, image }]))
    .sort((a, b) => a.pushed - b.pushed);
  let first = 0;
  for (const [last, { pushed }] of inOrder.entries()) {
    while (pushed - (inOrder[first]?.pushed ?? 0) > AT_ONCE) first++;
    if (last + 1 - first <= MOST * inOrder.length) continue;
    const atOnce = inOrder.slice(first).filter((one) => one.pushed - (inOrder[first]?.pushed ?? 0) <= AT_ONCE);
    return new Set(atOnce.map(({ image }) => image)).size >= IMAGES_AT_ONCE;
  }
  return false;
}

function namesOf(names: readonly string[]): string {
  return `${names.slice(0, NAMED).join(", ")}${names.length > NAMED ? ", …" : ""}`;
}
