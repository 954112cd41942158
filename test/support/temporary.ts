import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { RegistryTree } from "./registry-tree.js";

/** In memory where there is such a file system: a test that writes thousands of small files takes a tenth of the time there. */
const PARENT = [process.env["TMPDIR"], "/dev/shm"].find(isWritable) ?? os.tmpdir();

function isWritable(directory: string | undefined): directory is string {
  try {
    if (directory !== undefined) fs.accessSync(directory, fs.constants.W_OK);
    return directory !== undefined;
  } catch {
    return false;
  }
}

/** A directory that the caller removes: for what lasts longer than a test. */
export function makeTemporaryDirectory(): string {
  return fs.mkdtempSync(path.join(PARENT, "regcheck-test-"));
}

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = makeTemporaryDirectory();
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
