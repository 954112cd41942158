import fs from "node:fs";
import path from "node:path";
import pLimit from "p-limit";
import { expect } from "vitest";
import { journalFile } from "#regcheck/journal/journal.js";
import { listRuns, readRun } from "#regcheck/journal/read-run.js";
import { RegistryTree } from "./registry-tree.js";
import { regcheck } from "./run.js";
import { contentOf } from "./sweeping.js";
import { regcheckWith, sweepEverything } from "./system-calls.js";
import type { PlannedRun } from "./system-calls.js";

/** What is looked at after a kill, besides the files; `stage` says after which run. */
export type Inspect = (directory: string, stage: string) => Promise<void>;

/**
 * Sweeps a registry again and again, and kills the program each time at another one of the points before and after each of its changes
 * to the storage and the journal, about `count` of them. Then: nothing that `inspect` looks at is broken; a second run leaves
 * exactly what a sweep that was not killed leaves; and what was moved to the quarantine all comes back. Returns the number of points
 * that there are, and of those in threads. `directory` is laid out anew each time, or one of its own for each point when `inParallel`.
 */
export async function killEverywhere(
  before: RegistryTree,
  base: string,
  options: { readonly quarantine: boolean; readonly count: number; readonly inParallel: boolean; readonly inspect: Inspect },
): Promise<Pick<PlannedRun, "points" | "pointsInThreads"> & { readonly removed: ReadonlyMap<string, number> }> {
  const { quarantine, count, inParallel, inspect } = options;
  const more = quarantine ? ["--quarantine"] : [];
  const layOut = (place: string) => {
    const directory = path.join(place, "storage");
    const journal = path.join(place, "journal");
    for (const old of [directory, journal]) fs.rmSync(old, { recursive: true, force: true });
    before.writeTo(directory);
    return { directory, journal, args: sweepEverything(directory, journal, ...more) };
  };

  const whole = layOut(base);
  const { points, pointsInThreads, exitCode } = await regcheckWith({ kill: -1, root: base }, whole.args);
  expect(exitCode).toBe(0);
  const swept = contentOf(RegistryTree.readFrom(whole.directory));
  const removed = new Map<string, number>();
  for (const runId of listRuns(whole.journal))
    for (const { kind } of readRun(whole.journal, runId).removals()) removed.set(kind, (removed.get(kind) ?? 0) + 1);

  const killAt = async (point: number): Promise<void> => {
    const place = inParallel ? fs.mkdtempSync(path.join(base, "point-")) : base;
    const { directory, journal, args } = layOut(place);
    const killed = await regcheckWith({ kill: point, root: place }, args);
    expect(killed.exitCode, `point ${point} of ${points}`).toBeNull();
    await inspect(directory, `killed at ${point}`);

    // The operator removes the stale lock, as the message says.
    fs.rmSync(path.join(directory, "regcheck/lock"), { force: true });
    expect(await regcheck(args), `killed at ${point}`).toMatchObject({ exitCode: 0, stderr: "" });
    expect(contentOf(RegistryTree.readFrom(directory)), `killed at ${point}`).toEqual(swept);
    await inspect(directory, `killed at ${point}, and run again`);
    if (quarantine) {
      // The later run first: what the first one was about to move when it was killed, the later one has.
      for (const runId of listRuns(journal).toReversed()) {
        const restored = await regcheck(["restore", runId, "--journal-dir", journal]);
        // Killed between the making of the journal and its first line.
        const hasBegun = fs.statSync(journalFile(journal, runId)).size > 0;
        const neverBegan = { exitCode: 2, stderr: expect.stringContaining("so nothing was removed") as unknown };
        expect(restored, `killed at ${point}`).toMatchObject(hasBegun ? { exitCode: 0, stderr: "" } : neverBegan);
      }
      expect(contentOf(RegistryTree.readFrom(directory)), `killed at ${point}`).toEqual(contentOf(before));
    }
    if (inParallel) fs.rmSync(place, { recursive: true });
  };
  const step = Math.max(1, Math.floor(points / count));
  const limit = pLimit(inParallel ? 2 : 1);
  const chosen: number[] = [];
  // Where a part of the points begins moves with the process.
  for (let point = process.pid % step; point < points; point += step) chosen.push(point);
  await Promise.all(chosen.map((point) => limit(killAt, point)));
  return { points, pointsInThreads, removed };
}
