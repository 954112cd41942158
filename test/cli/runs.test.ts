import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { listRuns } from "#regcheck/journal/read-run.js";
import { regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import { garbageRegistry } from "../support/sweeping.js";
import { changesOf } from "../support/sweeping-s3.js";
import { sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };
/** A process that is none: larger than Linux gives. */
const NO_PROCESS = 2 ** 22 + 1;

describe("what a quarantine holds, and a lock that was left", () => {
  test("are in every report, and the runs are listed from the storage and from the journals", async () => {
    const directory = written(garbageRegistry(1));
    const journal = temporaryDirectory();
    expect(await regcheck(sweepEverything(directory, journal, "--quarantine"))).toMatchObject({ exitCode: 0 });
    const [runId = ""] = listRuns(journal);
    fs.writeFileSync(path.join(directory, "regcheck/lock"), "");
    const out = temporaryDirectory();
    const files = ["json", "html", "prom"].flatMap((ending) => ["--output", path.join(out, `report.${ending}`)]);
    const { stdout } = await regcheck([directory, "--fail-on", "never", "--format", "text", ...files]);
    const read = (name: string): string => fs.readFileSync(path.join(out, `report.${name}`), "utf8");
    const line = /Quarantine: [\d.]+ kB of 1 run, not reclaimable until purged/;
    const lock = /There is a lock of \d{4}-/;
    for (const text of [stdout, read("html")]) {
      expect(text).toMatch(line);
      expect(text).toMatch(lock);
    }
    const report = JSON.parse(read("json")) as { quarantine: { bytes: number } };
    expect(report).toMatchObject({ quarantine: { runs: 1 }, lock: { modified: expect.any(String) as unknown } });
    expect(report.quarantine.bytes).toBeGreaterThan(1000);
    expect(read("prom")).toMatch(new RegExp(`regcheck_quarantine_bytes{.*} ${report.quarantine.bytes}\n`));
    expect(read("prom")).toMatch(/regcheck_quarantine_runs{.*} 1\n/);
    expect(read("prom")).toMatch(/regcheck_locked{.*} 1\n/);
    fs.rmSync(path.join(directory, "regcheck/lock"));

    const runs = async (...args: string[]) => (await regcheck(["runs", ...args])).stdout;
    const row = new RegExp(
      `^${runId}  \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d  sweep  [\\d.]+ kB\\s+swept, in the quarantine$`,
      "m",
    );
    expect(await runs(directory, "--journal-dir", journal)).toMatch(row);
    expect(await runs(directory, "--journal-dir", temporaryDirectory())).toMatch(row);
    expect(await runs("--journal-dir", journal)).toContain(directory);
    expect(await runs("--journal-dir", journal, "--quiet")).toBe(`${runId}\n`);
    await regcheck(["purge", runId, "--journal-dir", journal]);
    expect(JSON.parse(await runs(directory, "--journal-dir", journal, "--format", "json"))).toMatchObject({
      runs: [{ runId, work: "sweep", mode: "quarantine", state: "purged", journal: path.join(journal, `${runId}.ndjson`) }],
      exitCode: 0,
    });
  });
});

describe("the state of a run", () => {
  const list = async (journal: string): Promise<string> => (await regcheck(["runs", "--journal-dir", journal])).stdout;

  test("that found nothing is no guess", async () => {
    const directory = written(garbageRegistry(1));
    const journal = temporaryDirectory();
    await regcheck(sweepEverything(directory, temporaryDirectory()));
    expect(await regcheck(sweepEverything(directory, journal, "--quarantine"))).toMatchObject({ exitCode: 0 });
    const { stdout } = await regcheck(["runs", directory, "--journal-dir", journal]);
    expect(stdout).toMatch(/ took nothing$/m);
  });

  test.each(["sweep", "untag"])("that was to take something and has taken nothing is no guess: %s", async (work) => {
    const directory = written(garbageRegistry(1));
    const journal = temporaryDirectory();
    const untag = ["untag", "library/base:1", "--storage", directory, "--registry-stopped", "--journal-dir", journal];
    await regcheck(work === "sweep" ? sweepEverything(directory, journal, "--quarantine") : untag);
    const [runId = ""] = listRuns(journal);
    // As where all that it came to could not be removed.
    const file = path.join(journal, `${runId}.ndjson`);
    const lines = fs.readFileSync(file, "utf8").split("\n");
    const end = JSON.parse(lines.at(-2) ?? "") as { deleted: Record<string, number> };
    for (const what of Object.keys(end.deleted)) end.deleted[what] = 0;
    fs.writeFileSync(file, `${[...lines.slice(0, -2), JSON.stringify(end)].join("\n")}\n`);
    fs.rmSync(path.join(directory, "regcheck/quarantine"), { recursive: true, force: true });
    expect((await regcheck(["runs", directory, "--journal-dir", journal])).stdout).toMatch(/ took nothing$/m);
  });

  test("that has nothing in its quarantine is not said to have, on another host", async () => {
    const directory = written(garbageRegistry(1));
    const journal = temporaryDirectory();
    await regcheck(sweepEverything(directory, journal, "--quarantine"));
    const [runId = ""] = listRuns(journal);
    fs.rmSync(path.join(directory, "regcheck/quarantine", runId, "docker"), { recursive: true });
    for (const known of [journal, temporaryDirectory()])
      expect((await regcheck(["runs", directory, "--journal-dir", known])).stdout).toMatch(/ its quarantine is empty: /);
  });

  test("without a quarantine is for good only where nothing brings it back", async () => {
    const directory = written(garbageRegistry(1));
    const journal = temporaryDirectory();
    const tag = ["library/base:1", "--storage", directory, "--registry-stopped", "--journal-dir", journal];
    expect(await regcheck(["untag", ...tag])).toMatchObject({ exitCode: 0 });
    expect(await list(journal)).toMatch(/ untagged, kept in the journal /);
    const [runId = ""] = listRuns(journal);
    expect(await regcheck(["purge", runId, "--journal-dir", journal])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("by which restore writes them again") as unknown,
    });
    const other = temporaryDirectory();
    await regcheck(sweepEverything(directory, other));
    expect(await list(other)).toMatch(/ swept for good /);
  });

  test("in a bucket that keeps versions is kept there, with a quarantine or without", async () => {
    const server = await startedServer({ buckets: [{ name: "b", versioned: true }] });
    store(server, garbageRegistry(1));
    const journal = temporaryDirectory();
    const at = ["--endpoint", server.endpoint];
    expect(await regcheck(sweepEverything("s3://b", journal, ...at), KEYS)).toMatchObject({ exitCode: 0 });
    expect(await list(journal)).toMatch(/ swept, kept as older versions /);
    const [runId = ""] = listRuns(journal);
    expect(await regcheck(["purge", runId, "--journal-dir", journal, ...at], KEYS)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("is in the older versions that its bucket keeps") as unknown,
    });
  });
});

