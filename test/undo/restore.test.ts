import fs from "node:fs";
import path from "node:path";
import { describe, expect, test, vi } from "vitest";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { Journal } from "#regcheck/journal/journal.js";
import { readLines, readLinesBackwards } from "#regcheck/journal/lines.js";
import { withJournalCopy } from "#regcheck/journal/journal-copy.js";
import { listRuns, readRun } from "#regcheck/journal/read-run.js";
import type { JournaledRun } from "#regcheck/journal/read-run.js";
import { restoreObjects } from "#regcheck/undo/restore.js";
import { blobFile, RegistryBuilder, sha256 } from "../support/builder.js";
import { RegistryTree } from "../support/registry-tree.js";
import { startedServer, store } from "../support/s3-bucket.js";
import type { Effect, S3Server } from "../support/s3-server/index.js";
import { contentOf, garbageRegistry, leftIn, sweepDirectory, sweepOptions } from "../support/sweeping.js";
import { changesOf, sweepBucket, treeOf } from "../support/sweeping-s3.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const versioned = () => startedServer({ buckets: [{ name: "b", versioned: true }] });
const onDisk = (directory: string) => new FilesystemChanges(fs.realpathSync(directory));

/** Sweeps the bucket. Returns the run. */
async function swept(server: S3Server, journal = temporaryDirectory(), quarantine = true) {
  expect(await sweepBucket(server, sweepOptions(journal, { quarantine }))).toMatchObject({ exitCode: 0 });
  return readRun(journal, listRuns(journal).at(-1) ?? "");
}

describe("in a bucket that keeps versions", () => {
  test.each<[string, Effect]>([
    ["lost", { kind: "reset", applied: true }],
    ["an error", { kind: "error-in-200", code: "InternalError" }],
  ])("objects are back although the answer to their delete was %s, and it was sent again", async (_, effect) => {
    const before = garbageRegistry(1);
    const server = await versioned();
    store(server, before);
    const fault = server.inject({ operation: "DeleteObjects", times: 1, effect });
    const run = await swept(server);
    expect(fault.hits()).toBe(1);
    const removed = [...run.removals()].length;
    expect(await restoreObjects(run, changesOf(server))).toEqual({ restored: removed, present: 0, warnings: [], problems: [] });
    expect(contentOf(treeOf(server))).toEqual(contentOf(before));
    expect(await restoreObjects(run, changesOf(server))).toEqual({ restored: 0, present: removed, warnings: [], problems: [] });
  });

  test("what a later run has hidden again is not said to be restored", async () => {
    const before = garbageRegistry(1);
    const server = await versioned();
    store(server, before);
    const journal = temporaryDirectory();
    const older = await swept(server, journal);
    store(server, before);
    const newer = await swept(server, journal);
    const swallowed = treeOf(server).files.size;
    const { restored, present, problems } = await restoreObjects(older, changesOf(server));
    expect({ restored, present }).toEqual({ restored: 0, present: 0 });
    expect(new Set(problems.map(({ cause }) => cause.replace(/names .*/, "")))).toEqual(
      new Set([expect.stringContaining("removed again after this run") as unknown, "not put back: it "]),
    );
    expect(treeOf(server).files.size).toBe(swallowed);
    expect((await restoreObjects(newer, changesOf(server))).problems).toEqual([]);
    expect(contentOf(treeOf(server))).toEqual(contentOf(before));
    expect(await restoreObjects(older, changesOf(server))).toMatchObject({ restored: 0, problems: [] });
  });

  test("what was deleted again after it was restored stays deleted", async () => {
    const before = garbageRegistry(1);
    const server = await versioned();
    store(server, before);
    const run = await swept(server);
    await restoreObjects(run, changesOf(server));
    const [blob] = [...run.removals()].filter(({ kind }) => kind === "blob").map((removal) => removal.path);
    await changesOf(server).remove([blob ?? ""]);
    const { restored, problems } = await restoreObjects(run, changesOf(server));
    expect(restored).toBe(0);
    expect(problems[0]).toMatchObject({ path: blob });
    expect(treeOf(server).files.has(blob ?? "")).toBe(false);
  });

  test("a sweep without a quarantine is undone too, whether or not its answers came", async () => {
    const before = garbageRegistry(1);
    const server = await versioned();
    store(server, before);
    const journal = temporaryDirectory();
    const fault = server.inject({
      operation: "DeleteObjects",
      skip: 1,
      times: Infinity,
      effect: { kind: "short-body", framing: "clean" },
    });
    await sweepBucket(server, sweepOptions(journal));
    expect(treeOf(server).files.size).toBeLessThan(before.files.size);
    fault.remove();
    const run = readRun(journal, listRuns(journal)[0] ?? "");
    expect((await restoreObjects(run, changesOf(server))).problems).toEqual([]);
    expect(contentOf(treeOf(server))).toEqual(contentOf(before));
  });
});

