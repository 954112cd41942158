import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { OperatorError } from "#regcheck/errors.js";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { WorkerPool } from "#regcheck/storage/filesystem/pool.js";
import { temporaryDirectory } from "../../support/temporary.js";

const COUNT = 300;
const THREADS = 3;

/** Where the number `i` of the objects lies: many share a directory, and parts of a batch that follow one another share it. */
const fileOf = (i: number): string => `docker/${String(i % 7)}/${String(i)}/data`;
const all = (): string[] => Array.from({ length: COUNT }, (_, i) => fileOf(i));
const directories = (): string[] => all().map((file) => path.posix.dirname(file));

/** A storage with `COUNT` objects, what changes it in threads, and the number of threads that have started. */
function shared() {
  const root = fs.realpathSync(temporaryDirectory());
  const at = (file: string): string => path.join(root, file);
  const write = (file: string, content = file): void => {
    fs.mkdirSync(path.dirname(at(file)), { recursive: true });
    fs.writeFileSync(at(file), content);
  };
  for (const file of all()) write(file);
  const pool = new WorkerPool(root, {
    readers: THREADS,
    readersWhereWaiting: THREADS,
    lanes: 1,
    changers: THREADS,
    verifiers: THREADS,
    isNetwork: false,
  });
  onTestFinished(() => pool.close());
  let started = 0;
  const count = (): void => void started++;
  process.on("worker", count);
  onTestFinished(() => void process.off("worker", count));
  const list = (): string[] => fs.readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  return { changes: new FilesystemChanges(root, pool), root, at, write, list, started: () => started };
}

/** What makes objects special, by their number: the first of all, the last, and some at the seams between parts. */
const GONE = [0, 99, 100, 250];
const IN_THE_WAY = [50, 199, 299];

