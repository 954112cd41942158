import type { ChangeOutcome, Hiding, StorageChanges } from "../storage/changes.js";
import type { Removal } from "../journal/read-run.js";

/** Who hid it is not this run: to take that away would undo what somebody has done since. */
const HIDDEN_ANEW = "it is still hidden: it was removed again after this run; if a later run did that, restore that one first";
const NO_VERSION = "the bucket keeps no version of it any more";

/**
 * Brings objects back into sight in a bucket that keeps versions: all delete markers above what the run removed go. There may be more
 * of them than the run knows of, since a request whose answer was lost is sent again, and puts a marker on the marker.
 * `startedAt` is when the run began by the bucket's clock, in whole seconds since 1970. `found: same`: it can be seen already.
 */
export async function unhide(
  removals: readonly Removal[],
  startedAt: number,
  changes: StorageChanges,
): Promise<readonly ChangeOutcome[]> {
  const hiding = await changes.hiding(removals.map((removal) => removal.path));
  const outcomes = new Map<string, ChangeOutcome>();
  const known: Marker[] = [];
  const unknown: Marker[] = [];
  for (const [i, removal] of removals.entries()) {
    const what = judge(removal, hiding[i] ?? { markers: [], written: undefined }, startedAt);
    if (what === undefined)
      for (const deleteMarker of hiding[i]?.markers ?? [])
        (deleteMarker === removal.deleteMarker ? known : unknown).push({ path: removal.path, deleteMarker });
    else outcomes.set(removal.path, { path: removal.path, ...what });
  }
  // The run's own marker goes last: while it is there, another restore knows whose the others are.
  for (const outcome of await changes.unhide(unknown)) keep(outcomes, outcome);
  const ready = known.filter(({ path }) => outcomes.get(path)?.status !== "failed");
  for (const outcome of await changes.unhide(ready)) keep(outcomes, outcome);
  return removals.map(({ path }) => outcomes.get(path) ?? { path, status: "failed", cause: "no answer" });
}

interface Marker {
  readonly path: string;
  readonly deleteMarker: string;
}

/** A marker that is gone already is as good as one that was taken away; of several, a failure is what counts. */
function keep(outcomes: Map<string, ChangeOutcome>, { path, status, cause }: ChangeOutcome): void {
  if (outcomes.get(path)?.status === "failed") return;
  outcomes.set(path, status === "failed" ? { path, status, cause } : { path, status: "done" });
}

/** What is to be said of an object without touching it; undefined where its markers are to go. */
function judge({ deleteMarker }: Removal, { markers, written, bytes }: Hiding, startedAt: number) {
  if (written === undefined) return { status: "failed", cause: NO_VERSION } as const;
  if (markers.length === 0) return { status: "done", found: "same", bytes } as const;
  // The run has seen what it removed: content that is younger was written after it, and hidden by somebody else.
  const isOfTheRun = deleteMarker === undefined ? Math.floor(written) <= startedAt : markers.includes(deleteMarker);
  return isOfTheRun ? undefined : ({ status: "failed", cause: HIDDEN_ANEW } as const);
}
