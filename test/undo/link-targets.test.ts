import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { readRun } from "#regcheck/journal/read-run.js";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { restoreObjects } from "#regcheck/undo/restore.js";
import { untag } from "#regcheck/untag.js";
import { RegistryBuilder } from "../support/builder.js";
import { temporaryDirectory, written } from "../support/temporary.js";

/** A tag that is in the quarantine, and what puts it back. */
async function untagged() {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  const image = app.image({ tag: "1" });
  const directory = fs.realpathSync(written(registry.tree));
  const journalDirectory = temporaryDirectory();
  const storage = FilesystemStorage.open(directory, { concurrency: 1 });
  const changes = new FilesystemChanges(directory);
  const writers = { registryUrls: [], registryStopped: true, config: undefined, probe: {} };
  const { signal } = new AbortController();
  const options = { writers, grace: 0, quarantine: true, journalDirectory, signal };
  const { result } = await untag({ storage, changes }, [{ repository: "team/app", tag: "1" }], options);
  await storage.close();
  const at = (file: string): string => path.join(directory, "docker/registry/v2/repositories/team/app", file);
  const revision = at(`_manifests/revisions/sha256/${image.digest.slice("sha256:".length)}/link`);
  const restore = () => restoreObjects(readRun(journalDirectory, result?.runId ?? ""), changes);
  return { tag: at("_manifests/tags/1/current/link"), revision, restore };
}

test("a tag comes back", async () => {
  const { tag, restore } = await untagged();
  expect(await restore()).toMatchObject({ restored: 2, problems: [] });
  expect(fs.existsSync(tag)).toBe(true);
});

test("a tag whose revision link has gone since does not come back: it would be a pull that fails", async () => {
  const { tag, revision, restore } = await untagged();
  fs.rmSync(revision);
  const { problems } = await restore();
  expect(problems.map(({ cause }) => cause).join()).toMatch(/not put back: it names .*revisions.*, which is gone/);
  expect(fs.existsSync(tag)).toBe(false);
});