describe("a large batch in any order", () => {
  test("is removed by as many threads as there may be, outcomes in the order asked for, whatever fails among them", async () => {
    const { changes, at, list, started } = shared();
    for (const i of GONE) fs.rmSync(at(fileOf(i)));
    for (const i of IN_THE_WAY) fs.rmSync(at(fileOf(i)));
    for (const i of IN_THE_WAY) fs.mkdirSync(at(fileOf(i)));
    const outcomes = await changes.remove(all(), "any order");
    expect(outcomes.map(({ path: file }) => file)).toEqual(all());
    const numbers = (status: string) => outcomes.flatMap((outcome, i) => (outcome.status === status ? [i] : []));
    expect({ absent: numbers("absent"), failed: numbers("failed") }).toEqual({ absent: GONE, failed: IN_THE_WAY });
    for (const i of IN_THE_WAY)
      expect(outcomes[i]?.cause).toMatch(/^(?:illegal operation on a directory|operation not permitted)$/);
    expect(list().filter((file) => file.endsWith("/data"))).toEqual(IN_THE_WAY.map(fileOf).sort());
    expect(changes.requests).toEqual({ list: 0, get: 0, head: 0, put: 0, delete: COUNT });
    expect(started()).toBe(THREADS);
  });

  test("goes with its directories; those that hold anything else, or what could not be removed, stay", async () => {
    const { changes, at, write, list, started } = shared();
    for (const i of GONE) fs.rmSync(at(fileOf(i)));
    for (const i of IN_THE_WAY) write(`${path.dirname(fileOf(i))}/other`);
    fs.rmSync(at(fileOf(7)));
    fs.mkdirSync(at(fileOf(7)));
    const { outcomes, left } = await changes.removeWithDirectories(all());
    expect(outcomes.map(({ path: file }) => file)).toEqual(all());
    const numbers = (status: string) => outcomes.flatMap((outcome, i) => (outcome.status === status ? [i] : []));
    expect({ absent: numbers("absent"), failed: numbers("failed") }).toEqual({ absent: GONE, failed: [7] });
    expect([...left].sort()).toEqual(IN_THE_WAY.map((i) => path.posix.dirname(fileOf(i))).sort());
    expect(list().filter((file) => /^docker\/\d\/\d+$/.test(file))).toEqual(
      [...IN_THE_WAY, 7].map((i) => path.dirname(fileOf(i))).sort(),
    );
    expect(started()).toBe(THREADS);
  });

  test("follows no symbolic link and no `..`, and says why as one in order does", async () => {
    const { changes, root, at, write } = shared();
    write("elsewhere/data");
    fs.symlinkSync(at("elsewhere"), at("docker/link"));
    const batch = [...all(), "docker/link/data", "docker/../elsewhere/data"];
    const outcomes = await changes.remove(batch, "any order");
    expect(outcomes.slice(0, COUNT).every(({ status }) => status === "done")).toBe(true);
    expect(outcomes.slice(COUNT)).toEqual(await new FilesystemChanges(root).remove(batch.slice(COUNT)));
    expect(outcomes.slice(COUNT).map(({ status }) => status)).toEqual(["failed", "failed"]);
    expect(fs.readdirSync(at("elsewhere"))).toEqual(["data"]);
  });

  test("is moved, to directories that the registry may write to, whichever thread needs them first", async () => {
    const { changes, root, at, list, started } = shared();
    fs.mkdirSync(at("away"));
    fs.chmodSync(at("away"), 0o2775);
    if (process.getuid?.() === 0) fs.chownSync(at("away"), 1234, 4321);
    for (const i of GONE) fs.rmSync(at(fileOf(i)));
    const mkdir = vi.spyOn(fs, "mkdirSync");
    const outcomes = await changes.move(
      all().map((from) => ({ from, to: `away/deep/down/${from}` })),
      "any order",
    );
    const needed = ["away/deep", "away/deep/down", "away/deep/down/docker"];
    const byMainThread = mkdir.mock.calls.map(([directory]) => path.relative(root, String(directory)));
    mkdir.mockRestore();
    // While one thread makes a directory, no other may make one below it: the model is not ready.
    expect(byMainThread.sort()).toEqual([...needed, ...[0, 1, 2, 3, 4, 5, 6].map((i) => `away/deep/down/docker/${i}`)]);
    expect(outcomes).toEqual(all().map((file, i) => ({ path: file, status: GONE.includes(i) ? "absent" : "done" })));
    expect(list().filter((file) => file.endsWith("/data"))).toHaveLength(COUNT - GONE.length);
    const { uid, gid } = fs.statSync(at("away"));
    for (const made of list().filter((file) => file.startsWith("away/") && !file.endsWith("/data"))) {
      const stat = fs.statSync(at(made));
      expect({ mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid }, made).toEqual({ mode: 0o2775, uid, gid });
    }
    expect(changes.requests).toMatchObject({ put: COUNT });
    expect(started()).toBe(THREADS);
  });

  test("is moved over nothing; what is there already is told", async () => {
    const { changes, at, write } = shared();
    write(`away/${fileOf(99)}`, fileOf(99));
    write(`away/${fileOf(100)}`, "something else");
    const outcomes = await changes.move(
      all().map((from) => ({ from, to: `away/${from}` })),
      "any order",
    );
    expect(outcomes[99]).toEqual({ path: fileOf(99), status: "done", found: "same" });
    expect(outcomes[100]).toMatchObject({ path: fileOf(100), status: "failed", found: "other" });
    expect(outcomes.filter(({ status }) => status !== "done")).toHaveLength(1);
    expect(fs.readFileSync(at(`away/${fileOf(100)}`), "utf8")).toBe("something else");
  });

  test("of what is not there, makes no directory", async () => {
    const { changes, list } = shared();
    const before = list();
    const outcomes = await changes.move(
      all().map((file) => ({ from: `none/${file}`, to: `away/${file}` })),
      "any order",
    );
    expect(outcomes.every(({ status }) => status === "absent")).toBe(true);
    expect(list()).toEqual(before);
  });

  test("of directories is pruned, those that hold a file stay", async () => {
    const { changes, at, write, list, started } = shared();
    for (const file of all()) fs.rmSync(at(file));
    for (const i of GONE) fs.rmdirSync(path.dirname(at(fileOf(i))));
    for (const i of IN_THE_WAY) write(`${fileOf(i)}/below/it`);
    fs.mkdirSync(at(`${fileOf(1)}/only/directories`), { recursive: true });
    await changes.pruneDirectories(directories(), "any order");
    expect(list().filter((file) => /^docker\/\d\/\d+$/.test(file))).toEqual(
      IN_THE_WAY.map((i) => path.dirname(fileOf(i))).sort(),
    );
    for (const i of IN_THE_WAY) expect(fs.existsSync(at(`${fileOf(i)}/below/it`))).toBe(true);
    expect(changes.requests.delete).toBeGreaterThanOrEqual(COUNT);
    expect(changes.requests.list).toBeGreaterThan(IN_THE_WAY.length);
    expect(started()).toBe(THREADS);
  });

  test("throws what it would throw without threads, as the same error, when all else is done", async () => {
    const { changes, root, at, write, list } = shared();
    for (const file of all()) fs.rmSync(at(file));
    write("elsewhere/data");
    fs.symlinkSync(at("elsewhere"), at("docker/link"));
    const refused = "docker/link/below";
    const batch = [...directories(), refused];
    const failureOf = (pruned: Promise<void>) => pruned.catch((error: unknown) => error instanceof OperatorError && error);
    const thrown = await failureOf(changes.pruneDirectories(batch, "any order").then(() => {}));
    expect(thrown).toMatchObject({ message: expect.stringContaining("is not followed: refused") as unknown, exitCode: 4 });
    const alone = await failureOf(new FilesystemChanges(root).pruneDirectories([refused]).then(() => {}));
    expect(alone).toMatchObject({ message: thrown && thrown.message, exitCode: 4 });
    expect(list().filter((file) => /^docker\/\d\/\d+$/.test(file))).toEqual([]);
  });
});

