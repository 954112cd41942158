import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { FIXTURE, regcheck } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";
import { findProgram, runProgram } from "./support/programs.js";

const EXAMPLES = path.resolve(import.meta.dirname, "../../docs/examples");
const RULES = path.join(EXAMPLES, "alerts.yaml");

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly description: string };
}
interface Rules {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
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

  test("a quarantine is told of by the age of its oldest run, not by being in use", async () => {
    const sunday = 7 * 86_400;
    const labels = (storage: string): string => `{instance="host",storage="${storage}"}`;
    const series = (metric: string, storage: string, values: string) => ({ series: metric + labels(storage), values });
    const oldest = "regcheck_quarantine_oldest_timestamp_seconds";
    const bytes = "regcheck_quarantine_bytes";
    const file = path.join(temporaryDirectory(), "test.yaml");
    const alertname = "RegistryQuarantineKept";
    const fired = {
      exp_labels: { instance: "host", storage: "kept", severity: "info" },
      exp_annotations: {
        summary: "host, kept: what a run has moved into the quarantine has been there for 29d 0h 0m 0s",
        description: rules.groups.flatMap((group) => group.rules).find(({ alert }) => alert === alertname)?.annotations
          .description,
      },
    };
    const text = {
      rule_files: [RULES],
      evaluation_interval: "1d",
      tests: [
        {
          interval: "1d",
          input_series: [
            // A run each Sunday, and the one of the week before purged; one that was forgotten; none.
            ...["weekly", "kept", "none"].map((storage) => series(bytes, storage, storage === "none" ? "0x40" : "1000x40")),
            series(oldest, "weekly", [0, 1, 2, 3, 4, 5].map((week) => `${week * sunday}x6`).join(" ")),
            series(oldest, "kept", `${sunday}x40`),
            series(oldest, "none", "0x40"),
          ],
          alert_rule_test: [
            { eval_time: "20d", alertname, exp_alerts: [] },
            { eval_time: "36d", alertname, exp_alerts: [fired] },
          ],
        },
      ],
    };
    fs.writeFileSync(file, JSON.stringify(text));
    const output = await runProgram("promtool", ["test", "rules", file]).catch((error: unknown) => String(error));
    expect(output).toContain("SUCCESS");
  });

  test("each panel has its own number", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
