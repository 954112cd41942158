import { FIRST_PUSHES } from "../mark/push-times.js";
import { isUnjudged } from "../mark/retention.js";
import type { TagDecision } from "../mark/retention.js";

/** Seconds: what a restore or a copy gives the same time. */
const AT_ONCE = 3600;
/** The share of tags with the same time that is more than a few builds make. */
export const MOST = 0.8;
/** What one build pushes at once is no copied storage: it takes as many images. */
export const IMAGES_AT_ONCE = 5;

/** Whether a tag's time tells of a push, or of what has copied the storage or put tags back. */
export function isTimed(decision: TagDecision): boolean {
  return (decision.pushed ?? 0) >= FIRST_PUSHES && (!isUnjudged(decision) || decision.reason.kind === "time-unknown");
}

/** Those that were written within one hour, where these are more than the share that is allowed; none otherwise. */
export function writtenAtOnce(tags: readonly TagDecision[]): readonly TagDecision[] {
  const timeOf = ({ pushed = 0 }: TagDecision): number => pushed;
  const inOrder = tags.toSorted((a, b) => timeOf(a) - timeOf(b));
  let [first, start, most] = [0, 0, 0];
  for (const [last, tag] of inOrder.entries()) {
    for (let other = inOrder[first]; other !== undefined && timeOf(tag) - timeOf(other) > AT_ONCE; other = inOrder[first])
      first++;
    if (last + 1 - first > most) [start, most] = [first, last + 1 - first];
  }
  return most > MOST * inOrder.length ? inOrder.slice(start, start + most) : [];
}

/** How many images tags name. */
export function imagesOf(tags: readonly TagDecision[]): number {
  return new Set(tags.flatMap(({ image }) => image ?? [])).size;
}