describe("what somebody has written since", () => {
  test("is there already when it is the same: nothing is left in the quarantine", async () => {
    const before = garbageRegistry(1);
    const directory = written(before);
    const journal = temporaryDirectory();
    const { result } = await sweepDirectory(directory, sweepOptions(journal, { quarantine: true }));
    before.writeTo(directory);
    const run = readRun(journal, result.runId);
    const removed = [...run.removals()].length;
    expect(await restoreObjects(run, onDisk(directory))).toEqual({ restored: 0, present: removed, warnings: [], problems: [] });
    expect(leftIn(directory)).toEqual([]);
  });

  test("stays when it is a tag that names something else", async () => {
    const before = garbageRegistry(1);
    const directory = written(before);
    const journal = temporaryDirectory();
    const { result } = await sweepDirectory(directory, sweepOptions(journal, { quarantine: true }));
    const run = readRun(journal, result.runId);
    const tag = [...run.removals()].find(({ path: object }) => object.endsWith("dangling/current/link"))?.path ?? "";
    const anew = `sha256:${"1".repeat(64)}`;
    fs.mkdirSync(path.dirname(path.join(directory, tag)), { recursive: true });
    fs.writeFileSync(path.join(directory, tag), anew);
    const named = fs.readFileSync(path.join(directory, "regcheck/quarantine", result.runId, tag), "utf8");
    expect(await restoreObjects(run, onDisk(directory))).toMatchObject({
      present: 1,
      problems: [],
      warnings: [
        { path: tag, cause: `somebody has written it since, and it stays so; when this run removed it: it named ${named}` },
      ],
    });
    expect(fs.readFileSync(path.join(directory, tag), "utf8")).toBe(anew);
    expect(leftIn(directory), "nothing is left in the quarantine").toEqual([]);
    expect(await restoreObjects(run, onDisk(directory))).toMatchObject({ restored: 0, problems: [], warnings: [] });
  });

  test("stays on S3 when it is a tag that is pushed while the restore runs", async () => {
    const before = garbageRegistry(1);
    const server = await startedServer();
    store(server, before);
    const run = await swept(server);
    const tag = [...run.removals()].find(({ path: object }) => object.endsWith("dangling/current/link"))?.path ?? "";
    const anew = `sha256:${"1".repeat(64)}`;
    const fault = server.inject({ operation: "PutObject", key: tag, effect: { kind: "stall", ms: 100 } });
    const [restored] = await Promise.all([
      restoreObjects(run, changesOf(server)),
      vi.waitFor(() => expect(fault.hits()).toBe(1), { interval: 5, timeout: 30_000 }).then(() => server.put("b", tag, anew)),
    ]);
    expect(restored).toMatchObject({
      present: 1,
      problems: [],
      warnings: [{ path: tag, cause: expect.stringContaining("somebody has written it since") as unknown }],
    });
    expect(treeOf(server).files.get(tag)?.content.toString()).toBe(anew);
    expect([...treeOf(server).files.keys()].filter((file) => file.startsWith("regcheck/"))).toEqual([]);
  });

  test("is no link: it stays, and so does what is in the quarantine, with its journal", async () => {
    const before = garbageRegistry(1);
    const directory = written(before);
    const journal = temporaryDirectory();
    const options = sweepOptions(journal, { quarantine: true });
    const { result } = await sweepDirectory(directory, options);
    const run = readRun(journal, result.runId);
    const upload =
      [...run.removals()].find(({ path: object }) => object.endsWith("/data") && object.includes("_uploads"))?.path ?? "";
    fs.mkdirSync(path.dirname(path.join(directory, upload)), { recursive: true });
    fs.writeFileSync(path.join(directory, upload), "anew");
    const { problems } = await restoreObjects(run, onDisk(directory));
    expect(problems).toEqual([{ path: upload, cause: `there is something else at ${upload} already` }]);
    expect(fs.readFileSync(path.join(directory, upload), "utf8")).toBe("anew");
    const kept = path.join(directory, "regcheck/quarantine", result.runId);
    expect([fs.existsSync(path.join(kept, upload)), fs.existsSync(path.join(kept, "journal"))]).toEqual([true, true]);
  });

  test("is a link whose target is gone: nothing is left of it in the quarantine", async () => {
    const registry = new RegistryBuilder();
    registry.repository("team/other").image({ layers: ["shared"], tag: "kept" });
    const app = registry.repository("team/app");
    app.image({ layers: ["kept"], tag: "kept" });
    const shared = app.push("shared");
    app.image({ layers: [shared] });
    const directory = written(registry.tree);
    const journal = temporaryDirectory();
    const { result } = await sweepDirectory(directory, sweepOptions(journal, { quarantine: true }));
    const run = readRun(journal, result.runId);
    const link = `docker/registry/v2/repositories/team/app/_layers/${shared.digest.replace(":", "/")}/link`;
    expect([...run.removals()].map((removal) => removal.path)).toContain(link);
    fs.rmSync(path.join(directory, `docker/registry/v2/blobs/${shared.digest.replace(/:(..)/, "/$1/$1")}/data`));
    fs.mkdirSync(path.dirname(path.join(directory, link)), { recursive: true });
    fs.writeFileSync(path.join(directory, link), shared.digest);
    expect(await restoreObjects(run, onDisk(directory))).toMatchObject({
      present: 1,
      problems: [],
      warnings: [{ cause: expect.stringMatching(/^it is back, but it needs .*data, which is not there/) as unknown }],
    });
    expect(leftIn(directory)).toEqual([]);
  });
});

