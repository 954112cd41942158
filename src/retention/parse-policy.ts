import { operatorMessage } from "../errors.js";
import type { Fields } from "./fields.js";
import type { ConditionPolicy, MostRecentPolicy } from "./retention.js";
import { expandGlob, parseGlob, parsePrefix } from "../registry/glob.js";
import type { Matcher } from "../registry/glob.js";
import { meansNamedByDigest } from "../registry/referrer-tag.js";
import { rankByPush, rankByVersion } from "./version.js";

const REPOSITORY_KEYS = ["repositories", "packageNamePrefixes"] as const;
const TAG_KEYS = ["tags", "tagPrefixes"] as const;
const CONDITION_KEYS = ["tagState", ...REPOSITORY_KEYS, ...TAG_KEYS, "olderThan", "newerThan"] as const;
const MOST_RECENT_KEYS = [...REPOSITORY_KEYS, ...TAG_KEYS, "keepCount", "orderBy"] as const;

/** Keys that others have, and why there are none here. */
const NOT_HERE: ReadonlyMap<string, string> = new Map([
  ["pulledWithin", "a registry does not store when a tag was last pulled; newerThan goes by the last push"],
  ["versionNamePrefixes", "the name of an image's version is its digest; tagPrefixes goes by its tags"],
]);

/** Parses a policy with a condition. */
export function parseConditionPolicy(name: string, action: ConditionPolicy["action"], policy: Fields): ConditionPolicy {
  const takesAll = 'would take every tag: give tags or olderThan; if that is meant, say tags: ["**"]';
  const condition = policy.optionalMap("condition");
  if (condition === undefined)
    return policy.refuse(action === "delete" ? takesAll : "expected condition or mostRecentVersions: what is to be kept?");
  condition.allow(CONDITION_KEYS, NOT_HERE);
  if (condition.isEmpty && action === "keep") condition.refuse("is empty: what is to be kept?");
  checkTagState(action, condition);
  const selector = {
    matchesRepository: parseMatcher(condition, REPOSITORY_KEYS),
    matchesTag: parseMatcher(condition, TAG_KEYS),
    matchesNamedByDigest: parseMeaning(condition),
    olderThan: condition.optionalTimeSpan("olderThan"),
    newerThan: condition.optionalTimeSpan("newerThan"),
  };
  if (action === "delete" && !TAG_KEYS.some((key) => condition.has(key)) && selector.olderThan === undefined)
    condition.refuse(takesAll);
  return { kind: "condition", name, action, ...selector };
}

/** Tags are all that is judged here: what has none is a sweep's affair. */
function checkTagState(action: ConditionPolicy["action"], condition: Fields): void {
  const state = condition.optionalChoice("tagState", ["tagged", "untagged", "any"]);
  if (action === "delete" && (state === "untagged" || state === "any"))
    condition.refuseKey(
      "tagState",
      `${state}: a policy takes tags only. Manifests without a tag go with a sweep: --delete-untagged`,
    );
  if (state === "untagged")
    condition.refuseKey(
      "tagState",
      "untagged: a policy is about tags only. Manifests without a tag stay, unless a sweep has --delete-untagged",
    );
}

/** Parses a policy that keeps the newest images. */
export function parseMostRecentPolicy(name: string, mostRecent: Fields): MostRecentPolicy {
  mostRecent.allow(MOST_RECENT_KEYS, NOT_HERE);
  const orderBy = mostRecent.optionalChoice("orderBy", ["pushed", "semver"]) ?? "pushed";
  return {
    kind: "most-recent",
    name,
    action: "keep",
    matchesRepository: parseMatcher(mostRecent, REPOSITORY_KEYS),
    matchesTag: parseMatcher(mostRecent, TAG_KEYS),
    matchesNamedByDigest: parseMeaning(mostRecent),
    keepCount: mostRecent.count("keepCount"),
    orderBy,
    rank: orderBy === "pushed" ? rankByPush : rankByVersion,
  };
}

/** What one of the globs, or one of the prefixes, matches; everything where neither is given. */
function parseMatcher(fields: Fields, keys: typeof REPOSITORY_KEYS | typeof TAG_KEYS): Matcher {
  const [globKey, prefixKey] = keys;
  const kind = keys === TAG_KEYS ? "tag" : "repository";
  const globs = parseEach(fields, globKey, (glob) => parseGlob(glob, kind));
  const prefixes = parseEach(fields, prefixKey, (prefix) => parsePrefix(prefix, kind));
  if (globs === undefined && prefixes === undefined) return () => true;
  return anyOf([...(globs ?? []), ...(prefixes ?? [])]);
}

/** What is matched by those of the globs and prefixes of tags that say they mean tags which a program has named by a digest. */
function parseMeaning(fields: Fields): Matcher {
  const [globKey, prefixKey] = TAG_KEYS;
  const globs = parseEach(fields, globKey, expandGlob)?.flat().filter(meansNamedByDigest) ?? [];
  const prefixes = fields.optionalTexts(prefixKey)?.filter(meansNamedByDigest) ?? [];
  return anyOf([...globs.map((glob) => parseGlob(glob, "tag")), ...prefixes.map((prefix) => parsePrefix(prefix, "tag"))]);
}

function anyOf(matchers: readonly Matcher[]): Matcher {
  return (name) => matchers.some((matches) => matches(name));
}

function parseEach<T>(fields: Fields, key: string, parse: (text: string) => T): readonly T[] | undefined {
  return fields.optionalTexts(key)?.map((text) => {
    try {
      return parse(text);
    } catch (error) {
      return fields.refuseKey(key, operatorMessage(error));
    }
  });
}
