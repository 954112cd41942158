import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "#regcheck/errors.js";
import { readRun } from "#regcheck/journal/read-run.js";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import type { DoneSweep, SweepOptions } from "#regcheck/sweep.js";
import { restoreObjects } from "#regcheck/undo/restore.js";
import type { Restored } from "#regcheck/undo/restored.js";
import { arbitraryRegistry, isPushedTo, NOW } from "../support/arbitrary-registry.js";
import { blobFile, RegistryBuilder, V2 } from "../support/builder.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { regcheck } from "../support/run.js";
import { garbageRegistry, sweepDirectory, sweepOptions } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

/** All that a directory holds, directories too, but for regcheck's own. */
function everything(directory: string): string[] {
  const entries = fs.readdirSync(directory, { recursive: true, withFileTypes: true });
  const paths = entries.map(
    (entry) => path.relative(directory, path.join(entry.parentPath, entry.name)) + (entry.isDirectory() ? "/" : ""),
  );
  return paths.filter((name) => !name.startsWith("regcheck/")).toSorted();
}

interface Swept {
  readonly directory: string;
  readonly sweep: (change?: Partial<SweepOptions>) => Promise<DoneSweep>;
  readonly restore: (run: string) => Promise<Restored>;
}

/** A registry with these empty directories besides. */
function stored(tree: RegistryTree, empty: readonly string[] = []): Swept {
  const directory = written(tree);
  for (const one of empty) fs.mkdirSync(path.join(directory, one), { recursive: true });
  const journal = temporaryDirectory();
  return {
    directory,
    sweep: (change) => sweepDirectory(directory, sweepOptions(journal, change)),
    restore: (run) => restoreObjects(readRun(journal, run), new FilesystemChanges(fs.realpathSync(directory))),
  };
}

function sound(): { tree: RegistryTree; builder: RegistryBuilder } {
  const builder = new RegistryBuilder();
  builder.repository("sound").image({ layers: ["kept"], tag: "latest" });
  return { tree: builder.tree, builder };
}

const GONE = `sha256:${"ab".repeat(32)}`;

/** Of a tag whose manifest is gone. */
function danglingTag(builder: RegistryBuilder): string {
  builder.repository("sound").tag("gone", GONE);
  return `${V2}/repositories/sound/_manifests/tags/gone`;
}

describe("a directory that cannot be removed for a file that is none of the registry's", () => {
  test("a dangling tag: the file stays, the tag no longer dangles, and no later sweep announces it", async () => {
    const { tree, builder } = sound();
    const tag = danglingTag(builder);
    tree.write(`${tag}/notes.txt`, "mine");
    const { directory, sweep } = stored(tree);
    const { result } = await sweep();
    expect(result).toMatchObject({ stopped: undefined, deleted: { tags: 1 } });
    expect(result.standing).toEqual({ count: 1, first: [{ directory: tag, cause: `it holds ${tag}/notes.txt` }] });
    expect(everything(directory).filter((file) => file.startsWith(`${tag}/`) && !file.endsWith("/"))).toEqual([
      `${tag}/notes.txt`,
    ]);
    const again = await sweep();
    expect(again.totals.items).toMatchObject({ tag: 0, directory: 0 });
    expect(again.result.standing.count).toBe(0);
  });

  test.each([
    ["a layer link", (link: string) => link, "_layers"],
    ["a blob", (_: string, blob: string) => blob, "blobs"],
  ])("%s with a file beside it: all else is done, and it is named", async (_, placeOf, part) => {
    const tree = garbageRegistry(1);
    const blob = [...tree.files].find(([, { content }]) => content.toString() === "nobody's 0")?.[0] ?? "";
    const link = [...tree.files.keys()].find((file) => file.includes("empty/repository-0/_layers/")) ?? "";
    const place = path.posix.dirname(placeOf(link, blob));
    tree.write(`${place}/.nfs0001`, "in use");
    const { directory, sweep } = stored(tree);
    const { result } = await sweep();
    expect(result.standing.first).toContainEqual({ directory: place, cause: `it holds ${place}/.nfs0001` });
    expect(result.stopped).toBeUndefined();
    expect(place).toContain(part);
    expect(everything(directory).filter((file) => file.startsWith(`${place}/`) && !file.endsWith("/"))).toEqual([
      `${place}/.nfs0001`,
    ]);
    expect((await sweep()).result).toMatchObject({
      standing: { count: 0 },
      deleted: { blobs: 0, layerLinks: 0, repositories: 0 },
    });
  });

  test("an empty repository with a file in it is not planned", async () => {
    const { tree } = sound();
    tree.write(`${V2}/repositories/empty/_layers/notes.txt`, "mine");
    const { totals, result } = await stored(tree).sweep();
    expect(totals.items.directory).toBe(0);
    expect(result.standing.count).toBe(0);
  });

  test("an empty repository with an upload that stays is not planned, and goes with one that goes", async () => {
    const { tree, builder } = sound();
    builder.repository("empty").upload("00000000-0000-4000-8000-000000000000", "2023-01-01T00:00:00Z");
    const { directory, sweep } = stored(tree);
    expect((await sweep({ purgeUploads: false })).totals.items.directory).toBe(0);
    expect((await sweep()).result.deleted).toMatchObject({ uploads: 1, repositories: 1 });
    expect(fs.existsSync(path.join(directory, V2, "repositories/empty"))).toBe(false);
  });

  test("untag says that the tag is still listed", async () => {
    const { tree, builder } = sound();
    builder.repository("sound").image({ layers: ["other"], tag: "two" });
    const tags = `${V2}/repositories/sound/_manifests/tags`;
    tree.write(`${tags}/two/notes.txt`, "mine");
    const directory = written(tree);
    const args = ["untag", "sound:two", "--storage", directory, "--registry-stopped", "--journal-dir", temporaryDirectory()];
    const planned = await regcheck([...args, "--dry-run"]);
    expect(planned.stdout.replaceAll(/\s+/g, " ")).toContain(
      `would still be listed, for its directory stays: it holds ${tags}/two/notes.txt`,
    );
    const { exitCode, stdout } = await regcheck(args);
    expect(exitCode).toBe(0);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain(`is still listed, for its directory stays: it holds ${tags}/two/notes.txt`);
    expect(stdout).not.toContain("is removed");
  });
});

