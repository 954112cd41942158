import { hasLine } from "./read-run.js";
import type { RunHead } from "./read-run.js";

/** Where what a run removed can be brought back from: of an untag that deleted, its links are written again by its journal. */
export type KeptIn = "quarantine" | "versions" | "journal";

/** That, by a run's journal; undefined where it is gone for good, and for a repair. Throws a `UsageError`. */
export function whereKept(directory: string, { head: { runId, mode, work, storage } }: RunHead): KeptIn | undefined {
  if (mode === "repair") return undefined;
  if (mode !== "delete") return mode;
  // A filesystem has none, and a journal may be long.
  if (storage.driver === "s3" && hasLine(directory, runId, (line) => "deleteMarker" in line)) return "versions";
  return work === "untag" ? "journal" : undefined;
}

/** Whether a run has changed nothing: what it is about to change stands in its journal before. Throws a `UsageError`. */
export function hasNothing(directory: string, runId: string): boolean {
  return !hasLine(directory, runId, ({ type }) => type === "remove" || type === "write");
}
