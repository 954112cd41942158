import { describe, expect, test } from "vitest";
import { problemsOf } from "../support/json-schema.js";
import { FIXTURE, regcheck } from "../support/run.js";

type Line = Readonly<Record<string, unknown>>;

async function linesOf(...options: readonly string[]): Promise<Line[]> {
  const { stdout } = await regcheck([FIXTURE, "--grace", "0", "--format", "ndjson", ...options]);
  expect(stdout.endsWith("}\n")).toBe(true);
  return stdout
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

describe("the NDJSON report", () => {
  test("has what the JSON report has", async () => {
    const { stdout } = await regcheck([FIXTURE, "--grace", "0", "--format", "json"]);
    const { repositories, findings, ...summary } = JSON.parse(stdout) as { repositories: Line[]; findings: Line[] } & Line;
    const [report, ...lines] = await linesOf();
    const times = { startedAt: expect.any(String) as unknown, finishedAt: expect.any(String) as unknown };
    expect(report).toEqual({ type: "report", ...summary, ...times });
    expect(lines).toEqual([
      ...repositories.map((repository) => ({ type: "repository", ...repository })),
      ...findings.map((finding) => ({ type: "finding", ...finding })),
      { type: "end", repositories: repositories.length, findings: findings.length },
    ]);
  });

  test("is what the published schema says, a line at a time, with the type first", async () => {
    for (const line of await linesOf("--delete-untagged")) {
      expect(problemsOf(line, "ndjson")).toBe("No errors");
      expect(Object.keys(line)[0]).toBe("type");
    }
  });

  test("the schema refuses what is no line", async () => {
    const lines = await linesOf();
    for (const type of ["report", "repository", "finding", "end"]) {
      const line = lines.find((one) => one["type"] === type);
      expect(problemsOf(line, "ndjson")).toBe("No errors");
      expect(problemsOf({ ...line, surprise: true }, "ndjson")).not.toBe("No errors");
      expect(problemsOf({ ...line, type: "surprise" }, "ndjson")).not.toBe("No errors");
    }
  });
});
