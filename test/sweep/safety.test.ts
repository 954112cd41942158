import fs from "node:fs";
import path from "node:path";
import { describe, expect, test, vi } from "vitest";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import type { StorageChanges } from "#regcheck/storage/changes.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { planSweep } from "#regcheck/sweep.js";
import type { PlannedSweep, SweepOptions } from "#regcheck/sweep.js";
import { listRuns, readRun } from "#regcheck/journal/read-run.js";
import { formatPlan, readPlan } from "#regcheck/sweep/plan-file.js";
import { RegistryBuilder, V2 } from "../support/builder.js";
import { pull, pullAll } from "../support/pullable.js";
import { LONG_AGO, RegistryTree } from "../support/registry-tree.js";
import { contentOf, garbageRegistry, leftIn, sweepDirectory, sweepOptions } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";
import { wrapped } from "../support/wrapped.js";

const NOW = LONG_AGO + 30 * 24 * 3600;

async function planned(directory: string, options: SweepOptions): Promise<PlannedSweep> {
  const storage = FilesystemStorage.open(directory, { concurrency: 1 });
  try {
    return await planSweep(storage, options);
  } finally {
    await storage.close();
  }
}

/** Only the repositories of a team. */
function ofTeam(name: string, journal: string): SweepOptions {
  const options = sweepOptions(journal);
  return { ...options, check: { ...options.check, filter: { glob: name, matches: (repository) => repository === name } } };
}

describe("a sweep of some repositories", () => {
  test("takes their garbage alone; what others need stays", async () => {
    const before = garbageRegistry(3);
    const directory = written(before);
    await sweepDirectory(directory, ofTeam("team/app-1", temporaryDirectory()));
    const after = RegistryTree.readFrom(directory);
    const others = (tree: RegistryTree) =>
      [...tree.files.keys()].filter((file) => file.includes("/repositories/") && !file.includes("/team/app-1/")).sort();
    expect(others(after)).toEqual(others(before));
    const pullable = (tree: RegistryTree) => new Map([...pullAll(tree)].filter(([, content]) => content !== undefined));
    expect(pullable(after)).toEqual(pullable(before));
    expect(after.files.size).toBeLessThan(before.files.size);
  });

  test("is refused for an upload under way in another one", async () => {
    const tree = garbageRegistry(2);
    tree.write(`${V2}/repositories/team/app-0/_uploads/u/startedat`, "2024-01-31T00:00:00Z", NOW - 60);
    const sweeping = sweepDirectory(written(tree), ofTeam("team/app-1", temporaryDirectory()));
    await expect(sweeping).rejects.toThrow(/no-active-uploads: 1 upload younger than the grace time: .*app-0\/_uploads\/u/);
  });

  test("is refused for a fault in another one, which it names", async () => {
    const directory = written(garbageRegistry(2));
    fs.symlinkSync("/etc", path.join(directory, V2, "repositories/team/app-0/_layers/sha256/aa"));
    const sweeping = sweepDirectory(directory, ofTeam("team/app-1", temporaryDirectory()));
    await expect(sweeping).rejects.toThrow(/scan-complete: 1 path could not be read: .*app-0\/_layers/);
  });
});

describe("a reviewed plan", () => {
  /** What a plan of the tree as it is now allows. */
  async function review(tree: RegistryTree) {
    const file = path.join(temporaryDirectory(), "plan");
    const directory = written(tree);
    const plan = await planned(directory, sweepOptions(temporaryDirectory()));
    const storage = { driver: "filesystem", location: "/here" };
    fs.writeFileSync(file, [...formatPlan(plan.stages, storage, plan.report.policy.now)].join(""));
    return { ...(await readPlan(file, storage)), lacking: [] };
  }

  test("leaves what has become garbage since, and all that it needs: it can be pulled by digest still", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    app.image({ layers: ["live"], tag: "live" });
    const layer = app.push("a layer that is used again");
    const config = app.push("a config that is used again");
    app.image({ layers: [layer, "another"], config });
    const reviewed = await review(registry.tree);

    // Since then: another image of the same layer, in an index, and both of them untagged; and one by sha512.
    const later = app.image({ layers: [layer], config });
    const index = app.index([later]);
    const before = structuredClone(registry.tree.files);
    const directory = written(registry.tree);
    const { result } = await sweepDirectory(directory, sweepOptions(temporaryDirectory(), { reviewed }));
    const after = RegistryTree.readFrom(directory);
    expect(result.deleted).toMatchObject({ revisions: 1, blobs: 2, layerLinks: 1 });
    expect(pull(after, "team/app", index.digest)).toEqual(pull(registry.tree, "team/app", index.digest));
    expect(pull(after, "team/app", index.digest)).toHaveLength(4);
    expect(before.size - after.files.size).toBe(4);
  });

  test("leaves all blobs when something new names one by sha512, which only a link can tell", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    app.image({ layers: ["live"], tag: "live" });
    const alias = app.pushAlias("aliased");
    app.image({ layers: ["another"] });
    const reviewed = await review(registry.tree);
    const later = app.image({ layers: [alias] });
    const directory = written(registry.tree);
    const { result } = await sweepDirectory(directory, sweepOptions(temporaryDirectory(), { reviewed }));
    expect(result.deleted).toMatchObject({ revisions: 1, blobs: 0 });
    const content = (tree: RegistryTree) => tree.text(`${V2}/blobs/sha256/${later.digest.replace(/sha256:(..)/, "$1/$1")}/data`);
    expect(content(RegistryTree.readFrom(directory))).toBe(content(registry.tree));
  });
});

