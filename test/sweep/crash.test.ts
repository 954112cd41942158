import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { listRuns, readRun } from "#regcheck/sweep/journal.js";
import { restore } from "#regcheck/sweep/undo.js";
import { Killed, killedAt } from "../support/killed-at.js";
import { pullAll } from "../support/pullable.js";
import { RegistryTree } from "../support/registry-tree.js";
import { contentOf, garbageRegistry, sweepDirectory, sweepOptions } from "../support/sweeping.js";
import { temporaryDirectory } from "../support/temporary.js";

/** Every directory entry and content, to lay the same registry out again quickly. */
function layOut(tree: RegistryTree, directory: string): void {
  fs.rmSync(directory, { recursive: true, force: true });
  fs.mkdirSync(directory, { recursive: true });
  tree.writeTo(directory);
}

describe.each([{ quarantine: false }, { quarantine: true }])(
  "a sweep that is killed ($quarantine = quarantine)",
  ({ quarantine }) => {
    test(
      "at any point leaves every pull whole; a second run finishes; restore brings all back",
      { timeout: 3_600_000 },
      async () => {
        const before = garbageRegistry(quarantine ? 2 : 6);
        const pullable = new Map([...pullAll(before)].filter(([, content]) => content !== undefined));
        const root = temporaryDirectory();
        const directory = path.join(root, "storage");
        const journal = path.join(root, "journal");
        layOut(before, directory);
        let total = Infinity;
        const all = killedAt(new FilesystemChanges(directory), -1);
        const { result } = await sweepDirectory(directory, sweepOptions(journal, { quarantine }), () => all.wrapped);
        total = all.operations();
        const removed = readRun(journal, result.runId).entries.length;
        expect(removed).toBeGreaterThanOrEqual(quarantine ? 60 : 200);
        const swept = contentOf(RegistryTree.readFrom(directory));

        // Every operation has a point before and one after it. `REGCHECK_CRASH_POINTS=Infinity npm test` takes them all; a part keeps the
        // test short, and where it starts moves with the process.
        const points = Number(process.env["REGCHECK_CRASH_POINTS"] ?? 30);
        const step = Math.max(1, Math.floor(total / points));
        for (let point = process.pid % step; point < total; point += step) {
          layOut(before, directory);
          fs.rmSync(journal, { recursive: true });
          const { wrapped } = killedAt(new FilesystemChanges(directory), point);
          await expect(sweepDirectory(directory, sweepOptions(journal, { quarantine }), () => wrapped)).rejects.toThrow(Killed);
          const after = RegistryTree.readFrom(directory);
          const pulls = new Map([...pullAll(after)].filter(([, content]) => content !== undefined));
          expect(pulls, `killed at ${point}`).toEqual(pullable);

          // The operator removes the stale lock, as the message says.
          fs.rmSync(path.join(directory, "regcheck/lock"), { force: true });
          const second = await sweepDirectory(directory, sweepOptions(journal, { quarantine }));
          expect(second.result.stopped).toBeUndefined();
          expect(contentOf(RegistryTree.readFrom(directory)), `killed at ${point}`).toEqual(swept);
          if (!quarantine) continue;
          for (const runId of listRuns(journal)) await restore(readRun(journal, runId), new FilesystemChanges(directory));
          expect(contentOf(RegistryTree.readFrom(directory)), `killed at ${point}`).toEqual(contentOf(before));
        }
      },
    );
  },
);
