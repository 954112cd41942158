import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { errorMessage } from "#regcheck/errors.js";
import { listRuns, readRun } from "#regcheck/journal/read-run.js";
import { restoreObjects } from "#regcheck/undo/restore.js";
import { killedAt } from "../support/killed-at.js";
import { pullAll } from "../support/pullable.js";
import { RegistryTree } from "../support/registry-tree.js";
import { brokenRegistry, changesOf, codesOf, repairDirectory, repairOptions } from "../support/repairing.js";
import { contentOf } from "../support/sweeping.js";
import { temporaryDirectory } from "../support/temporary.js";

/** Tags that pull. */
function pullable(tree: RegistryTree): Set<string> {
  return new Set([...pullAll(tree)].filter(([, content]) => content !== undefined).map(([tag]) => tag));
}

test(
  "a repair that is killed at any point leaves nothing worse; a second run finishes; restore brings back what was there",
  { timeout: 600_000 },
  async () => {
    const before = brokenRegistry(2);
    const root = temporaryDirectory();
    const directory = path.join(root, "storage");
    const journal = path.join(root, "journal");
    const layOut = (): void => {
      fs.rmSync(directory, { recursive: true, force: true });
      fs.rmSync(journal, { recursive: true, force: true });
      fs.mkdirSync(directory);
      before.writeTo(directory);
    };
    layOut();
    const all = killedAt(changesOf(directory), -1);
    await repairDirectory(directory, repairOptions(journal), () => all.wrapped);
    const repaired = contentOf(RegistryTree.readFrom(directory));
    const codes = (await codesOf(directory)).length;
    // Before and after each of 14 links, and of what the lock does.
    expect({ operations: all.operations() >= 2 * 14 + 4, codes }).toEqual({ operations: true, codes: 0 });

    for (let point = 0; point < all.operations(); point++) {
      layOut();
      const { wrapped } = killedAt(changesOf(directory), point);
      // Killed at its lock's removal, a repair has done all its work, and says what is left.
      const end = await repairDirectory(directory, repairOptions(journal), () => wrapped).then(
        ({ lockLeft }) => lockLeft,
        errorMessage,
      );
      expect(end, `killed at ${point}`).toContain("killed");
      const after = RegistryTree.readFrom(directory);
      for (const [file, content] of contentOf(after))
        expect([before.text(file), repaired.get(file)], `${file}, killed at ${point}`).toContain(content);
      for (const tag of pullable(before)) expect(pullable(after), `killed at ${point}`).toContain(tag);

      // The operator takes a minute, and removes the stale lock, as the message says.
      const minuteAgo = Date.now() / 1000 - 60;
      for (const [file, { modified }] of after.files)
        if (modified > minuteAgo) fs.utimesSync(path.join(directory, file), minuteAgo, minuteAgo);
      fs.rmSync(path.join(directory, "regcheck/lock"), { force: true });
      const killed = listRuns(journal);
      const { result } = await repairDirectory(directory, repairOptions(journal));
      expect(result?.stopped).toBeUndefined();
      expect(contentOf(RegistryTree.readFrom(directory)), `killed at ${point}`).toEqual(repaired);

      const runs = [...killed, ...(result === undefined ? [] : [result.runId])];
      for (const runId of runs.toReversed()) {
        const { problems } = await restoreObjects(readRun(journal, runId), changesOf(directory));
        expect(problems, `killed at ${point}`).toEqual([]);
      }
      expect(contentOf(RegistryTree.readFrom(directory)), `killed at ${point}`).toEqual(contentOf(before));
    }
  },
);