describe("the clock", () => {
  test("of the storage counts where ours is ahead: what was pushed a minute ago is not an hour old", async () => {
    const registry = new RegistryBuilder();
    registry.repository("team/app").image({ layers: ["live"], tag: "live" });
    const real = Math.floor(Date.now() / 1000);
    registry.now = real - 60;
    registry.repository("team/app").push("a layer of a push that goes on");
    const { check } = sweepOptions("");
    const ahead = { check: { policy: { ...check.policy, now: real + 24 * 3600 } } };
    const directory = written(registry.tree);
    const { result } = await sweepDirectory(directory, sweepOptions(temporaryDirectory(), ahead));
    expect(result.deleted.blobs).toBe(0);
  });

  test("of a file in the future keeps it, and an upload in the future refuses the sweep", async () => {
    const tree = garbageRegistry(1);
    const before = new Set(tree.files.keys());
    for (const [file, { content }] of tree.files) if (!file.includes("_uploads")) tree.write(file, content, NOW + 7 * 24 * 3600);
    const directory = written(tree);
    const { result } = await sweepDirectory(directory, sweepOptions(temporaryDirectory()));
    expect(result.deleted).toMatchObject({ blobs: 0, revisions: 0, layerLinks: 0 });
    expect(before.size).toBeGreaterThan(0);
    tree.write(`${V2}/repositories/team/app-0/_uploads/u/startedat`, "2099-01-01T00:00:00Z");
    await expect(sweepDirectory(written(tree), sweepOptions(temporaryDirectory()))).rejects.toThrow("no-active-uploads");
  });
});

describe("the lock", () => {
  test("that cannot be removed hides no error, and is told beside the result", async () => {
    const removeForGood: StorageChanges["removeForGood"] = async () => ({
      status: "failed",
      cause: "EIO: i/o error",
    });
    const broken = written(garbageRegistry(1));
    fs.symlinkSync("/etc", path.join(broken, V2, "repositories/elsewhere"));
    const refused = sweepDirectory(broken, sweepOptions(temporaryDirectory()), (changes) => wrapped(changes, { removeForGood }));
    await expect(refused).rejects.toThrow("scan-complete");
    const sound = new RegistryBuilder();
    sound.repository("app").image({ layers: ["kept"], tag: "1" });
    const nothingToDo = sweepDirectory(written(sound.tree), sweepOptions(temporaryDirectory()), (changes) =>
      wrapped(changes, { removeForGood }),
    );
    expect(await nothingToDo).toMatchObject({
      result: { stopped: undefined },
      lockLeft: expect.stringMatching(
        /its lock is still there \(EIO: i\/o error\), and the next run is refused: remove it with regcheck unlock \//,
      ) as unknown,
    });
  });

  test("on a storage that takes no writes refuses the sweep", async () => {
    const directory = written(garbageRegistry(1));
    const create: StorageChanges["create"] = async () => {
      throw new Error("EROFS: read-only file system, mkdir");
    };
    const sweeping = sweepDirectory(directory, sweepOptions(temporaryDirectory()), (changes) => wrapped(changes, { create }));
    await expect(sweeping).rejects.toMatchObject({
      exitCode: 4,
      message: `${fs.realpathSync(directory)} cannot be locked: EROFS: read-only file system, mkdir. Nothing was changed.`,
    });
  });

  test("is gone when a signal ends the mark", async () => {
    const directory = written(garbageRegistry(1));
    const controller = new AbortController();
    const options = sweepOptions(temporaryDirectory(), { signal: controller.signal });
    const onProgress = () => controller.abort(new Error("stopped by SIGINT"));
    const sweeping = sweepDirectory(directory, { ...options, check: { ...options.check, onProgress } });
    await expect(sweeping).rejects.toThrow("stopped by SIGINT");
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(garbageRegistry(1)));
    expect(leftIn(directory)).toEqual([]);
  });
});