test("in order, or of few objects, a batch is for the main thread", async () => {
  const { changes, list, started } = shared();
  const few = all().slice(0, 8);
  expect((await changes.remove(few, "any order")).every(({ status }) => status === "done")).toBe(true);
  expect((await changes.remove(all().slice(8))).every(({ status }) => status === "done")).toBe(true);
  expect(list().filter((file) => file.endsWith("/data"))).toEqual([]);
  expect(started()).toBe(0);
});

test("what each thread changed last is put on the disk, and the directory above it where that is gone", async () => {
  const { changes, root } = shared();
  const synced: string[] = [];
  const open = fs.openSync;
  const spy = vi.spyOn(fs, "openSync").mockImplementation((file, ...rest) => {
    synced.push(path.relative(root, String(file)));
    return open(file, ...rest);
  });
  onTestFinished(() => spy.mockRestore());
  await changes.remove(all(), "any order");
  await changes.settle();
  const lastOfParts = [99, 199, 299].map((i) => path.dirname(fileOf(i)));
  expect(synced.splice(0)).toEqual(lastOfParts);
  await changes.remove(all(), "any order");
  await changes.pruneDirectories(directories(), "any order");
  await changes.settle();
  expect(synced).toEqual(lastOfParts.map((directory) => path.dirname(directory)));
});

test("what is no path is an outcome, and nobody's file goes for it", async () => {
  const { changes, write, list } = shared();
  write("docker/a", "");
  write("docker/b", "");
  const before = list();
  const odd = ["docker/a\0docker/b", ...Array.from({ length: 40 }, (_, i) => `docker/nothing/${String(i)}`)];
  expect((await changes.remove(odd, "any order")).map(({ path: file, status }) => [file, status])).toEqual(
    odd.map((file, i) => [file, i === 0 ? "failed" : "absent"]),
  );
  expect(list()).toEqual(before);
});
