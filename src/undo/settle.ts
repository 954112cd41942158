import { operatorMessage } from "../errors.js";
import { LINK_BYTES } from "../registry/layout.js";
import { digestIn, parseLink } from "../registry/link.js";
import { linkWords } from "../report/cause-words.js";
import type { StorageChanges } from "../storage/changes.js";
import type { JournalEntry } from "../journal/journal.js";
import { contentOf, isCurrent, linkedDigest } from "./link-content.js";

/** What is to be said of an object in whose place there is something else: nothing where that is as good. */
export interface Settlement {
  /** What the link held that is given up for the one that somebody has written since; or what was replaced by it. */
  readonly warning?: string;
  /** Why the object stays in the quarantine. */
  readonly problem?: string;
  /** Whether the link that the run removed has taken the place of a damaged one. */
  readonly isReplaced?: boolean;
}

/** An object in the quarantine in whose place there may be something else. */
export interface Unsettled {
  readonly place: string;
  readonly path: string;
  /** What is wrong where it stays. */
  readonly cause: string;
  /** Whether what a link names is there: only then may it come back. */
  readonly isReady: boolean;
}

/**
 * Ends the matter of an object in the quarantine in whose place there may be something else, written since: a link is given up for the one that
 * somebody wanted there, takes the place of a damaged one, which is nobody's wish, and anything else is given up if it is the same. Then nothing of
 * it is left in the quarantine. Not for a blob, whose digest says which is sound.
 */
export async function settle({ place, path, cause, isReady }: Unsettled, changes: StorageChanges): Promise<Settlement> {
  try {
    const before = path.endsWith("/link") ? await changes.read(place) : undefined;
    const settled = before && (await settleLink(path, before, isReady, changes));
    if (settled?.problem !== undefined) return settled;
    if (settled?.warning === undefined && !(await isSame(place, path, changes))) return { problem: cause };
    const [removed] = await changes.remove([place]);
    if (removed?.status === "failed")
      return { problem: `it cannot be removed from the quarantine: ${removed.cause ?? "no answer"}` };
    return settled ?? {};
  } catch (error) {
    return { problem: operatorMessage(error) };
  }
}

/**
 * Compares what a run took out of a link with what is there now, and puts it in the place of a link that is worth less: one that holds no
 * digest, or another than its path. Nothing is to be said where both are the same, or there is none now. Throws an `OperatorError`.
 */
export async function settleLink(
  path: string,
  before: Uint8Array,
  isReady: boolean,
  changes: StorageChanges,
): Promise<Settlement> {
  const now = await changes.read(path);
  if (now === undefined || Buffer.from(before).equals(now)) return {};
  const [had, has] = [worthOf(path, before), worthOf(path, now)];
  if (has >= had) return has === WORTH.unclear ? { problem: unclear(before, now) } : { warning: givenUp(before) };
  if (!isReady) return { problem: `not put back: what it names is gone, and what is there now is damaged: ${held(now, "is")}` };
  if ((await changes.replace(path, now, before)) !== "replaced")
    return { problem: "not put back: somebody is writing it now; run this again" };
  return { isReplaced: true, warning: `it is back in the place of a damaged one: ${held(now, "was")}` };
}

/**
 * The same, of an object in whose place something is seen, where what the run removed is behind that: a link's former content is told by the journal.
 * `bytes` is the size of what is seen: a link that has the right one and is no tag's is not read. Throws an `OperatorError`.
 */
export async function settleSeen(
  entry: JournalEntry,
  bytes: number | undefined,
  isReady: boolean,
  changes: StorageChanges,
): Promise<Settlement> {
  const content = contentOf(entry);
  if (content !== undefined)
    return bytes === LINK_BYTES && !isCurrent(entry.path) ? {} : settleLink(entry.path, content, isReady, changes);
  if (entry.kind !== "blob" || bytes === undefined || bytes === entry.bytes) return {};
  return {
    problem: `not put back: what is there now has ${bytes} bytes, and what was removed had ${entry.bytes}; the bucket has that as an older version`,
  };
}

/** What can be said of a link by its path. */
const WORTH = { none: 0, unclear: 1, sound: 2 } as const;

/** A tag may name anything; any other link names the digest of its path, or, of another algorithm than the registry's own, something unknown. */
function worthOf(path: string, content: Uint8Array): number {
  const digest = digestIn(content);
  if (digest === undefined) return WORTH.none;
  return isCurrent(path) || digest.toString() === linkedDigest(path) ? WORTH.sound : WORTH.unclear;
}

function givenUp(before: Uint8Array): string {
  const link = parseLink(before);
  const what = "digest" in link ? `it named ${link.digest.toString()}` : linkWords(link.problem);
  return `somebody has written it since, and it stays so; when this run removed it: ${what}`;
}

function unclear(before: Uint8Array, now: Uint8Array): string {
  return `not put back: there is another one by now, and its path does not tell which is right: ${held(now, "is")}; when this run removed it: ${held(before, "was")}`;
}

function held(content: Uint8Array, verb: "is" | "was"): string {
  const link = parseLink(content);
  if (!("digest" in link)) return linkWords(link.problem);
  return `it ${verb === "is" ? "names" : "named"} ${link.digest.toString()}`;
}

async function isSame(one: string, other: string, changes: StorageChanges): Promise<boolean> {
  const digest = await changes.digest(one, "sha256");
  return digest === undefined || digest === (await changes.digest(other, "sha256"));
}
