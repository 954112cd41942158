import { countOf, formatDuration } from "../report/format.js";
import { ROOT_KINDS } from "./chains.js";
import type { ChainRoot, RootCounts, RootKind } from "./chains.js";
import type { Explanation, Step } from "./explanation.js";

/** The verdict in a word and a sentence. */
export interface VerdictWords {
  readonly word: string;
  readonly colour: "green" | "yellow" | "cyan" | "red";
  readonly sentence: string;
}

/** Says what the verdict means, and what would change it. */
export function verdictOf(explanation: Explanation): VerdictWords {
  const { verdict, chains, policy } = explanation;
  const root = chains[0]?.root;
  const by = root === undefined ? "something" : rootName(root);
  switch (verdict) {
    case "alive":
      return { word: "ALIVE", colour: "green", sentence: `${by} keeps it.${whatWouldTakeIt(explanation)}` };
    case "held":
      return whyHeld(explanation);
    case "young":
      return {
        word: "YOUNG",
        colour: "yellow",
        sentence: `nothing but ${chains[0]?.steps[0]?.as === "blob" && chains[0].steps.length === 1 ? "its own age" : by} keeps it: what is younger than ${formatDuration(policy.grace * 1000)} (--grace) may be part of a push.`,
      };
    case "garbage":
      return { word: "GARBAGE", colour: "cyan", sentence: whyGarbage(explanation) };
    case "missing":
      return whyMissing(explanation, root === undefined ? undefined : by);
    case "unresolved":
      return { word: "BROKEN", colour: "red", sentence: "the tag's current/link names no manifest." };
  }
}

function whyHeld({ chains, complete, truthElsewhere }: Explanation): VerdictWords {
  const root = chains[0]?.root;
  if (root === undefined && truthElsewhere.length > 0)
    return {
      word: "NOT KNOWN",
      colour: "yellow",
      sentence: `nothing in this storage needs it, but it is not the storage that decides what is live: ${truthElsewhere.map(({ evidence }) => evidence).join("; ")}.`,
    };
  return {
    word: "HELD BACK",
    colour: "yellow",
    sentence:
      root === undefined && !complete
        ? "nothing that could be read needs it, but what could not be read may: until all can be read, nothing is garbage."
        : `nothing live is known to need it, but damage in ${root?.repository ?? "its repository"} leaves unknown what that repository needs: all of it stays until repaired.`,
  };
}

/** `by` says what needs it, if anything live does. */
function whyMissing({ chains, truthElsewhere }: Explanation, by: string | undefined): VerdictWords {
  if (chains[0]?.steps.at(-1)?.as === "foreign-layer")
    return {
      word: "NOT STORED",
      colour: "green",
      sentence: "nor need it be: it is a foreign layer, which clients fetch from the URLs in its manifest.",
    };
  if (truthElsewhere.some(({ owner }) => owner === "proxy"))
    return {
      word: "NOT STORED",
      colour: "green",
      sentence: "it has not been pulled yet: a pull-through cache fetches it from upstream when it is asked for.",
    };
  return {
    word: "MISSING",
    colour: "red",
    sentence: by === undefined ? "it is not stored, and nothing live needs it." : `it is not stored, but ${by} needs it.`,
  };
}

/** Which switch of the policy would make garbage of what is alive. */
function whatWouldTakeIt({ garbage, policy }: Explanation): string {
  if (garbage === undefined) return "";
  if (garbage.withDeleteUntagged && !policy.deleteUntagged) return " With --delete-untagged it is garbage: no tag reaches it.";
  if (garbage.withDropDanglingTags && !policy.dropDanglingTags)
    return " With --drop-dangling-tags it is garbage: the tag's manifest has no revision link any more.";
  if (garbage.withBoth && !(policy.deleteUntagged && policy.dropDanglingTags))
    return " With --delete-untagged and --drop-dangling-tags it is garbage.";
  return "";
}

/** Why a signature that is tagged does not keep its image. */
const REFERRERS =
  " What is about it, such as a signature, does not keep it: a live subject keeps its referrers, and no referrer its subject.";

function isSubjectOfLive(mentions: Explanation["mentions"]): boolean {
  return mentions.some(({ namedBy }) => namedBy.some(({ as, live }) => as === "subject" && live));
}

function whyGarbage({ mentions, policy }: Explanation): string {
  const links = mentions.flatMap((mention) => mention.links);
  if (mentions.some(({ tagCount }) => tagCount > 0) && policy.dropDanglingTags)
    return "a tag names it, but its revision link is gone, and with --drop-dangling-tags such a tag keeps nothing.";
  if (links.some(({ kind }) => kind === "revision-link"))
    return `no tag, no live index and no live subject reaches it, and with --delete-untagged that is what counts.${isSubjectOfLive(mentions) ? REFERRERS : ""}`;
  if (mentions.some(({ namedByCount }) => namedByCount > 0)) return "the manifests that name it are not live themselves.";
  if (links.length > 0) return "a layer link is all that is left of its use: no manifest that is linked names it.";
  return "no manifest that is linked names it: it was deleted by digest, or its upload never came to a manifest.";
}

/** What keeps something by itself, for people. */
export function rootName({ kind, repository, tag }: ChainRoot): string {
  const where = repository === undefined ? "" : ` in ${repository}`;
  switch (kind) {
    case "tag":
      return `tag ${repository ?? ""}:${tag ?? ""}`;
    case "dangling-tag":
      return `dangling tag ${repository ?? ""}:${tag ?? ""}`;
    case "pin":
      return `a pin (--keep)${where}`;
    case "revision-link":
      return `a revision link${where}`;
    case "layer-linked":
      return `a layer link${where} that registry 2.x finds a manifest by`;
    case "live-subject":
      return `a live subject, wherever that is, of what is about it${where}`;
    case "held":
      return `damage${where}`;
    case "young-blob":
      return `a young blob${where}`;
    case "young-revision-link":
      return `a young revision link${where}`;
    case "young-layer-link":
      return `a young layer link${where}`;
  }
}

/** What a step is to the one before. */
export function roleName(as: Step["as"] | "subject"): string {
  if (as === "layer-link") return "layer link to";
  if (as === "foreign-layer") return "foreign layer";
  if (as === "mention") return "mentioned by what cannot be read:";
  return as === "child" ? "index child" : as;
}

const ROOT_NAMES: Readonly<Record<RootKind, readonly [string, string]>> = {
  tag: ["tag", "tags"],
  pin: ["pin", "pins"],
  "revision-link": ["revision link", "revision links"],
  "dangling-tag": ["dangling tag", "dangling tags"],
  "layer-linked": ["manifest with a layer link", "manifests with layer links"],
  "live-subject": ["live subject", "live subjects"],
  held: ["root held by damage", "roots held by damage"],
  "young-blob": ["young blob", "young blobs"],
  "young-revision-link": ["young revision link", "young revision links"],
  "young-layer-link": ["young layer link", "young layer links"],
};

/** Counts of roots by kind, without those that are none: `2 tags, 3 revision links`. */
export function countRoots(counts: RootCounts): string {
  return ROOT_KINDS.filter((kind) => counts[kind] > 0)
    .map((kind) => countOf(counts[kind], ...ROOT_NAMES[kind]))
    .join(", ");
}

/** Seconds since 1970 as a date and time in UTC. */
export function formatTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
