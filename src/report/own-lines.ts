import type { OwnData } from "../storage/own-data.js";
import { isRunId, timeOfRun } from "../storage/run-name.js";
import { countOf, formatBytes } from "./format.js";

/** Objects and bytes that sweeps have moved aside, in all. */
export function quarantineTotals({ quarantine }: OwnData): {
  readonly runs: number;
  readonly objects: number;
  readonly bytes: number;
} {
  const runs = [...quarantine.values()];
  return {
    runs: runs.filter(({ hasMoved }) => hasMoved).length,
    objects: runs.reduce((sum, run) => sum + run.objects, 0),
    bytes: runs.reduce((sum, run) => sum + run.bytes, 0),
  };
}

/** When the oldest run began that the quarantine holds something of, in seconds since 1970; undefined where it holds nothing of any run. */
export function oldestQuarantined({ quarantine }: OwnData): number | undefined {
  const times = [...quarantine].filter(([runId, { hasMoved }]) => hasMoved && isRunId(runId)).map(([runId]) => timeOfRun(runId));
  const known = times.filter((time) => !Number.isNaN(time)).sort((a, b) => a - b);
  return known[0] === undefined ? undefined : known[0] / 1000;
}

/** What regcheck itself keeps in the storage, a sentence each; none where that is nothing. */
export function ownLines(own: OwnData): readonly string[] {
  const { runs, bytes } = quarantineTotals(own);
  const lines: string[] = [];
  if (runs > 0)
    lines.push(
      `Quarantine: ${formatBytes(bytes)} of ${countOf(runs, "run")}, not reclaimable until purged (regcheck runs lists them).`,
    );
  if (own.lockedAt !== undefined)
    lines.push(
      `There is a lock of ${new Date(own.lockedAt * 1000).toISOString()}: a run is at work, or was killed, and the next one is refused (regcheck unlock).`,
    );
  if (own.fault !== undefined) lines.push(`What the quarantine holds is not known: ${own.fault}.`);
  return lines;
}
