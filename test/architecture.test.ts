import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const SOURCE = path.resolve(import.meta.dirname, "../src");

/** Data flows one way: a module imports from its own layer and from those before it. Files beside the folders are for all, or join them. */
const LAYERS = [
  "registry",
  "storage",
  "retention",
  "mark",
  "report",
  "explain",
  "export",
  "journal",
  "guard",
  "sweep",
  "undo",
  "repair",
  "untag",
  "cli",
];
/** Used by every layer; imports none of them. */
const FOUNDATION = [
  "concurrently.ts",
  "durable-files.ts",
  "element-at.ts",
  "errors.ts",
  "json-line.ts",
  "make-directory.ts",
  "show-url.ts",
  "slices.ts",
  "system-errors.ts",
  "temporary-directory.ts",
  "until-aborted.ts",
];

const files = fs
  .readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .sort();

function importsOf(file: string): string[] {
  const text = fs.readFileSync(path.join(SOURCE, file), "utf8");
  return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)\.js"/g)].map((match) =>
    path.relative(SOURCE, path.resolve(SOURCE, path.dirname(file), `${match[1] ?? ""}.ts`)),
  );
}

function layerOf(file: string): number {
  return LAYERS.indexOf(file.split("/")[0] ?? "");
}

describe("the shape of the code", () => {
  test.each(files.filter((file) => layerOf(file) >= 0))("%s imports from no later layer", (file) => {
    const later = importsOf(file).filter((other) => layerOf(other) > layerOf(file));
    expect(later).toEqual([]);
  });

  test.each(files.filter((file) => layerOf(file) >= 0 && !file.startsWith("cli/")))("%s joins no layers", (file) => {
    const unlayered = importsOf(file).filter((other) => layerOf(other) < 0 && !FOUNDATION.includes(other));
    expect(unlayered).toEqual([]);
  });

  test.each(FOUNDATION)("%s imports nothing else of regcheck", (file) => {
    expect(importsOf(file).filter((other) => !FOUNDATION.includes(other))).toEqual([]);
  });

  test.each(files.filter((file) => /^(?:mark|report|explain)\//.test(file)))("%s knows no backend", (file) => {
    expect(importsOf(file).filter((other) => /^storage\/(?:filesystem|s3)\//.test(other))).toEqual([]);
  });

  test("only the sweep and its kin change a storage", () => {
    const importers = files.filter((file) => !file.startsWith("storage/") && importsOf(file).includes("storage/changes.ts"));
    expect(
      importers.filter(
        (file) => !/^(?:guard|journal|sweep|undo|repair|cli)\/|^(?:sweep|untag|untag-by-policy|repair)\.ts$/.test(file),
      ),
    ).toEqual([]);
  });
});
