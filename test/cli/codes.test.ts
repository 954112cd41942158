import { expect, test } from "vitest";
import { FINDING_CODES } from "#regcheck/mark/finding.js";
import { CATALOGUE } from "#regcheck/report/catalogue.js";
import { regcheck } from "../support/run.js";

test("codes prints each code with its severity, meaning and remedy", async () => {
  const { exitCode, stdout, stderr } = await regcheck(["codes"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  for (const code of FINDING_CODES) {
    const { meaning, remedy } = CATALOGUE[code];
    expect(stdout).toMatch(new RegExp(`^${code} \\(`, "m"));
    expect(stdout).toContain(`: ${meaning}\n  → ${remedy}\n`);
  }
  expect(stdout).toContain("manifest-unreferenced (info or garbage): ");
});

test("codes --format json prints the same for programs", async () => {
  const { stdout } = await regcheck(["codes", "--format", "json"]);
  expect(JSON.parse(stdout)).toEqual(FINDING_CODES.map((code) => ({ code, ...CATALOGUE[code] })));
});
