import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { readRun } from "#regcheck/journal/read-run.js";
import { emptyQuarantine } from "#regcheck/undo/purge.js";
import { restoreObjects } from "#regcheck/undo/restore.js";
import { sweep } from "#regcheck/sweep.js";
import { blobFile, sha256, V2 } from "../support/builder.js";
import { pullAll } from "../support/pullable.js";
import { RegistryTree } from "../support/registry-tree.js";
import { contentOf, garbageRegistry, leftIn, sweepDirectory, sweepOptions } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

async function codesOf(directory: string): Promise<string[]> {
  const storage = FilesystemStorage.open(directory);
  try {
    const { policy } = sweepOptions("").check;
    return [...(await check(storage, { policy })).findings()].map(({ code }) => code);
  } finally {
    await storage.close();
  }
}

/** Directories that hold nothing. */
function emptyDirectories(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => fs.readdirSync(file).length === 0);
}

describe("a sweep of a filesystem", () => {
  test("removes all garbage, leaves every pull as it was, and counts what it did", async () => {
    const before = garbageRegistry(3);
    const directory = written(before);
    const { result, report } = await sweepDirectory(directory, sweepOptions(temporaryDirectory()));
    const after = RegistryTree.readFrom(directory);
    expect(result.stopped).toBeUndefined();
    expect(await codesOf(directory)).toEqual([]);
    const pullable = new Map([...pullAll(before)].filter(([, content]) => content !== undefined));
    expect(pullable.size).toBe(3 * 3 + 1);
    expect(pullAll(after)).toEqual(pullable);
    const blobsOf = (tree: RegistryTree): number => [...tree.below(`${V2}/blobs`)].length;
    expect(result.deleted).toMatchObject({ blobs: blobsOf(before) - blobsOf(after), tags: 3, revisions: 12, uploads: 3 });
    expect(result.deleted.bytes).toBe(
      report.reclaimable.withBoth.bytes + 3 * ("half a layer".length + "2023-01-01T00:00:00Z".length),
    );
    const left = emptyDirectories(path.join(directory, V2, "repositories")).map((file) => path.basename(file));
    expect(left.filter((name) => /^[0-9a-f-]{36,}$|^dangling$/.test(name))).toEqual([]);
    expect(fs.existsSync(path.join(directory, V2, "repositories/empty/repository-0"))).toBe(false);
    expect(leftIn(directory)).toEqual([]);
  });

  test("with --verify, a corrupt blob is neither more nor less garbage than it was", async () => {
    const tree = garbageRegistry(1);
    const rotten = ["kept 0", "nobody's 0"].map((content) => blobFile(sha256(content)));
    const [live = "", garbage = ""] = rotten;
    for (const file of rotten) tree.write(file, "rotten");
    const directory = written(tree);
    const options = sweepOptions(temporaryDirectory());
    const verifying = { ...options.check, verify: { part: 1, parts: 1 } };
    const { report } = await sweepDirectory(directory, { ...options, check: verifying });
    const corrupt = [...report.findings()].filter(({ code }) => code === "blob-corrupt");
    expect(new Set(corrupt.map((finding) => finding.path))).toEqual(new Set(rotten));
    expect(fs.readFileSync(path.join(directory, live), "utf8")).toBe("rotten");
    expect(fs.existsSync(path.join(directory, garbage))).toBe(false);
    expect(await codesOf(directory)).toEqual([]);
  });

  test("with --verify, a blob that cannot be read holds everything back", async () => {
    const directory = written(garbageRegistry(1));
    const before = contentOf(RegistryTree.readFrom(directory));
    const file = blobFile(sha256("nobody's 0"));
    const storage = FilesystemStorage.open(directory);
    const verify = storage.verifyBlobs.bind(storage);
    storage.verifyBlobs = (...args) => {
      fs.rmSync(path.join(directory, file));
      return verify(...args);
    };
    const options = sweepOptions(temporaryDirectory());
    const verifying = { ...options.check, verify: { part: 1, parts: 1 } };
    const swept = sweep({ storage, changes: new FilesystemChanges(directory) }, { ...options, check: verifying });
    await expect(swept).rejects.toMatchObject({ exitCode: 3 });
    await storage.close();
    before.delete(file);
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(before);
  });

  test("without the options takes only what nothing can need", async () => {
    const before = garbageRegistry(1);
    const directory = written(before);
    const options = sweepOptions(temporaryDirectory(), { purgeUploads: false, pruneEmpty: false });
    const policy = { ...options.check.policy, deleteUntagged: false, dropDanglingTags: false };
    await sweepDirectory(directory, { ...options, check: { policy } });
    const tree = RegistryTree.readFrom(directory);
    expect(pullAll(tree)).toEqual(pullAll(before));
    const kinds = [...tree.files.keys()].map((file) => /_uploads|_manifests\/revisions|tags\/dangling/.exec(file)?.[0]);
    expect(new Set(kinds)).toEqual(new Set([undefined, "_uploads", "_manifests/revisions", "tags/dangling"]));
    expect(fs.existsSync(path.join(directory, V2, "repositories/empty/repository-0"))).toBe(true);
  });

  test("a quarantine can be undone, twice without harm, and purged", async () => {
    const before = garbageRegistry(2);
    const directory = written(before);
    const journal = temporaryDirectory();
    const { result } = await sweepDirectory(directory, sweepOptions(journal, { quarantine: true }));
    expect(await codesOf(directory)).toEqual([]);
    const changes = new FilesystemChanges(fs.realpathSync(directory));
    const run = readRun(journal, result.runId);
    const { restored, problems } = await restoreObjects(run, changes);
    expect(problems).toEqual([]);
    expect(restored).toBe([...run.removals()].length);
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(before));
    expect(leftIn(directory)).toEqual([]);
    expect(await restoreObjects(run, changes)).toEqual({ restored: 0, present: restored, warnings: [], problems: [] });

    const again = await sweepDirectory(directory, sweepOptions(journal, { quarantine: true }));
    const { objects } = await emptyQuarantine(again.result.runId, changes);
    const directories = [...run.removals()].filter(({ kind }) => kind === "directory").length;
    expect(objects).toBe(restored - directories);
    expect(fs.existsSync(path.join(directory, "regcheck/quarantine"))).toBe(false);
  });

  test("a dangling tag goes with all that the registry has written for it, and comes back with it", async () => {
    const tree = garbageRegistry(1);
    const tag = `${V2}/repositories/team/app-0/_manifests/tags/dangling`;
    tree.write(`${tag}/index/sha512/${"5".repeat(128)}/link`, `sha512:${"5".repeat(128)}`);
    // What the scan of a tag passes by, since it looks at no directory whose names it knows.
    tree.write(`${tag}/current/link.0f7c1c8e.tmp`, "unfinished");
    const directory = written(tree);
    const journal = temporaryDirectory();
    const { result } = await sweepDirectory(directory, sweepOptions(journal, { quarantine: true }));
    expect(result).toMatchObject({ stopped: undefined, deleted: { tags: 1 } });
    expect(fs.existsSync(path.join(directory, tag))).toBe(false);
    expect(await codesOf(directory)).toEqual([]);
    const { problems } = await restoreObjects(readRun(journal, result.runId), new FilesystemChanges(fs.realpathSync(directory)));
    expect(problems).toEqual([]);
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(tree));
  });

  test("a dangling tag that cannot be listed holds everything back", async () => {
    const tree = garbageRegistry(1);
    const directory = written(tree);
    const tag = `${V2}/repositories/team/app-0/_manifests/tags/dangling`;
    fs.symlinkSync("/etc/hostname", path.join(directory, tag, "current/other"));
    await expect(sweepDirectory(directory, sweepOptions(temporaryDirectory()))).rejects.toMatchObject({ exitCode: 3 });
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(tree));
  });

  test("what was written since the mark stays, in an upload and in a tag", async () => {
    const directory = written(garbageRegistry(1));
    const app = path.join(directory, V2, "repositories/team/app-0");
    const [upload = ""] = fs.readdirSync(path.join(app, "_uploads"));
    const late = [path.join(app, "_uploads", upload, "late"), path.join(app, "_manifests/tags/dangling/late")];
    await sweepDirectory(directory, sweepOptions(temporaryDirectory()), (changes) => {
      const remove = changes.remove.bind(changes);
      changes.remove = (paths) => {
        if (!paths.includes("regcheck/lock")) for (const file of late) fs.mkdirSync(path.dirname(file), { recursive: true });
        if (!paths.includes("regcheck/lock")) for (const file of late) fs.writeFileSync(file, "late");
        return remove(paths);
      };
      return changes;
    });
    const left = [...RegistryTree.readFrom(directory).files.keys()].filter((file) => /_uploads|dangling/.test(file));
    expect(left.map((file) => path.join(directory, file)).sort()).toEqual(late.toSorted());
  });

  test("restore verifies blobs and overwrites nothing", async () => {
    const directory = written(garbageRegistry(1));
    const journal = temporaryDirectory();
    const { result } = await sweepDirectory(directory, sweepOptions(journal, { quarantine: true }));
    const run = readRun(journal, result.runId);
    const [rotten, replaced] = [...run.removals()].filter(({ kind }) => kind === "blob").map((entry) => entry.path);
    fs.writeFileSync(path.join(directory, "regcheck/quarantine", result.runId, rotten ?? ""), "rotten");
    fs.mkdirSync(path.dirname(path.join(directory, replaced ?? "")), { recursive: true });
    fs.writeFileSync(path.join(directory, replaced ?? ""), "pushed again");
    const { problems, warnings } = await restoreObjects(run, new FilesystemChanges(fs.realpathSync(directory)));
    const blobs = problems.filter((problem) => problem.path.includes("/blobs/"));
    expect(blobs.map((problem) => problem.path)).toEqual([replaced]);
    expect(warnings).toMatchObject([{ path: rotten, cause: expect.stringContaining("so it was before the sweep") as unknown }]);
    expect(fs.readFileSync(path.join(directory, replaced ?? ""), "utf8")).toBe("pushed again");
    expect(fs.readFileSync(path.join(directory, rotten ?? ""), "utf8")).toBe("rotten");
  });

  test("what was deleted for good cannot be restored, and says so", async () => {
    const directory = written(garbageRegistry(1));
    const journal = temporaryDirectory();
    const { result } = await sweepDirectory(directory, sweepOptions(journal));
    const restoring = restoreObjects(readRun(journal, result.runId), new FilesystemChanges(fs.realpathSync(directory)));
    await expect(restoring).rejects.toThrow("deleted for good");
  });

  test("another regcheck holds the lock: refused, with how to remove a stale one", async () => {
    const directory = written(garbageRegistry(1));
    await new FilesystemChanges(fs.realpathSync(directory)).create("regcheck/lock", Buffer.from('{"host":"elsewhere","pid":7}'));
    const sweeping = sweepDirectory(directory, sweepOptions(temporaryDirectory()));
    await expect(sweeping).rejects.toThrow(
      /another regcheck is at work.*elsewhere \(process 7\).*regcheck unlock \S+ removes the lock/s,
    );
  });

  test("no journal, no delete", async () => {
    const before = garbageRegistry(1);
    const directory = written(before);
    const file = path.join(temporaryDirectory(), "a file");
    fs.writeFileSync(file, "");
    await expect(sweepDirectory(directory, sweepOptions(path.join(file, "journal")))).rejects.toThrow(
      /refused by the rule can-be-recorded: .*Nothing was removed\.$/s,
    );
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(before));
  });

  test("damage in one repository holds that one back and no other; a fault of the storage holds everything back", async () => {
    const tree = garbageRegistry(2);
    tree.write(`${V2}/repositories/team/app-0/_manifests/tags/latest/current/link`, "");
    const directory = written(tree);
    await sweepDirectory(directory, sweepOptions(temporaryDirectory()));
    const left = [...RegistryTree.readFrom(directory).files.keys()];
    const of = (files: Iterable<string>, name: string) =>
      [...files].filter((file) => file.includes(`/${name}/`) && !file.includes("_uploads")).sort();
    expect(of(left, "team/app-0")).toEqual(of(tree.files.keys(), "team/app-0"));
    expect(of(left, "team/app-1").length).toBeLessThan(of(tree.files.keys(), "team/app-1").length);

    fs.symlinkSync("/etc", path.join(directory, V2, "repositories/elsewhere"));
    await expect(sweepDirectory(directory, sweepOptions(temporaryDirectory()))).rejects.toThrow("scan-complete");
  });
});