describe("a lock", () => {
  /** What the numbers of processes here are numbers of. */
  const namespace = {
    bootId: fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    pidNamespace: fs.readlinkSync("/proc/self/ns/pid"),
  };
  const locked = (pid: number, host = os.hostname(), seen: object = namespace) => {
    const directory = written(garbageRegistry(1));
    fs.mkdirSync(path.join(directory, "regcheck"));
    const owner = { host, pid, ...seen, startedAt: "2026-01-31T03:00:00.000Z", command: "sweep" };
    fs.writeFileSync(path.join(directory, "regcheck/lock"), JSON.stringify(owner));
    return directory;
  };

  test("of a process that is gone is known on its host; unlock removes it where nobody writes", async () => {
    const directory = locked(NO_PROCESS);
    expect(await regcheck(sweepEverything(directory, temporaryDirectory()))).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/not running any more on this host: regcheck unlock /) as unknown,
    });
    const unlock = (...args: string[]) => regcheck(["unlock", directory, ...args]);
    expect(await unlock()).toMatchObject({ exitCode: 4, stderr: expect.stringContaining("no-writers") as unknown });
    const dry = await unlock("--registry-stopped", "--dry-run", "--format", "json");
    expect(JSON.parse(dry.stdout)).toMatchObject({ dryRun: true, lock: { pid: NO_PROCESS, process: "gone" }, exitCode: 0 });
    expect(fs.existsSync(path.join(directory, "regcheck/lock"))).toBe(true);
    expect(await unlock("--registry-stopped", "--quiet")).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect(fs.existsSync(path.join(directory, "regcheck/lock"))).toBe(false);
    expect((await unlock("--registry-stopped")).stdout).toMatch(/ has no lock\n$/);
  });

  test("of a process that runs on this host stays; of another host it is not known", async () => {
    const here = await regcheck(["unlock", locked(process.pid), "--registry-stopped"]);
    expect(here).toMatchObject({ exitCode: 4, stderr: expect.stringContaining("which is running") as unknown });
    const there = await regcheck(["unlock", locked(NO_PROCESS, "elsewhere"), "--registry-stopped"]);
    expect(there).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("a run of sweep on elsewhere") as unknown });
    // Its number is one of another process here.
    const elsewhere = locked(process.pid, os.hostname(), { ...namespace, pidNamespace: "pid:[1]" });
    expect(await regcheck(["unlock", elsewhere, "--registry-stopped"])).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test.each([
    ["of another container with the same name", { ...namespace, pidNamespace: "pid:[1]" }],
    ["of an earlier start of the host", { ...namespace, bootId: "00000000-0000-4000-8000-000000000000" }],
    ["that an older version has written, or a system that does not tell", {}],
    ["that says half of it", { bootId: namespace.bootId }],
  ])("%s is of no process that is known to be gone: who asks is told where to look", async (_, seen) => {
    const directory = locked(NO_PROCESS, os.hostname(), seen);
    const refused = await regcheck(sweepEverything(directory, temporaryDirectory()));
    expect(refused).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(
        /another regcheck is at work .*look for it in every container .*If it is not running any more, regcheck unlock /,
      ) as unknown,
    });
    const dry = await regcheck(["unlock", directory, "--registry-stopped", "--dry-run", "--format", "json"]);
    expect(JSON.parse(dry.stdout)).toMatchObject({ lock: { pid: NO_PROCESS, process: "unknown" }, exitCode: 0 });
  });

  test("of the first process of another container, which has the number of this one, is not known to be gone", async () => {
    const directory = locked(0, os.hostname(), { ...namespace, pidNamespace: "pid:[1]" });
    const lock = path.join(directory, "regcheck/lock");
    // Its number becomes that of the program itself.
    const own = `import fs from "node:fs"; fs.writeFileSync(${JSON.stringify(lock)}, fs.readFileSync(${JSON.stringify(lock)}, "utf8").replace('"pid":0', '"pid":' + process.pid));`;
    const options = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(own)}` };
    const { stdout } = await regcheck(["unlock", directory, "--registry-stopped", "--dry-run", "--format", "json"], options);
    expect(JSON.parse(stdout)).toMatchObject({ lock: { process: "unknown" } });
  });

  test("leaves no version of itself in a bucket that keeps them", async () => {
    const server = await startedServer({ buckets: [{ name: "b", versioned: true }] });
    store(server, garbageRegistry(1));
    const sweeping = sweepEverything("s3://b", temporaryDirectory(), "--quarantine", "--endpoint", server.endpoint);
    expect(await regcheck(sweeping, KEYS)).toMatchObject({ exitCode: 0 });
    expect(await changesOf(server).hiding(["regcheck/lock"])).toEqual([{ markers: [], written: undefined }]);
  });
});

test("a dry run is refused where the run would be, and shows all the same what that would do", async () => {
  const [directory, journal] = [written(garbageRegistry(1)), temporaryDirectory()];
  await regcheck(sweepEverything(directory, journal, "--quarantine"));
  fs.writeFileSync(path.join(directory, "regcheck/lock"), "");
  const dry = await regcheck(["restore", listRuns(journal)[0] ?? "", "--journal-dir", journal, "--dry-run"]);
  expect(dry).toMatchObject({ exitCode: 4, stdout: expect.stringMatching(/^\d\d objects would be restored/) as unknown });
  expect(dry.stdout).toContain("The restore would be refused by one-at-a-time, with the exit code 4.\n");
});
