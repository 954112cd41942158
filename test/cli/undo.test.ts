import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { listRuns } from "#regcheck/journal/read-run.js";
import { RegistryTree } from "../support/registry-tree.js";
import { regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import { garbageRegistry, leftIn } from "../support/sweeping.js";
import { sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory, written } from "../support/temporary.js";

/** Everything that is there, directories too, with the times of the last change. */
function stateOf(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((file) => `${file} ${fs.lstatSync(path.join(directory, file)).mtimeMs}`)
    .sort();
}

/** A registry whose garbage is in the quarantine. */
async function quarantined() {
  const before = garbageRegistry(1);
  const directory = written(before);
  const journal = temporaryDirectory();
  const { exitCode } = await regcheck(sweepEverything(directory, journal, "--quarantine"));
  expect(exitCode).toBe(0);
  const [runId = ""] = listRuns(journal);
  return { before, directory, journal, runId };
}

describe("--dry-run always wins: nothing is created, changed or removed", () => {
  test("by a sweep, with all that it could be given", async () => {
    const directory = written(garbageRegistry(1));
    const journal = temporaryDirectory();
    const before = stateOf(directory);
    const { exitCode, stdout } = await regcheck(sweepEverything(directory, journal, "--quarantine", "--dry-run"));
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining("nothing was changed") as unknown });
    expect(stateOf(directory)).toEqual(before);
    expect(fs.readdirSync(journal)).toEqual([]);
  });

  test("by untag, restore and purge, which say what they would do", async () => {
    const { directory, journal, runId } = await quarantined();
    const before = [stateOf(directory), stateOf(journal)];
    const said = async (...args: string[]) => {
      const { exitCode, stdout, stderr } = await regcheck([...args, "--journal-dir", journal, "--dry-run"]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      return stdout;
    };
    const rules = String.raw`\n\nSafety rules\n {2}passed .*\n$`;
    const restored = String.raw`^\d\d objects would be restored \(nothing was changed\), 0 objects already there`;
    expect(await said("restore", runId)).toMatch(new RegExp(restored + rules));
    const purged = String.raw`\d\d objects would be purged, .* kB`;
    expect(await said("purge", runId)).toMatch(new RegExp(purged + rules));
    expect(await said("purge", "--older-than", "0")).toMatch(new RegExp(String.raw`${purged}\n1 run would be purged${rules}`));
    expect(await said("untag", "team/app-0:latest", "--storage", directory, "--registry-stopped")).toContain("would be removed");
    expect([stateOf(directory), stateOf(journal)]).toEqual(before);
  });
});

describe("purge --older-than", () => {
  test("passes over runs of another storage, and those that are empty; a damaged journal keeps no other from it", async () => {
    const one = await quarantined();
    const { exitCode: swept } = await regcheck(sweepEverything(written(garbageRegistry(2)), one.journal, "--quarantine"));
    expect(swept).toBe(0);
    fs.writeFileSync(path.join(one.journal, "20200101T000000000Z-000000.ndjson"), "{\n");
    const purge = () => regcheck(["purge", "--older-than", "0", "--storage", one.directory, "--journal-dir", one.journal]);
    const first = await purge();
    expect(first.stdout).toMatch(new RegExp(`^${one.runId}: \\d+ objects purged, [^\\n]*\\n1 run purged\\n$`));
    expect(first).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^regcheck: run 20200101T000000000Z-000000: .*damaged here[^\n]*\n$/) as unknown,
    });
    expect(leftIn(one.directory)).toEqual([]);
    expect((await purge()).stdout).toBe("0 runs purged\n");
  });

  test("knows the storage under all of its names, and by its config", async () => {
    const { directory, journal, runId } = await quarantined();
    await regcheck(sweepEverything(written(garbageRegistry(2)), journal, "--quarantine"));
    const link = path.join(temporaryDirectory(), "link");
    fs.symlinkSync(directory, link);
    const config = path.join(temporaryDirectory(), "config.yml");
    fs.writeFileSync(
      config,
      `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${directory}\nhttp:\n  addr: 127.0.0.1:1\n`,
    );
    const names = [
      ["--storage", path.relative(process.cwd(), directory)],
      ["--storage", link],
      ["--storage", `${directory}/docker/registry/v2/`],
      ["--config", config],
    ];
    for (const name of names)
      expect(await regcheck(["purge", "--older-than", "0", ...name, "--journal-dir", journal, "--dry-run"]), name[1]).toEqual({
        exitCode: 0,
        stdout: expect.stringMatching(
          new RegExp(`^${runId}: \\d+ objects would be purged, .*\n1 run would be purged\n\nSafety rules\n {2}passed .*\n$`),
        ) as unknown,
        stderr: "",
      });
  });

  test.each(["", '{"type":"run","schema'])("passes over a run that never began, since its journal is %j", async (text) => {
    const { journal } = await quarantined();
    fs.writeFileSync(path.join(journal, "20200101T000000000Z-000000.ndjson"), text);
    expect(await regcheck(["purge", "--older-than", "0", "--journal-dir", journal])).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await regcheck(["restore", "20200101T000000000Z-000000", "--journal-dir", journal])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("never began") as unknown,
    });
  });

  test("leaves what is younger", async () => {
    const { directory, journal } = await quarantined();
    const before = stateOf(directory);
    expect(await regcheck(["purge", "--older-than", "7d", "--journal-dir", journal])).toMatchObject({
      exitCode: 0,
      stdout: "0 runs purged\n",
    });
    expect(stateOf(directory)).toEqual(before);
  });

  test("a run that deleted for good has nothing to purge, and says so", async () => {
    const directory = written(garbageRegistry(1));
    const journal = temporaryDirectory();
    await regcheck(sweepEverything(directory, journal));
    const [runId = ""] = listRuns(journal);
    const { exitCode, stderr } = await regcheck(["purge", runId, "--journal-dir", journal]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: `regcheck: run ${runId} deleted for good: it left no quarantine\n`,
    });
  });
});