test("an older run's image is told to lack what a later run has taken: that one has to come back as well, before it is purged", async () => {
  const registry = new RegistryBuilder();
  registry.repository("library/alpine").image({ layers: ["alpine"], config: "alpine", tag: "3.20" });
  const app = registry.repository("team/app");
  const [first, second] = ["m1", "m2"].map((tag) => app.image({ layers: ["base", tag], config: tag, tag }));
  const directory = written(registry.tree);
  const journal = temporaryDirectory();
  const sweep = async (tag: string): Promise<JournaledRun> => {
    fs.rmSync(path.join(directory, app.path, "_manifests/tags", tag), { recursive: true });
    const { result } = await sweepDirectory(directory, sweepOptions(journal, { quarantine: true }));
    return readRun(journal, result.runId);
  };
  const [older, newer] = [await sweep("m1"), await sweep("m2")];
  const restored = await restoreObjects(older, onDisk(directory));
  expect(restored).toMatchObject({
    problems: [],
    warnings: [
      {
        path: expect.stringContaining(first?.digest.slice(7) ?? "") as unknown,
        cause: expect.stringContaining(`${blobFile(sha256("base"))}, which is not there: if a later run`) as unknown,
      },
    ],
  });
  expect(await restoreObjects(newer, onDisk(directory))).toMatchObject({ problems: [], warnings: [] });
  expect(contentOf(RegistryTree.readFrom(directory)).has(blobFile(second?.digest ?? ""))).toBe(true);
});

describe("a journal that was cut, as by a copy that was made during the run", () => {
  test.each<[string, boolean]>([
    ["a quarantine", false],
    ["a bucket that keeps versions", true],
  ])("does not pass for the whole run, and takes the whole one nowhere: with %s", async (_, versions) => {
    const before = garbageRegistry(1);
    const server = await (versions ? versioned() : startedServer());
    store(server, before);
    const journal = temporaryDirectory();
    const { head } = await swept(server, journal);
    const file = path.join(journal, `${head.runId}.ndjson`);
    const whole = fs.readFileSync(file, "utf8");
    fs.writeFileSync(file, `${whole.split("\n").slice(0, 3).join("\n")}\n`);
    const { problems } = await restoreObjects(readRun(journal, head.runId), changesOf(server));
    expect(problems.map(({ cause }) => cause).join()).toMatch(/of this run are not in the journal that was read/);
    const rest = await withJournalCopy(
      head.runId,
      changesOf(server),
      (copied) => restoreObjects(readRun(copied, head.runId), changesOf(server)),
      new AbortController().signal,
    );
    expect(rest?.result.problems).toEqual([]);
    expect(contentOf(treeOf(server))).toEqual(contentOf(before));
    expect([...server.objects("b").keys()].filter((key) => key.startsWith("regcheck/"))).toEqual([]);
  });
});

