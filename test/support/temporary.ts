import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { RegistryTree } from "./registry-tree.js";

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-test-"));
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A tree on the disk, for the time of the test. */
export function written(tree: RegistryTree): string {
  const directory = temporaryDirectory();
  fs.mkdirSync(path.join(directory, "docker/registry/v2"), { recursive: true });
  tree.writeTo(directory);
  return directory;
}
