import fs from "node:fs";
import path from "node:path";
import { expect, test, vi } from "vitest";
import type { StorageChanges } from "#regcheck/storage/changes.js";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { RegistryBuilder, V2 } from "../support/builder.js";
import { sweepDirectory, sweepOptions } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";
import { wrapped } from "../support/wrapped.js";

function garbage(count: number): string {
  const registry = new RegistryBuilder();
  registry.repository("sound").image({ layers: ["kept"], tag: "latest" });
  for (let i = 0; i < count; i++) registry.blob(`nobody's ${i}`);
  return written(registry.tree);
}

test("a move that is stopped within a batch takes the directories of what has moved, and names none of the others", async () => {
  const controller = new AbortController();
  // It is called as a method of what it was called of.
  // oxlint-disable-next-line typescript/unbound-method
  const { move } = FilesystemChanges.prototype;
  vi.spyOn(FilesystemChanges.prototype, "move").mockImplementation(function (this: FilesystemChanges, ...args) {
    controller.abort();
    return move.apply(this, args);
  });
  try {
    const directory = garbage(120);
    const options = sweepOptions(temporaryDirectory(), { signal: controller.signal, quarantine: true, maxDelete: 1 });
    const { result } = await sweepDirectory(directory, options);
    expect(result).toMatchObject({ stopped: "a signal stopped it", standing: { count: 0 }, deleted: { blobs: 50 } });
    const blobs = fs.readdirSync(path.join(directory, V2, "blobs/sha256"), { recursive: true, withFileTypes: true });
    const empty = blobs.filter(
      (entry) =>
        entry.isDirectory() && entry.name.length === 64 && fs.readdirSync(path.join(entry.parentPath, entry.name)).length === 0,
    );
    expect(empty).toEqual([]);
  } finally {
    vi.restoreAllMocks();
  }
});

test("a sweep that is stopped has said in its journal what it was about to remove, and says that it was not touched", async () => {
  const controller = new AbortController();
  const directory = garbage(700);
  const options = sweepOptions(temporaryDirectory(), { signal: controller.signal, maxDelete: 1 });
  const { result } = await sweepDirectory(directory, options, (changes) =>
    wrapped<StorageChanges>(changes, {
      removeWithDirectories: (paths) => {
        controller.abort();
        return changes.removeWithDirectories(paths);
      },
    }),
  );
  expect(result).toMatchObject({ stopped: "a signal stopped it", deleted: { blobs: 250 } });
  const lines = fs.readFileSync(result.journal, "utf8").trimEnd().split("\n");
  const told: Record<string, string>[] = lines.map((line) => JSON.parse(line) as Record<string, string>);
  const pathsOf = (type: string): string[] => told.flatMap((line) => (line["type"] === type ? (line["path"] ?? "") : []));
  expect(told.filter(({ type }) => type === "outcome").every(({ status }) => status === "untouched")).toBe(true);
  const isThere = (file: string): boolean => fs.existsSync(path.join(directory, file));
  const [untouched, removed] = [pathsOf("outcome"), pathsOf("remove")];
  expect(untouched.length).toBeGreaterThan(0);
  expect(removed.filter(isThere)).toEqual(untouched);
});