test("a signal ends a sweep at the next batch, though its work on a filesystem never waits", async () => {
  const before = garbageRegistry(3);
  const directory = written(before);
  const controller = new AbortController();
  const onProgress = () => void setImmediate(() => controller.abort());
  const options = sweepOptions(temporaryDirectory(), { signal: controller.signal, onProgress });
  const { result } = await sweepDirectory(directory, options);
  expect(result.stopped).toBe("a signal stopped it");
  expect(result.deleted.blobs).toBe(0);
});

describe("the journal", () => {
  test("has every line, even if the disk takes only a part of what is written at once", async () => {
    const journal = temporaryDirectory();
    const whole = fs.writeSync;
    const cut = (descriptor: number, text: Uint8Array | string, ...rest: unknown[]): number => {
      const bytes = Buffer.from(text);
      const [offset = 0, length = bytes.length] = rest.filter((value) => typeof value === "number");
      return whole(descriptor, bytes, offset, Math.min(100, length));
    };
    const spy = vi.spyOn(fs, "writeSync").mockImplementation(cut);
    const before = garbageRegistry(1);
    const directory = written(before);
    const { result } = await sweepDirectory(directory, sweepOptions(journal)).finally(() => spy.mockRestore());
    const removed = before.files.size - RegistryTree.readFrom(directory).files.size;
    expect([...readRun(journal, result.runId).removals()]).toHaveLength(removed);
  });

  test("that cannot be written any more ends the sweep before what it would have said", async () => {
    const before = garbageRegistry(1);
    const directory = written(before);
    const journal = temporaryDirectory();
    let syncs = 0;
    const spy = vi.spyOn(fs, "fsyncSync").mockImplementation(() => {
      if (syncs++ > 7) throw new Error("ENOSPC: no space left on device, fsync");
    });
    const { result } = await sweepDirectory(directory, sweepOptions(journal)).finally(() => spy.mockRestore());
    expect(result.stopped).toContain("the journal cannot be written any more (ENOSPC");
    const listed = new Set(
      listRuns(journal).flatMap((runId) => [...readRun(journal, runId).removals()].map((entry) => entry.path)),
    );
    const gone = [...before.files.keys()].filter((file) => !fs.existsSync(path.join(directory, file)));
    expect(gone.length).toBeGreaterThan(0);
    expect(gone.filter((file) => !listed.has(file))).toEqual([]);
  });

  test("of a run is found by its name alone", () => {
    const directory = temporaryDirectory();
    for (const name of ["../x", "20260131T030000000Z-1a2b3c/../x", "x"])
      expect(() => readRun(directory, name)).toThrow("not the name of a run");
    const head = { type: "run", runId: "20260131T030000000Z-000000", storage: { driver: "", location: "" }, mode: "quarantine" };
    fs.writeFileSync(path.join(directory, "20260131T030000000Z-1a2b3c.ndjson"), `${JSON.stringify(head)}\n`);
    expect(() => readRun(directory, "20260131T030000000Z-1a2b3c")).toThrow("not a journal of regcheck's run");
  });
});

describe("paths", () => {
  test("that lead out of the storage, or anywhere by `..`, are refused", async () => {
    const directory = written(garbageRegistry(1));
    const changes = new FilesystemChanges(fs.realpathSync(directory));
    for (const file of ["../x", "regcheck/../docker/registry/v2/blobs", "docker/.."])
      expect(await changes.remove([file])).toMatchObject([{ status: "failed" }]);
  });

  test("to another device are not moved, nor copied: the sweep stops", async () => {
    const before = garbageRegistry(1);
    const directory = written(before);
    const link = fs.linkSync;
    const spy = vi.spyOn(fs, "linkSync").mockImplementation((from, to) => {
      if (!String(to).includes("quarantine")) return link(from, to);
      throw Object.assign(new Error("cross-device link not permitted"), { code: "EXDEV", syscall: "link" });
    });
    const sweeping = sweepDirectory(directory, sweepOptions(temporaryDirectory(), { quarantine: true }));
    const { result } = await sweeping.finally(() => spy.mockRestore());
    expect(result.stopped).toContain("cross-device link not permitted");
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(before));
  });
});
