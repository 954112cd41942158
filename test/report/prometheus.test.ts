import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Finding } from "#regcheck/mark/finding.js";
import { FINDING_CODES } from "#regcheck/mark/finding.js";
import { Digest } from "#regcheck/registry/digest.js";
import { formatPrometheus } from "#regcheck/report/prometheus.js";
import type { Report } from "#regcheck/report/report.js";
import { blobFile, RegistryBuilder, sha256, V2 } from "../support/builder.js";
import { reportOf } from "../support/report.js";
import { checkTree } from "../support/check-tree.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const TOOL = { name: "regcheck", version: "1.2.3" };
const STORAGE = 'storage="/var/lib/registry"';

function linesOf(report: Report, previous?: string): string[] {
  return formatPrometheus(report, TOOL, previous).split("\n");
}

/** Bytes by state, of a report that is written for Prometheus. */
function bytesOf(report: Report): Record<string, number> {
  const matches = formatPrometheus(report, TOOL).matchAll(/^regcheck_bytes\{.*state="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries(Array.from(matches, ([, state = "", bytes]) => [state, Number(bytes)]));
}

describe("the metrics", () => {
  test("each have a help text and a type, before their samples", () => {
    const samples = new Set<string>();
    let current: string | undefined;
    for (const line of linesOf(reportOf([])).slice(0, -1)) {
      const [, comment, name] = /^(?:# (HELP|TYPE) )?(regcheck_\w+)[ {]/.exec(line) ?? [];
      if (comment === "HELP") current = name;
      expect(name, line).toBe(current);
      if (comment === undefined) samples.add(name ?? "");
    }
    expect(samples.size).toBeGreaterThan(10);
    const text = formatPrometheus(reportOf([]), TOOL);
    for (const name of samples) expect(text).toContain(`# TYPE ${name} gauge\n`);
  });

  test("have times in seconds, and the version", () => {
    const lines = linesOf(reportOf([]));
    expect(lines).toContain(`regcheck_last_run_timestamp_seconds{${STORAGE}} 1700000001.2`);
    expect(lines).toContain(`regcheck_duration_seconds{${STORAGE}} 1.2`);
    expect(lines).toContain(`regcheck_build_info{${STORAGE},version="1.2.3",name="registry-1"} 1`);
  });

  test("have the time of the oldest run that the quarantine holds something of, by its name", () => {
    const name = `regcheck_quarantine_oldest_timestamp_seconds{${STORAGE}}`;
    const of = (...runs: readonly (readonly [string, boolean])[]) => {
      const quarantine = new Map(runs.map(([runId, hasMoved]) => [runId, { objects: 1, bytes: 10, hasMoved }]));
      return linesOf(reportOf([], { own: { quarantine, lockedAt: undefined, otherBytes: 0, fault: undefined } })).filter((line) =>
        line.startsWith(name),
      );
    };
    expect(of()).toEqual([`${name} 0`]);
    expect(of(["20260131T030000500Z-1a2b3c", true], ["20260124T030000000Z-1a2b3c", true])).toEqual([`${name} 1769223600`]);
    // Of a run whose journal is all that is left, nothing is waiting; what is not named as a run is no run's.
    const others = [
      ["20260124T030000000Z-1a2b3c", false],
      ["20269999T999999999Z-1a2b3c", true],
      ["old", true],
    ] as const;
    expect(of(...others)).toEqual([`${name} 0`]);
    expect(of(...others, ["20260131T030000500Z-1a2b3c", true])).toEqual([`${name} 1769828400.5`]);
  });

  test("count findings by code and severity; a code without any is 0", () => {
    const finding: Finding = { code: "manifest-unreferenced", path: "x" };
    const lines = linesOf(reportOf([finding, { ...finding, reclaimable: true }, { ...finding, reclaimable: true }]));
    const count = (code: string, severity: string): string =>
      `regcheck_findings{${STORAGE},code="${code}",severity="${severity}"}`;
    expect(lines).toContain(`${count("manifest-unreferenced", "info")} 1`);
    expect(lines).toContain(`${count("manifest-unreferenced", "garbage")} 2`);
    expect(lines).toContain(`${count("blob-missing", "error")} 0`);
    const codes = lines.flatMap((line) => /^regcheck_findings\{.*code="([^"]+)"/.exec(line)?.[1] ?? []);
    expect(new Set(codes)).toEqual(new Set(FINDING_CODES));
  });

  test("are told apart by server, name and filter in every sample", async () => {
    const storage = { driver: "s3", location: "s3://b", server: "minio.example.com:9000" };
    const filter = { glob: "team/*", matches: () => true };
    const samples = (change: Partial<Report>) => linesOf(reportOf([], change)).filter((line) => /^[^#]/.test(line));
    const changes: readonly Partial<Report>[] = [
      { storage: { driver: "s3", location: "s3://b" } },
      { storage },
      { storage: { ...storage, server: "minio.example.com:9001" } },
      { storage, givenName: "prod" },
      { storage, givenName: "prod", filter },
      { storage, filter: { ...filter, glob: "other/*" } },
    ];
    const series = changes.flatMap((change) => samples(change).map((line) => line.replace(/ \S+$/, "")));
    expect(new Set(series).size).toBe(series.length);
    const labels = 'storage="s3://b",server="minio.example.com:9000",registry="prod",repository="team/*"';
    for (const line of samples({ storage, givenName: "prod", filter })) expect(line).toContain(labels);
    const complete = async (...args: readonly string[]) =>
      /^regcheck_complete\{.*$/m.exec((await regcheck([FIXTURE, "--format", "prometheus", ...args])).stdout)?.[0];
    expect(await complete()).toBe(`regcheck_complete{storage="${FIXTURE}"} 1`);
    expect(await complete("--name", "prod")).toBe(`regcheck_complete{storage="${FIXTURE}",registry="prod"} 1`);
  });

  test("do not grow with the registry", async () => {
    const registry = new RegistryBuilder();
    for (let i = 0; i < 20; i++) registry.repository(`team/app-${i}`).push(`a layer that nothing needs: ${i}`);
    const small = linesOf(reportOf([]));
    const text = formatPrometheus(await checkTree(registry.tree), TOOL);
    expect(text.split("\n")).toHaveLength(small.length);
    expect(text).not.toMatch(/team\/app|[0-9a-f]{64}/);
  });

  test("escape what an operator may have called a directory", () => {
    const report = reportOf([], { storage: { driver: "filesystem", location: 'a "b"\\c\nd\u001b' } });
    expect(linesOf(report)).toContain(String.raw`regcheck_complete{storage="a \"b\"\\c\\u{a}d\\u{1b}"} 1`);
  });
});

describe("corrupt blobs", () => {
  const verified = (part: number, parts: number) => ({ verified: { part, parts, blobs: 1, bytes: 1, vouchedBytes: 0 } });
  const rotten: Finding = { code: "blob-corrupt", path: "x" };
  const corruptIn = (text: string) =>
    Array.from(
      text.matchAll(/^regcheck_findings\{.*code="blob-corrupt",severity="error",part="(.*)"\} (\d+)$/gm),
      ([, part, n]) => [part, Number(n)],
    );

  test("stay known of a part until it is read again", () => {
    const first = formatPrometheus(reportOf([rotten], verified(1, 7)), TOOL);
    expect(corruptIn(first)).toEqual([["1/7", 1]]);
    const second = formatPrometheus(reportOf([], verified(2, 7)), TOOL, first);
    expect(corruptIn(second)).toEqual([
      ["1/7", 1],
      ["2/7", 0],
    ]);
    const without = formatPrometheus(reportOf([]), TOOL, second);
    expect(corruptIn(without)).toEqual(corruptIn(second));
    expect(corruptIn(formatPrometheus(reportOf([], verified(1, 7)), TOOL, without))).toEqual([
      ["1/7", 0],
      ["2/7", 0],
    ]);
    expect(corruptIn(formatPrometheus(reportOf([rotten], verified(1, 1)), TOOL, without))).toEqual([["1/1", 1]]);
  });

  test("that their size gives away are counted by every run, once, and by no part", () => {
    const digest = Digest.parse(sha256("not stored any more"));
    const emptied: Finding = { code: "blob-corrupt", path: "y", digest, bytes: 0 };
    const bySize = `regcheck_findings{${STORAGE},code="blob-corrupt",severity="error"}`;
    expect(linesOf(reportOf([emptied]))).toContain(`${bySize} 1`);
    expect(linesOf(reportOf([]))).toContain(`${bySize} 0`);
    let text = "";
    for (const part of [1, 2]) text = formatPrometheus(reportOf([emptied, rotten], verified(part, 2)), TOOL, text);
    expect(text.split("\n")).toContain(`${bySize} 1`);
    expect(corruptIn(text)).toEqual([
      ["1/2", 1],
      ["2/2", 1],
    ]);
  });

  test("of another storage are not taken over", () => {
    const other = reportOf([rotten], { ...verified(1, 7), storage: { driver: "filesystem", location: "/elsewhere" } });
    expect(corruptIn(formatPrometheus(reportOf([]), TOOL, formatPrometheus(other, TOOL)))).toEqual([]);
  });
});

describe("regcheck_bytes", () => {
  test("puts every stored blob in one state", async () => {
    const registry = new RegistryBuilder();
    const sound = registry.repository("team/sound");
    const kept = sound.image({ layers: ["kept"], config: '{"kept":1}', tag: "1" });
    const free = sound.push("a layer that nothing needs");
    const damaged = registry.repository("team/damaged");
    const broken = damaged.image({ layers: ["unknown use"], config: "{}", tag: "1" });
    registry.tree.write(blobFile(broken.digest), "no longer JSON", registry.now);
    const report = await checkTree(registry.tree);
    expect(bytesOf(report)).toEqual({
      live: kept.size + "kept".length + '{"kept":1}'.length,
      reclaimable: free.size,
      held: "unknown use".length + "{}".length,
      damaged: "no longer JSON".length,
    });
  });

  test("adds up to all that is stored, whatever is shown", async () => {
    for (const options of [[], ["--delete-untagged", "--repository", "team/*"]]) {
      const run = (format: string) => regcheck([FIXTURE, "--grace", "0", "--format", format, ...options]);
      const { totals } = JSON.parse((await run("json")).stdout) as Report;
      const bytes = Array.from((await run("prometheus")).stdout.matchAll(/^regcheck_bytes\{.*\} (\d+)$/gm), ([, n]) => Number(n));
      expect(bytes).toHaveLength(4);
      expect(bytes.reduce((sum, some) => sum + some, 0)).toBe(totals.blobBytes);
    }
  });
});

describe("the time of the last success", () => {
  const success = "regcheck_last_success_timestamp_seconds";

  test("is that of a run that read everything, whatever it found", () => {
    const report = reportOf([{ code: "blob-missing", path: "x" }]);
    expect(linesOf(report)).toContain(`${success}{${STORAGE}} 1700000001.2`);
  });

  test("is 0 where none is known", () => {
    for (const previous of [
      "",
      "<!doctype html>",
      `${success}{${STORAGE}} soon\n`,
      `${success}{storage="/elsewhere"} 1600000000\n`,
    ])
      expect(linesOf(reportOf([], { complete: false }), previous)).toContain(`${success}{${STORAGE}} 0`);
  });

  test("survives runs that fail", async () => {
    const registry = new RegistryBuilder();
    registry.repository("team/app").image({ layers: ["a layer"], tag: "1" });
    const directory = written(registry.tree);
    const file = path.join(temporaryDirectory(), "regcheck.prom");
    const run = () => regcheck([directory, "--format", "prometheus", "--output", file]);
    const timeIn = (name: string) => new RegExp(`^${name}\\{.*\\} (\\S+)$`, "m").exec(fs.readFileSync(file, "utf8"))?.[1];
    expect(await run()).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    const first = timeIn(success);
    expect(Number(first)).toBeGreaterThan(1_700_000_000);
    fs.symlinkSync("/etc", path.join(directory, V2, "repositories/team/elsewhere"));
    for (let i = 0; i < 2; i++) {
      expect((await run()).exitCode).toBe(3);
      expect(timeIn(success)).toBe(first);
      expect(timeIn("regcheck_complete")).toBe("0");
    }
    expect(Number(timeIn("regcheck_last_run_timestamp_seconds"))).toBeGreaterThan(Number(first));
    fs.renameSync(path.join(directory, "docker"), path.join(directory, "gone"));
    expect((await run()).exitCode).toBe(2);
    expect(timeIn(success)).toBe(first);
  });
});
