import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { regcheck } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";
import { pushAndLetGo } from "./support/contents.js";
import { findProgram } from "./support/programs.js";
import { REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { startedRegistry } from "./support/started.js";

interface Report {
  readonly findings: readonly { readonly code: string; readonly digest?: string; readonly new?: boolean }[];
  readonly reclaimable: { readonly selected: { readonly bytes: number } };
  readonly pins: { readonly given: number; readonly found: number; readonly missing: readonly string[] };
}

/** How often each code comes up. */
function counts(codes: Iterable<string>): Record<string, number> {
  const found: Record<string, number> = {};
  for (const code of codes) found[code] = (found[code] ?? 0) + 1;
  return found;
}

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("every day, on the storage of registry %s", (version) => {
  test("all formats say the same, metrics are clean, pins keep what runs, and a baseline knows what is new", async () => {
    const { registry, client } = await startedRegistry(version);
    const untagged = await pushAndLetGo(client);
    const directory = temporaryDirectory();
    const check = (format: string, ...more: string[]) =>
      regcheck([registry.root, "--grace", "0", "--delete-untagged", "--fail-on", "never", "--format", format, ...more]);
    const report = JSON.parse((await check("json")).stdout) as Report;
    const expected = counts(report.findings.map(({ code }) => code));
    expect(expected["blob-unreferenced"]).toBeGreaterThan(3);
    expect(expected["manifest-unreferenced"]).toBeGreaterThan(0);

    const lines = (await check("ndjson")).stdout.trimEnd().split("\n");
    const findings = lines
      .map((line) => JSON.parse(line) as { type: string; code: string })
      .filter(({ type }) => type === "finding");
    expect(counts(findings.map(({ code }) => code))).toEqual(expected);
    const [, ...rows] = (await check("csv")).stdout.trimEnd().split("\r\n");
    expect(counts(rows.map((row) => row.split(",")[0] ?? ""))).toEqual(expected);
    const metrics = (await check("prometheus")).stdout;
    execFileSync(findProgram("promtool"), ["check", "metrics"], { input: metrics });
    for (const [code, count] of Object.entries(expected))
      expect(metrics).toMatch(new RegExp(`^regcheck_findings\\{.*code="${code}".*\\} ${count}$`, "m"));
    const page = path.join(directory, "report.html");
    await check("html", "--output", page);
    for (const code of Object.keys(expected)) expect(fs.readFileSync(page, "utf8")).toContain(code);

    const pods = path.join(directory, "pods.json");
    const elsewhere = `sha256:${"e".repeat(64)}`;
    fs.writeFileSync(pods, JSON.stringify([{ imageID: `team/app@${untagged.digest}` }, { imageID: `other/x@${elsewhere}` }]));
    const kept = JSON.parse((await check("json", "--keep", pods)).stdout) as Report;
    expect(kept.pins).toMatchObject({ given: 2, found: 1, missing: [elsewhere] });
    expect(report.findings.map(({ digest }) => digest)).toContain(untagged.digest);
    expect(kept.findings.map(({ digest }) => digest)).not.toContain(untagged.digest);
    expect(kept.reclaimable.selected.bytes).toBeLessThan(report.reclaimable.selected.bytes);

    const baseline = path.join(directory, "last.ndjson");
    fs.writeFileSync(baseline, (await check("ndjson")).stdout);
    const cron = [registry.root, "--grace", "0", "--delete-untagged", "--fail-on", "garbage", "--fail-on-new", "--quiet"];
    expect(await regcheck([...cron, "--baseline", baseline])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    await client.push("a layer that nobody has used since last night");
    const next = await regcheck([...cron, "--baseline", baseline]);
    expect(next).toMatchObject({ exitCode: 1, stderr: "" });
    expect(next.stdout).toContain("a layer link that no live manifest of its repository needs");
  });
});
