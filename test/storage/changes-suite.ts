import { describe, expect, onTestFinished, test } from "vitest";
import { OperatorError } from "#regcheck/errors.js";
import type { StorageChanges, StoredObject } from "#regcheck/storage/changes.js";
import { RehearsedChanges } from "#regcheck/storage/rehearsed-changes.js";

/** A storage that holds some objects, and whose next calls can be made to fail. */
export interface ChangedStorage {
  readonly changes: StorageChanges;
  /** All objects with their content. */
  readonly objects: () => Readonly<Record<string, string>>;
  /** From now on, nothing below the directory can be listed or read. */
  readonly break: (directory: string) => void;
}

/** A backend under test. */
export type OpenChanges = (objects: Readonly<Record<string, string>>) => Promise<ChangedStorage>;

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (content: Uint8Array | undefined): string | undefined => content && Buffer.from(content).toString();

async function listed(changes: StorageChanges, directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of changes.list(directory)) found.push(path);
  return found.sort();
}

/** What every backend must do alike where it is changed. */
export function changesSuite(given: OpenChanges): void {
  const open: OpenChanges = async (objects) => {
    const storage = await given(objects);
    onTestFinished(() => storage.changes.close());
    return storage;
  };

  test("removeForGood: what has the expected content goes, and nothing else", async () => {
    const { changes, objects } = await open({ "regcheck/lock": "another run's" });
    expect(await changes.removeForGood("regcheck/lock", bytes("ours"))).toEqual({ status: "changed" });
    expect(await changes.removeForGood("regcheck/lock", bytes("another run"))).toEqual({ status: "changed" });
    expect(objects()).toEqual({ "regcheck/lock": "another run's" });
    expect(await changes.removeForGood("regcheck/lock", bytes("another run's"))).toEqual({ status: "done" });
    expect(objects()).toEqual({});
    expect(await changes.removeForGood("regcheck/lock", bytes("another run's"))).toEqual({ status: "absent" });
  });

  test("remove: what is there goes, what is not there is no failure, all else stays; outcomes come in the order asked for", async () => {
    const { changes, objects } = await open({ "docker/a/data": "a", "docker/b/data": "b", "docker/c/data": "c" });
    const outcomes = await changes.remove(["docker/b/data", "docker/none/data", "docker/a/data"]);
    expect(outcomes.map(({ path }) => path)).toEqual(["docker/b/data", "docker/none/data", "docker/a/data"]);
    // A bucket does not say whether there was anything to delete.
    expect(outcomes.map(({ status }) => status)).toEqual(["done", expect.stringMatching(/^(?:absent|done)$/), "done"]);
    expect(objects()).toEqual({ "docker/c/data": "c" });
  });

  test("removeWithDirectories: objects go as by remove, each with a directory that holds nothing else; others are left, and named", async () => {
    const { changes, objects } = await open({
      "docker/a/data": "a",
      "docker/b/data": "b",
      "docker/b/other": "o",
      "docker/c/data": "c",
    });
    const { outcomes, left } = await changes.removeWithDirectories(["docker/b/data", "docker/none/data", "docker/a/data"]);
    expect(outcomes.map(({ path }) => path)).toEqual(["docker/b/data", "docker/none/data", "docker/a/data"]);
    expect(outcomes.map(({ status }) => status)).toEqual(["done", expect.stringMatching(/^(?:absent|done)$/), "done"]);
    expect(objects()).toEqual({ "docker/b/other": "o", "docker/c/data": "c" });
    const standing = await changes.pruneDirectories(left);
    expect(standing.map(({ directory }) => directory)).toEqual(left);
    expect(left.every((directory) => directory === "docker/b")).toBe(true);
  });

  test("move: an object is at its new place alone; the same content there is found, another one stays as it is", async () => {
    const { changes, objects } = await open({
      "docker/a": "a",
      "docker/b": "b",
      "docker/same": "b",
      "docker/c": "c",
      "docker/other": "d",
    });
    const outcomes = await changes.move([
      { from: "docker/a", to: "regcheck/quarantine/docker/a" },
      { from: "docker/b", to: "docker/same" },
      { from: "docker/c", to: "docker/other" },
      { from: "docker/none", to: "docker/nowhere" },
    ]);
    expect(outcomes.map(({ path, status, found }) => [path, status, found])).toEqual([
      ["docker/a", "done", undefined],
      ["docker/b", "done", "same"],
      ["docker/c", "failed", "other"],
      ["docker/none", "absent", undefined],
    ]);
    expect(objects()).toEqual({ "regcheck/quarantine/docker/a": "a", "docker/same": "b", "docker/c": "c", "docker/other": "d" });
  });

  test("create makes an object where there is none; replace gives it another content if it has the expected one", async () => {
    const { changes, objects } = await open({});
    expect(await changes.create("docker/link", bytes("one"))).toBe("created");
    expect(await changes.create("docker/link", bytes("two"))).toBe("exists");
    expect(await changes.replace("docker/link", bytes("two"), bytes("three"))).toBe("changed");
    expect(await changes.replace("docker/link", bytes("one"), bytes("two"))).toBe("replaced");
    expect(await changes.replace("docker/none", bytes(""), bytes("two"))).toBe("absent");
    expect(objects()).toEqual({ "docker/link": "two" });
  });

  test("stat, read and digest: of an object what it is, and nothing of what is none", async () => {
    const { changes } = await open({ "docker/a/link": "content" });
    const before = Math.floor(Date.now() / 1000);
    const { path, bytes: size, modified } = (await changes.stat("docker/a/link")) as StoredObject;
    expect({ path, size }).toEqual({ path: "docker/a/link", size: 7 });
    expect(Math.abs(modified - before)).toBeLessThan(60);
    expect(text(await changes.read("docker/a/link"))).toBe("content");
    expect(await changes.digest("docker/a/link", "sha256")).toMatch(
      /^ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73$/,
    );
    expect(await changes.stat("docker/a")).toBeUndefined();
    for (const none of ["docker/a/lin", "docker/none"]) {
      expect(await changes.stat(none)).toBeUndefined();
      expect(await changes.read(none)).toBeUndefined();
      expect(await changes.digest(none, "sha256")).toBeUndefined();
    }
  });

  test("list: all objects below a directory, at any depth, and nothing beside it", async () => {
    const { changes } = await open({ "docker/a/1": "", "docker/a/b/2": "22", "docker/a.b": "", "docker/ab/3": "" });
    expect(await listed(changes, "docker/a")).toEqual(["docker/a/1", "docker/a/b/2"]);
    expect(await listed(changes, "docker/none")).toEqual([]);
  });

  describe("what the storage refuses", () => {
    test.each<[string, (changes: StorageChanges) => Promise<unknown>]>([
      ["a listing", (changes) => listed(changes, "docker/a")],
      ["a reading", (changes) => changes.read("docker/a/b/link")],
      ["a digest", (changes) => changes.digest("docker/a/b/link", "sha256")],
      ["a look at an object", (changes) => changes.stat("docker/a/b/link")],
      ["a writing", (changes) => changes.create("docker/a/b/new", bytes(""))],
      ["a replacement", (changes) => changes.replace("docker/a/b/link", bytes("x"), bytes("y"))],
    ])("%s is an error with exit code 5 that names the path", async (_, act) => {
      const storage = await open({ "docker/a/b/link": "x" });
      storage.break("docker/a");
      const error = await act(storage.changes).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(OperatorError);
      expect(error).toMatchObject({ exitCode: 5, message: expect.stringContaining("docker/a") as unknown });
    });
  });

  describe("pretended changes", () => {
    test("come to what real ones come to, and change nothing", async () => {
      const files = { "docker/a/link": "a", "docker/b/link": "b", "docker/c/link": "b", "own/lock": "x" };
      const work = async (changes: StorageChanges) => [
        await changes.move([
          { from: "docker/a/link", to: "own/a/link" },
          { from: "docker/b/link", to: "docker/c/link" },
          { from: "docker/none", to: "own/none" },
        ]),
        await changes.create("own/lock", bytes("y")),
        await changes.create("own/new", bytes("new")),
        await changes.replace("own/new", bytes("other"), bytes("z")),
        await changes.replace("own/new", bytes("new"), bytes("newer")),
        await changes.replace("own/none", bytes("new"), bytes("newer")),
        text(await changes.read("own/new")),
        text(await changes.read("own/a/link")),
        await changes.read("docker/a/link"),
        await changes.digest("own/a/link", "sha256"),
        (await changes.stat("own/a/link"))?.bytes,
        await changes.stat("docker/b/link"),
        (await changes.remove(["docker/c/link", "own/new"])).map(({ path, status }) => ({ path, status })),
        (await listed(changes, "docker")).sort(),
        (await listed(changes, "own")).sort(),
        await changes.removeForGood("docker/c/link", bytes("another")),
        await changes.removeForGood("docker/c/link", bytes("c")),
        await changes.removeForGood("docker/c/link", bytes("c")),
        await changes.emptyDirectories(["docker/a"]).then(() => changes.settle()),
      ];
      const real = await open(files);
      const { changes, objects } = await open(files);
      const before = objects();
      const plain = (outcomes: unknown) =>
        JSON.parse(JSON.stringify(outcomes).replaceAll(/,"(?:cause|bytes)":[^,}]*/g, "")) as unknown;
      expect(plain(await work(new RehearsedChanges(changes)))).toEqual(plain(await work(real.changes)));
      expect(objects()).toEqual(before);
    });

    test("what was never there is known from one listing", async () => {
      const { changes, objects } = await open({ "docker/a/link": "a" });
      const pretended = new RehearsedChanges(changes);
      await listed(pretended, "docker");
      const before = changes.requests.head;
      expect(await pretended.stat("docker/b/link")).toBeUndefined();
      expect((await pretended.stat("docker/a/link"))?.bytes).toBe(1);
      expect(changes.requests.head).toBe(before);
      expect(await pretended.removeForGood("docker/a/link", bytes("a"))).toEqual({ status: "done" });
      await pretended.store("docker/b", bytes("b"));
      expect(await listed(pretended, "docker")).toEqual(["docker/b"]);
      expect(Object.keys(objects())).toHaveLength(1);
    });
  });
}
