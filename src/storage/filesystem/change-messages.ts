import type { ChangeOutcome, Move } from "../changes.js";
import type { ChangedObjects } from "./object-changes.js";

/**
 * What the main thread and those that change the storage tell each other. A message costs as much as a delete for each object or text in
 * it: paths go as one text, and of the outcomes only those that are not what was asked for.
 */
export interface PackedOutcomes {
  /** By position. */
  readonly others: ReadonlyMap<number, ChangeOutcome>;
  readonly lastChanged: string | undefined;
}

/** No file's path has it. */
const SEPARATOR = "\0";

/** False for what is no path of a file: a journal or a plan may hold anything. */
export function canBeJoined(one: string | Move): boolean {
  return typeof one === "string" ? !one.includes(SEPARATOR) : canBeJoined(one.from) && canBeJoined(one.to);
}

/** Many paths as one text. */
export function joinPaths(paths: readonly string[]): string {
  return paths.join(SEPARATOR);
}

/** The paths of a text, of which there is at least one. */
export function splitPaths(text: string): string[] {
  return text.split(SEPARATOR);
}

/** Moves as one text. */
export function joinMoves(moves: readonly Move[]): string {
  return joinPaths(moves.flatMap(({ from, to }) => [from, to]));
}

/** The moves of a text. */
export function splitMoves(text: string): Move[] {
  const paths = splitPaths(text);
  return Array.from({ length: paths.length / 2 }, (_, i) => ({ from: paths[2 * i] ?? "", to: paths[2 * i + 1] ?? "" }));
}

/** Leaves out what is merely done. */
export function packOutcomes({ outcomes, lastChanged }: ChangedObjects): PackedOutcomes {
  const others = new Map<number, ChangeOutcome>();
  for (const [i, outcome] of outcomes.entries())
    if (outcome.status !== "done" || outcome.found !== undefined) others.set(i, outcome);
  return { others, lastChanged };
}

/** All outcomes, of objects with these paths. */
export function unpackOutcomes(paths: readonly string[], { others, lastChanged }: PackedOutcomes): ChangedObjects {
  return { outcomes: paths.map((path, i) => others.get(i) ?? { path, status: "done" }), lastChanged };
}
