import { describe, expect, test } from "vitest";
import { EXIT_CODES } from "#regcheck/errors.js";
import { catalogueTable, markedPart, readReadme } from "./support/readme.js";

const readme = readReadme();

describe("README.md", () => {
  test("has the catalogue as the code has it", () => {
    expect(markedPart(readme, "catalogue")).toBe(catalogueTable());
  });

  test("has every exit code", () => {
    const table = readme.slice(readme.indexOf("| exit code |"));
    const named = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap((row) => (row[1] ?? "").split(",").map(Number));
    expect(named).toEqual(Object.values(EXIT_CODES));
  });
});