test("a plan and a run of one server are not for a bucket of the same name at another", async () => {
  const tree = garbageRegistry(1);
  const [one, other] = [await startedServer(), await startedServer()];
  for (const server of [one, other]) store(server, tree);
  const [journal, plan] = [temporaryDirectory(), path.join(temporaryDirectory(), "plan")];
  const environment = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };
  const at = ({ endpoint }: { readonly endpoint: string }, ...args: string[]) =>
    regcheck([...args, "--endpoint", endpoint, "--region", "us-east-1"], environment);
  const sweep = sweepEverything("s3://b", journal, "--quarantine");
  await at(one, ...sweep, "--dry-run", "--plan-output", plan);
  expect(await at(other, ...sweep, "--plan", plan)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining(`not for s3://b at ${new URL(other.endpoint).host}. Make a new one`) as unknown,
  });
  expect(await at(one, ...sweep, "--plan", plan)).toMatchObject({ exitCode: 0, stderr: "" });
  const [runId = ""] = listRuns(journal);
  for (const command of ["restore", "purge"])
    expect(await at(other, command, runId, "--journal-dir", journal)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^regcheck: run \S+ was on s3:\/\/b at 127\.0\.0\.1:\d+, not on s3:\/\/b at/) as unknown,
    });
  expect(other.objects("b").size).toBe(tree.files.size);
  const spelled = { endpoint: `${one.endpoint.replace("http:", "HTTP:")}/` };
  expect(await at(spelled, "restore", runId, "--journal-dir", journal)).toMatchObject({ exitCode: 0, stderr: "" });
  expect(one.objects("b").size).toBe(tree.files.size);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s ends a restore after a batch, with %d; the lock is gone, and it can be run again", async (signal, exitCode) => {
  const { before, directory, journal, runId } = await quarantined();
  const file = path.join(journal, `${runId}.ndjson`);
  // So many objects that neither were moved nor are missing that the restore takes a while.
  const present = `${JSON.stringify({ type: "remove", kind: "blob", path: [...before.files.keys()][0], bytes: 0 })}\n`;
  const whole = fs.readFileSync(file, "utf8");
  fs.appendFileSync(file, present.repeat(50_000));
  const main = path.resolve(import.meta.dirname, "../../dist/cli/main.js");
  const child = spawn(process.execPath, [main, "restore", runId, "--journal-dir", journal], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const closed = once(child, "close");
  const lock = path.join(directory, "regcheck/lock");
  while (!fs.existsSync(lock) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill(signal);
  const [code] = (await closed) as [number | null];
  expect(code).toBe(exitCode);
  expect(fs.existsSync(lock)).toBe(false);
  fs.writeFileSync(file, whole);
  expect(await regcheck(["restore", runId, "--journal-dir", journal])).toMatchObject({ exitCode: 0 });
  expect([...RegistryTree.readFrom(directory).files.keys()].sort()).toEqual([...before.files.keys()].sort());
});
