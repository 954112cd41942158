import { describe, expect, test } from "vitest";
import type { Finding } from "#regcheck/mark/finding.js";
import { Digest } from "#regcheck/registry/digest.js";
import { formatCsv } from "#regcheck/report/csv.js";
import { sha256 } from "../support/builder.js";
import { reportOf } from "../support/report.js";
import { FIXTURE, regcheck } from "../support/run.js";

/** Cells by line, as RFC 4180 has them; throws where a line is no such thing. */
function parse(text: string): string[][] {
  const lines = text.split("\r\n");
  expect(lines.pop()).toBe("");
  return lines.map((line) => {
    const cells = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",\r\n]*))(?=,|$)/g)];
    expect(cells.map(([cell]) => cell).join("")).toBe(line);
    return cells.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
  });
}

function linesOf(...findings: readonly Finding[]): string[][] {
  return parse([...formatCsv(reportOf(findings))].join(""));
}

describe("CSV", () => {
  test("has the names of the JSON report as its header, even if nothing was found", () => {
    expect(linesOf()).toEqual([
      ["code", "severity", "new", "repository", "tag", "digest", "path", "bytes", "recoverable", "uploadId", "message", "name"],
    ]);
  });

  test("has what the JSON report has", async () => {
    const run = (format: string) => regcheck([FIXTURE, "--grace", "0", "--format", format]);
    const report = JSON.parse((await run("json")).stdout) as {
      name: string;
      findings: Record<string, string | number | boolean>[];
    };
    const { findings } = report;
    const [header = [], ...lines] = parse((await run("csv")).stdout);
    expect(lines).toHaveLength(findings.length);
    // But for names that are made harmless, which the next tests are about.
    const plain = (text: string): boolean => !/[^ -~]|^[-=+@]/.test(text);
    const wanted = findings.map((finding) => header.map((name) => String((name === "name" ? report.name : finding[name]) ?? "")));
    expect(lines.map((line, i) => line.filter((_, j) => plain(wanted[i]?.[j] ?? "")))).toEqual(
      wanted.map((line) => line.filter(plain)),
    );
  });

  test("leaves what a finding does not have empty, and writes numbers as they are", () => {
    const digest = Digest.parse(sha256("x"));
    const [, line = []] = linesOf({ code: "blob-unreferenced", path: "a/path", digest, bytes: 80_000_000_000_000 });
    expect(line.slice(0, -2)).toEqual([
      "blob-unreferenced",
      "garbage",
      "",
      "",
      "",
      sha256("x"),
      "a/path",
      "80000000000000",
      "",
      "",
    ]);
  });

  test.each([
    ["=1+1", "'=1+1"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", "'\\u{9}=1"],
    ["\r=1", "'\\u{d}=1"],
    ["\n=1", "'\\u{a}=1"],
    ["＝1", "'＝1"],
    ["a=1", "a=1"],
    ['say "1, 2"', 'say "1, 2"'],
    ["a\r\nb", "a\\u{d}\\u{a}b"],
    ["\u001b]0;x\u0007", "\\u{1b}]0;x\\u{7}"],
    ["", ""],
  ])("%j from the storage is %j", (name, shown) => {
    const [, line] = linesOf({ code: "tag-name-invalid", path: `p/${name}`, repository: name, tag: name });
    expect(line?.slice(3, 5)).toEqual([shown, shown]);
  });
});
