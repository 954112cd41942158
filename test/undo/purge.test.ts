import { expect, test } from "vitest";
import { listRuns } from "#regcheck/journal/read-run.js";
import { regcheck } from "../support/run.js";
import { CREDENTIALS, setVersioning, startedServer, store } from "../support/s3-bucket.js";
import { garbageRegistry } from "../support/sweeping.js";
import { sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

test("a purge of a bucket that keeps versions since the sweep does not say that the space is free, nor does its dry run", async () => {
  const server = await startedServer();
  store(server, garbageRegistry(1));
  const journal = temporaryDirectory();
  const where = ["--endpoint", server.endpoint, "--region", "us-east-1"];
  await regcheck([...sweepEverything("s3://b", journal, "--quarantine"), ...where], KEYS);
  const purge = (...more: string[]) =>
    regcheck(["purge", listRuns(journal)[0] ?? "", "--journal-dir", journal, ...where, ...more], KEYS);
  expect((await purge("--dry-run")).stdout).toMatch(/^\S+: \d\d objects would be purged, [\d.]+ kB\n/);
  await setVersioning(server, "Enabled");
  const kept =
    /objects (?:would be )?purged, [\d.]+ kB; the bucket keeps .* older versions: .* when a lifecycle rule expires these\n/;
  expect((await purge("--dry-run")).stdout).toMatch(kept);
  const dry = await purge("--dry-run", "--format", "json");
  expect(JSON.parse(dry.stdout)).toMatchObject({ runs: [{ keepsVersions: true }] });
  expect(await purge()).toMatchObject({ exitCode: 0, stderr: "", stdout: expect.stringMatching(kept) as unknown });
});
