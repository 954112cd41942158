import fs from "node:fs";
import path from "node:path";
import { OWN, STORAGE_ID } from "#regcheck/registry/layout.js";
import { sweep } from "#regcheck/sweep.js";
import type { DoneSweep, SweepOptions } from "#regcheck/sweep.js";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import type { StorageChanges } from "#regcheck/storage/changes.js";
import { RegistryBuilder } from "./builder.js";
import type { RegistryTree } from "./registry-tree.js";
import { LONG_AGO } from "./registry-tree.js";

/** A sweep of everything, of a registry that is stopped. */
export function sweepOptions(journalDirectory: string, change: Partial<SweepOptions> = {}): SweepOptions {
  return {
    check: {
      policy: { deleteUntagged: true, dropDanglingTags: true, grace: 3600, now: LONG_AGO + 30 * 24 * 3600, pins: [] },
    },
    writers: { registryUrls: [], registryStopped: true, config: undefined, probe: {} },
    maxDelete: 1,
    maxDuration: undefined,
    quarantine: false,
    purgeUploads: true,
    pruneEmpty: true,
    journalDirectory,
    reviewed: undefined,
    signal: new AbortController().signal,
    ...change,
  };
}

/** Sweeps a directory; `wrap` puts something between the sweep and the storage. */
export async function sweepDirectory(
  directory: string,
  options: SweepOptions,
  wrap: (changes: StorageChanges) => StorageChanges = (changes) => changes,
): Promise<DoneSweep> {
  const storage = FilesystemStorage.open(directory, { concurrency: 1 });
  try {
    return await sweep({ storage, changes: wrap(new FilesystemChanges(fs.realpathSync(directory))) }, options);
  } finally {
    await storage.close();
  }
}

/** A registry with garbage of every kind, some of it beside what is live, as large as asked for. */
export function garbageRegistry(size = 1): RegistryTree {
  const registry = new RegistryBuilder();
  const base = registry.repository("library/base").push("a base layer that all share");
  registry.repository("library/base").image({ layers: [base], tag: "1" });
  for (let i = 0; i < size; i++) {
    const app = registry.repository(`team/app-${i}`);
    app.mount(base);
    const kept = app.image({ layers: [base, `kept ${i}`], config: `kept config ${i}`, tag: "latest" });
    app.index([kept, app.image({ layers: [`kept arm ${i}`], config: `kept arm config ${i}` })], "multi");
    const child = app.image({ layers: [base, `untagged child ${i}`], config: `child config ${i}` });
    app.index([child, app.index([child])]);
    app.image({ layers: [`signature of an untagged ${i}`], config: `signature ${i}`, subject: child });
    app.deleteManifest(app.image({ layers: [`dangling ${i}`], config: `dangling config ${i}`, tag: "dangling" }));
    const moved = app.image({ layers: [`moved ${i}`], config: `moved config ${i}`, tag: "moved" });
    app.tag("moved", kept.digest);
    app.deleteManifest(moved);
    app.push(`no image needs this ${i}`);
    const gone = app.push(`collected by somebody else ${i}`);
    registry.tree.remove(`docker/registry/v2/blobs/${gone.digest.replace(/:(..)/, "/$1/$1")}/data`);
    app.upload(`0000000${i}-0000-4000-8000-000000000000`, "2023-01-01T00:00:00Z");
    registry.repository(`empty/repository-${i}`).push(`the last layer ${i}`);
    registry.blob(`nobody's ${i}`);
  }
  return registry.tree;
}

/** What regcheck has left in a storage, but for what tells that from another one, which stays. */
export function leftIn(directory: string): readonly string[] {
  const own = path.join(directory, OWN);
  if (!fs.existsSync(own)) return [];
  return fs.readdirSync(own).filter((name) => name !== path.basename(STORAGE_ID));
}

/** All files of a directory that are not regcheck's own, with their content. */
export function contentOf(tree: RegistryTree): Map<string, string> {
  return new Map(
    [...tree.files]
      .filter(([file]) => !file.startsWith("regcheck/"))
      .map(([file, { content }]) => [file, content.toString("latin1")]),
  );
}

export function journalOf(directory: string): string {
  return path.join(directory, "..", `${path.basename(directory)}-journal`);
}
