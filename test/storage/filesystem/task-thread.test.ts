import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { hexToWords } from "#regcheck/registry/digest.js";
import { TaskThread } from "#regcheck/storage/filesystem/task-thread.js";
import type { Task } from "#regcheck/storage/filesystem/tasks.js";
import { RegistryBuilder } from "../../support/builder.js";
import { callsTake } from "../../support/calls-take.js";
import { FIXTURE } from "../../support/run.js";
import { temporaryDirectory, written } from "../../support/temporary.js";

const REPOSITORIES = "docker/registry/v2/repositories";
const BLOBS = "docker/registry/v2/blobs/sha256";

/** Tasks that read all of a registry's storage. */
function tasksOf(root: string): Task[] {
  const prefixes = fs.readdirSync(path.join(root, BLOBS));
  const hexes = prefixes.flatMap((prefix) => fs.readdirSync(path.join(root, BLOBS, prefix))).filter((hex) => hex.length === 64);
  const names = fs
    .readdirSync(path.join(root, REPOSITORIES), { recursive: true, encoding: "utf8" })
    .filter((name) => !/(^|\/)_/.test(name) && fs.statSync(path.join(root, REPOSITORIES, name)).isDirectory());
  return [
    { kind: "blobs", algorithm: "sha256", prefixes, leaves: "some" },
    { kind: "repositories", names: ["", ...names], leaves: "all" },
    { kind: "manifests", algorithm: "sha256", digests: hexToWords("sha256", hexes) },
    { kind: "contents", paths: names.map((name) => `${REPOSITORIES}/${name}/_layers/sha256/${hexes[0] ?? ""}/link`) },
    { kind: "modified", paths: [...hexes.map((hex) => `${BLOBS}/${hex.slice(0, 2)}/${hex}/data`), "nothing"] },
    ...names.map((name): Task => ({
      kind: "links",
      name,
      work: { kind: "links", section: "layers", algorithm: "sha256", names: hexes.slice(0, 5) },
      leaves: "some",
    })),
  ];
}

const ignore = (): void => {};

/** A registry with something of all that the layout has. */
function registry(): string {
  const builder = new RegistryBuilder();
  for (let i = 0; i < 12; i++) {
    const repository = builder.repository(`team/app-${i}`);
    for (let tag = 0; tag < 10; tag++) repository.image({ layers: [`layer ${i} ${tag}`], tag: `v${tag}` });
    repository.image({ layers: ["another layer"], tag: "v0" });
  }
  return written(builder.tree);
}

describe("where calls wait, and many are made at a time", () => {
  test.each([
    ["a damaged registry", () => FIXTURE],
    ["a sound one", registry],
  ])("tasks come to the same: %s", async (_, make) => {
    const root = make();
    const atOnce = new TaskThread({ root, lanes: 1, isNetwork: false, isMain: false });
    const ahead = new TaskThread({ root, lanes: 8, isNetwork: true, isMain: true });
    for (const task of tasksOf(root))
      expect(await ahead.run(task, ignore)).toEqual({ ...(await atOnce.run(task, ignore)), waiting: "storage" });
  });

  test("nothing is left for a call that stops the thread", async () => {
    const root = registry();
    const tasks = tasksOf(root);
    const thread = new TaskThread({ root, lanes: 8, isNetwork: true, isMain: true });
    const calls = (["openSync", "closeSync", "lstatSync", "readdirSync"] as const).map((name) => vi.spyOn(fs, name));
    onTestFinished(() => void vi.restoreAllMocks());
    for (const task of tasks) await thread.run(task, ignore);
    expect(calls.map((call) => call.mock.calls)).toEqual([[], [], [], []]);
  });

  test("no more calls are under way than were asked for", async () => {
    const root = registry();
    const tasks = tasksOf(root);
    let underWay = 0;
    let most = 0;
    const { lstat } = fs;
    onTestFinished(() => void vi.restoreAllMocks());
    vi.spyOn(fs, "lstat").mockImplementation(((file: string, done: (error: Error | null, stats: fs.Stats) => void) => {
      most = Math.max(most, ++underWay);
      lstat(file, (error, stats) => {
        underWay--;
        done(error, stats);
      });
    }) as typeof fs.lstat);
    const thread = new TaskThread({ root, lanes: 5, isNetwork: true, isMain: true });
    await Promise.all(tasks.map(async (task) => thread.run(task, ignore)));
    expect(most).toBe(5);
  });
});

test("a task whose calls wait is begun anew, and counted once", async () => {
  const root = registry();
  const [task = { kind: "contents", paths: [] }] = tasksOf(root);
  const expected = await new TaskThread({ root, lanes: 1, isNetwork: false, isMain: false }).run(task, ignore);
  callsTake({ milliseconds: 50, busy: 1 });
  expect(await new TaskThread({ root, lanes: 8, isNetwork: false, isMain: false }).run(task, ignore)).toEqual({
    ...expected,
    waiting: "storage",
  });
});

test("a task is not tried at once while as many calls are under way as were asked for", async () => {
  const root = registry();
  const task: Task = { kind: "modified", paths: Array.from({ length: 50 }, (_, i) => `nothing-${i}`) };
  callsTake({ milliseconds: 50, busy: 1 });
  const thread = new TaskThread({ root, lanes: 2, isNetwork: false, isMain: false });
  const waiting = thread.run(task, ignore);
  const calls = vi.mocked(fs.lstatSync).mock.calls.length;
  expect(calls).toBeGreaterThan(0);
  await Promise.all([waiting, thread.run(task, ignore)]);
  expect(vi.mocked(fs.lstatSync).mock.calls).toHaveLength(calls);
  await thread.run(task, ignore);
  expect(vi.mocked(fs.lstatSync).mock.calls.length).toBeGreaterThan(calls);
});

test.each([
  ["a task whose calls wait briefly goes on, and says so", { milliseconds: 0.2, busy: 0.1 }, "briefly"],
  ["a task that keeps a processor busy does not wait", { milliseconds: 0.2, busy: 0.19 }, "none"],
  ["a task whose calls are answered from memory does not wait", { milliseconds: 0.01, busy: 0.005 }, "none"],
])("%s", async (_, each, waiting) => {
  const root = registry();
  const task: Task = { kind: "modified", paths: Array.from({ length: 500 }, (__, i) => `nothing-${i}`) };
  const expected = await new TaskThread({ root, lanes: 1, isNetwork: false, isMain: false }).run(task, ignore);
  callsTake(each);
  expect(await new TaskThread({ root, lanes: 8, isNetwork: false, isMain: false }).run(task, ignore)).toEqual({
    ...expected,
    waiting,
  });
});

test("what is not there and what cannot be read is told apart", async () => {
  const root = temporaryDirectory();
  fs.mkdirSync(path.join(root, "directory"));
  const task: Task = { kind: "modified", paths: ["directory", "nothing", "directory/\0"] };
  const atOnce = new TaskThread({ root, lanes: 1, isNetwork: false, isMain: false });
  expect(await atOnce.run({ ...task, paths: ["directory", "nothing"] }, ignore)).toEqual(
    expect.objectContaining({ result: [expect.any(Number), expect.objectContaining({ gone: true })] }),
  );
});
