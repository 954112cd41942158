import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { FIXTURE, regcheck } from "../support/run.js";
import { findProgram, runProgram } from "./support/programs.js";

const EXAMPLES = path.resolve(import.meta.dirname, "../../docs/examples");
const RULES = path.join(EXAMPLES, "alerts.yaml");

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
}
interface Dashboard {
  readonly panels: readonly { readonly id: number; readonly targets: readonly { readonly expr: string }[] }[];
}

const rules = parse(fs.readFileSync(RULES, "utf8")) as Rules;
const dashboard = JSON.parse(fs.readFileSync(path.join(EXAMPLES, "grafana-dashboard.json"), "utf8")) as Dashboard;

describe("the Prometheus rules and the Grafana dashboard", () => {
  let written: ReadonlySet<string>;

  beforeAll(async () => {
    const { stdout } = await regcheck([FIXTURE, "--grace", "0", "--format", "prometheus"]);
    written = new Set([...stdout.matchAll(/^(regcheck_\w+)[ {]/gm)].map(([, name = ""]) => name));
  });

  test.each([
    ["rules", rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr))],
    ["dashboard", dashboard.panels.flatMap((panel) => panel.targets.map(({ expr }) => expr))],
  ])("%s use metrics that regcheck writes", (_, expressions) => {
    const used = new Set(expressions.flatMap((expression) => expression.match(/regcheck_\w+/g) ?? []));
    expect(used.size).toBeGreaterThan(2);
    expect([...used].filter((name) => !written.has(name))).toEqual([]);
  });

  test("promtool finds nothing wrong with the metrics", async () => {
    const { stdout } = await regcheck([FIXTURE, "--grace", "0", "--format", "prometheus"]);
    // The linter prints what it dislikes, to either output, and takes the metrics from its input.
    const options = { input: stdout, encoding: "utf8" } as const;
    expect(execFileSync("bash", ["-c", '"$0" check metrics 2>&1', findProgram("promtool")], options)).toBe("");
  });

  test("promtool finds nothing wrong with the rules", async () => {
    expect(await runProgram("promtool", ["check", "rules", RULES])).toContain("SUCCESS");
  });

  test("each panel has its own number", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