describe("what a quarantine sweep took is back after a restore", () => {
  test("a repository of empty directories, and what an upload and a tag had of them", async () => {
    const { tree, builder } = sound();
    const tag = danglingTag(builder);
    builder.repository("sound").upload("00000000-0000-4000-8000-000000000000", "2023-01-01T00:00:00Z");
    const { directory, sweep, restore } = stored(tree, [
      `${V2}/repositories/empty/_manifests/tags`,
      `${V2}/repositories/empty/_layers/sha256`,
      `${V2}/repositories/sound/_manifests/tags/half`,
      `${V2}/repositories/sound/_uploads/00000000-0000-4000-8000-000000000000/hashstates/sha256`,
      `${tag}/index/sha256/${"cd".repeat(32)}`,
    ]);
    const before = everything(directory);
    const { result } = await sweep({ quarantine: true });
    expect(result.deleted).toMatchObject({ repositories: 1, uploads: 1, tags: 2 });
    expect(everything(directory)).not.toEqual(before);
    expect(await restore(result.runId)).toMatchObject({ problems: [], warnings: [] });
    expect(everything(directory)).toEqual(before);
  });

  test("a corrupt layer with its links and its manifest, and a warning", async () => {
    const { tree, builder } = sound();
    const app = builder.repository("app");
    const layer = app.push("layer");
    app.image({ layers: [layer] });
    tree.write(blobFile(layer.digest), "l4yer");
    const { directory, sweep, restore } = stored(tree);
    const before = everything(directory);
    const { result } = await sweep({ quarantine: true });
    expect(await restore(result.runId)).toMatchObject({ problems: [], warnings: [{ path: blobFile(layer.digest) }] });
    expect(everything(directory)).toEqual(before);
  });

  test("any registry, directories included; and a second sweep finds nothing", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRegistry, async ({ tree }) => {
        fc.pre(isPushedTo(tree));
        const { directory, sweep } = stored(tree, [`${V2}/repositories/empty/_manifests/tags`]);
        const before = everything(directory);
        const { check, ...rest } = sweepOptions("");
        const options = {
          ...rest,
          check: { ...check, policy: { ...check.policy, now: NOW } },
          quarantine: true,
          journalDirectory: temporaryDirectory(),
        };
        const first = await sweep(options).catch(() => undefined);
        // Refused: an upload is active, or there is something that cannot be told.
        fc.pre(first !== undefined);
        if (first === undefined) return;
        // Nothing is left to sweep, maybe nothing at all.
        const again = await sweepDirectory(directory, options).catch((error: unknown) => {
          if (error instanceof UsageError) return undefined;
          throw error;
        });
        expect((again?.stages ?? []).flatMap((stage) => [...stage.items()])).toEqual([]);
        const journal = options.journalDirectory;
        const run = readRun(journal, first.result.runId);
        const { problems } = await restoreObjects(run, new FilesystemChanges(fs.realpathSync(directory)));
        expect(problems).toEqual([]);
        expect(everything(directory)).toEqual(before);
      }),
      { numRuns: 20, interruptAfterTimeLimit: 30_000 },
    );
  }, 60_000);
});
