import { check } from "#regcheck/check.js";
import type { Policy } from "#regcheck/mark/policy.js";
import type { Report } from "#regcheck/report/report.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import type { RegistryTree } from "./registry-tree.js";
import { written } from "./temporary.js";

/** Checks a tree on a filesystem, without a grace time unless the policy has one. */
export function checkTree(tree: RegistryTree, policy: Partial<Policy> = {}): Promise<Report> {
  return checkDirectory(written(tree), policy);
}

/** The same of what is on the disk. */
export async function checkDirectory(directory: string, policy: Partial<Policy> = {}): Promise<Report> {
  const storage = FilesystemStorage.open(directory, { concurrency: 1 });
  const now = Math.floor(Date.now() / 1000);
  try {
    return await check(storage, {
      policy: { deleteUntagged: false, dropDanglingTags: false, grace: 0, now, pins: [], ...policy },
    });
  } finally {
    await storage.close();
  }
}

/** The report's findings as lines of text: code, and what it is about. */
export function findingsOf(report: Report): string[] {
  return Array.from(report.findings(), ({ code, digest, path }) => `${code} ${String(digest ?? path)}`);
}