describe("no link comes back before what it names", () => {
  test("when another run has deleted that for good", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    app.image({ layers: ["kept"], tag: "kept" });
    const layer = app.push("a layer");
    const image = app.image({ layers: [layer] });
    const index = app.index([image]);
    const directory = written(registry.tree);
    const journal = temporaryDirectory();
    const { result } = await sweepDirectory(directory, sweepOptions(journal, { quarantine: true }));
    const run = readRun(journal, result.runId);
    const at = (digest: string): string => `docker/registry/v2/blobs/${digest.replace(/:(..)/, "/$1/$1")}/data`;
    fs.rmSync(path.join(directory, "regcheck/quarantine", result.runId, at(layer.digest)));
    const { problems } = await restoreObjects(run, onDisk(directory));
    expect(new Set(problems.map((problem) => problem.path))).toEqual(
      new Set([
        at(layer.digest),
        ...[layer, image, index].map(({ digest }) => {
          const own = digest === layer.digest ? "_layers" : "_manifests/revisions";
          return `docker/registry/v2/repositories/team/app/${own}/${digest.replace(":", "/")}/link`;
        }),
      ]),
    );
    expect(problems.at(-1)?.cause).toMatch(/^not put back: it names .*, which is gone$/);
  });
});

describe("the journal", () => {
  test("is read by lines, from either end, however they fall on the blocks", () => {
    const file = path.join(temporaryDirectory(), "lines");
    const lines = Array.from({ length: 5000 }, (_, i) => `${i} ${"é€".repeat(i % 97)}`);
    for (const end of ["", "\n"]) {
      fs.writeFileSync(file, lines.join("\n") + end);
      expect([...readLines(file)]).toEqual(lines);
      expect([...readLinesBackwards(file)]).toEqual(lines.toReversed());
    }
    fs.writeFileSync(file, "");
    expect([[...readLines(file)], [...readLinesBackwards(file)]]).toEqual([[], []]);
  });

  test("may end in a line that a full disk has cut, with the run's end behind it; damage elsewhere is refused", async () => {
    const before = garbageRegistry(1);
    const directory = written(before);
    const journal = temporaryDirectory();
    const { result } = await sweepDirectory(directory, sweepOptions(journal, { quarantine: true }));
    const whole = fs.readFileSync(result.journal, "utf8");
    const lines = whole.trimEnd().split("\n");
    const half = lines[1]?.slice(0, 40) ?? "";
    fs.writeFileSync(result.journal, [lines[0], half, ...lines.slice(2)].join("\n"));
    expect(() => readRun(journal, result.runId)).toThrow(/ndjson:2: the journal is damaged here/);
    fs.writeFileSync(result.journal, `${lines.slice(0, -1).join("\n")}\n${half}${lines.at(-1) ?? ""}\n`);
    expect((await restoreObjects(readRun(journal, result.runId), onDisk(directory))).problems).toEqual([]);
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(before));
  });

  test("says nothing more after a write that failed", () => {
    const head = {
      runId: "20260131T030000000Z-1a2b3c",
      storage: { driver: "filesystem", location: "/" },
      mode: "delete",
      work: "sweep",
    } as const;
    const journal = new Journal(temporaryDirectory(), head);
    const before = fs.readFileSync(journal.file, "utf8");
    const circular: { self?: unknown } = {};
    circular.self = circular;
    expect(() => journal.became([circular])).toThrow("cannot be written any more");
    expect(() => journal.became([{ path: "later", status: "untouched" }])).toThrow("cannot be written any more");
    journal.end({}, undefined);
    expect(fs.readFileSync(journal.file, "utf8")).toBe(before);
  });
});

describe("a quarantine that nothing can be moved to refuses the sweep before it begins", () => {
  test.each<[string, (directory: string) => void]>([
    ["no directory", (directory) => fs.writeFileSync(path.join(directory, "regcheck/quarantine"), "")],
    ["a symbolic link", (directory) => fs.symlinkSync(temporaryDirectory(), path.join(directory, "regcheck/quarantine"))],
  ])("%s", async (what, make) => {
    const before = garbageRegistry(1);
    const directory = written(before);
    fs.mkdirSync(path.join(directory, "regcheck"));
    make(directory);
    const journal = temporaryDirectory();
    await expect(sweepDirectory(directory, sweepOptions(journal, { quarantine: true }))).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(new RegExp(`/regcheck/quarantine is ${what}`)) as unknown,
    });
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(before));
    expect(fs.readdirSync(journal)).toEqual([]);
  });
});
