import fs from "node:fs";
import { check } from "#regcheck/check.js";
import { planRepair, repair } from "#regcheck/repair.js";
import type { DoneRepair, PlannedRepair, RepairOptions } from "#regcheck/repair.js";
import { REPAIR_CODES } from "#regcheck/repair/codes.js";
import type { Report } from "#regcheck/report/report.js";
import type { StorageChanges } from "#regcheck/storage/changes.js";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { RegistryBuilder } from "./builder.js";
import type { RepositoryBuilder } from "./builder.js";
import type { RegistryTree } from "./registry-tree.js";
import { LONG_AGO } from "./registry-tree.js";

export const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 3600, now: LONG_AGO + 30 * 24 * 3600, pins: [] };

/** A repair of everything that can be, of a registry that is stopped. */
export function repairOptions(journalDirectory: string, change: Partial<RepairOptions> = {}): RepairOptions {
  return {
    codes: new Set(REPAIR_CODES),
    check: { policy: POLICY },
    writers: { registryUrls: [], registryStopped: true, config: undefined, probe: {} },
    journalDirectory,
    signal: new AbortController().signal,
    ...change,
  };
}

async function withStorage<T>(directory: string, work: (storage: FilesystemStorage) => Promise<T>): Promise<T> {
  const storage = FilesystemStorage.open(directory, { concurrency: 1 });
  try {
    return await work(storage);
  } finally {
    await storage.close();
  }
}

export function changesOf(directory: string): FilesystemChanges {
  return new FilesystemChanges(fs.realpathSync(directory));
}

/** What a repair of a directory would do. */
export function planDirectory(directory: string, options: RepairOptions): Promise<PlannedRepair> {
  return withStorage(directory, (storage) => planRepair({ storage, changes: changesOf(directory) }, options));
}

/** Repairs a directory; `wrap` puts something between the repair and the storage. */
export function repairDirectory(
  directory: string,
  options: RepairOptions,
  wrap: (changes: StorageChanges) => StorageChanges = (changes) => changes,
): Promise<DoneRepair> {
  return withStorage(directory, (storage) => repair({ storage, changes: wrap(changesOf(directory)) }, options));
}

export function checkDirectory(directory: string): Promise<Report> {
  return withStorage(directory, (storage) => check(storage, { policy: POLICY }));
}

/** Codes of a directory's findings, sorted. */
export async function codesOf(directory: string): Promise<string[]> {
  return [...(await checkDirectory(directory)).findings()].map(({ code }) => code).sort();
}

/** A repository whose every tag is broken in a way of its own, and can be repaired. */
export function breakLinks(app: RepositoryBuilder): void {
  const emptied = app.push(`a layer with an empty link of ${app.name}`);
  const unlinked = app.push(`a layer without a link of ${app.name}`);
  app.image({ layers: [emptied, unlinked], config: `layers ${app.name}`, tag: "layers" });
  app.link(app.layerLink(emptied.digest), "");
  app.remove(app.layerLink(unlinked.digest));
  const revision = app.image({ layers: [`the revision's ${app.name}`], config: `revision ${app.name}`, tag: "revision" });
  app.link(app.revisionLink(revision.digest), `${revision.digest}\n`);
  const lost = app.push(`a layer of a dangling tag without a link ${app.name}`);
  const dangling = app.image({ layers: [lost], config: `dangling ${app.name}`, tag: "dangling" });
  app.deleteManifest(dangling);
  app.remove(app.layerLink(lost.digest));
  app.image({ layers: [`the tag's ${app.name}`], config: `tag ${app.name}`, tag: "tag" });
  app.link("_manifests/tags/tag/current", "sha256:cut short");
  app.image({ layers: [`the lost tag's ${app.name}`], config: `lost ${app.name}`, tag: "lost" });
  app.remove("_manifests/tags/lost/current");
  const old = app.image({ layers: [`2.1.0's ${app.name}`], config: `2.1.0 ${app.name}`, tag: "old" });
  app.mount(old);
  app.deleteManifest(old);
  // Only its own revision link proves this one: it is repaired in the same run.
  app.tag("both", revision.digest);
  app.link("_manifests/tags/both/current", "");
}

/** As many such repositories as asked for: 9 links are to be written in each. */
export function brokenRegistry(size = 1): RegistryTree {
  const registry = new RegistryBuilder();
  for (let i = 0; i < size; i++) breakLinks(registry.repository(`team/app-${i}`));
  return registry.tree;
}
