import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { listRuns } from "#regcheck/journal/read-run.js";
import { regcheck } from "../support/run.js";
import { garbageRegistry, leftIn } from "../support/sweeping.js";
import { sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory, written } from "../support/temporary.js";

/** A run in the quarantine, and a file in the place of the directory that its journal was in. */
async function quarantined() {
  const directory = written(garbageRegistry(1));
  const journal = temporaryDirectory();
  expect(await regcheck(sweepEverything(directory, journal, "--quarantine"))).toMatchObject({ exitCode: 0 });
  const [runId = ""] = listRuns(journal);
  const file = path.join(temporaryDirectory(), "journals");
  fs.writeFileSync(file, "");
  return { directory, runId, file };
}

describe("a journal directory that cannot be listed", () => {
  test.each([["runs"], ["purge", "--older-than", "0s"], ["restore"]])("is told as that by %s", async (...command) => {
    const { file } = await quarantined();
    expect(await regcheck([...command, "--journal-dir", file])).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: expect.stringMatching(
        new RegExp(`^regcheck: ${file}: the journals there cannot be listed: not a directory\n`),
      ) as unknown,
    });
  });

  test("keeps no run from coming back whose copy is in the quarantine; that later ones are not known is told", async () => {
    const { directory, runId, file } = await quarantined();
    const run = await regcheck(["restore", runId, "--storage", directory, "--journal-dir", file]);
    expect(run).toMatchObject({
      exitCode: 0,
      stderr: `regcheck: ${file}: later runs whose journals are there are not known: not a directory\n`,
    });
    expect(leftIn(directory)).toEqual([]);
  });

  test("keeps no quarantine of a storage that is named from being purged, and is told", async () => {
    const { directory, file } = await quarantined();
    expect(await regcheck(["purge", "--older-than", "0s", "--storage", directory, "--journal-dir", file])).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining("1 run purged") as unknown,
      stderr: expect.stringContaining(`${file}: the journals there cannot be listed`) as unknown,
    });
    expect(leftIn(directory)).toEqual([]);
  });
});
