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

function series(metric: string, storage: string, values: string): object {
  return { series: `${metric}{instance="host",storage="${storage}"}`, values };
}

/** What promtool says of the rules, evaluated once a day, for what it calls a test. */
function testRules(about: object): Promise<string> {
  const file = path.join(temporaryDirectory(), "test.yaml");
  const text = { rule_files: [RULES], evaluation_interval: "1d", tests: [{ interval: "1d", ...about }] };
  fs.writeFileSync(file, JSON.stringify(text));
  return runProgram("promtool", ["test", "rules", file]).catch(String);
}

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
    const oldest = "regcheck_quarantine_oldest_timestamp_seconds";
    const bytes = "regcheck_quarantine_bytes";
    const alertname = "RegistryQuarantineKept";
    const fired = {
      exp_labels: { instance: "host", storage: "kept", severity: "info" },
      exp_annotations: {
        summary: "host, kept: what a run has moved into the quarantine has been there for 29d 0h 0m 0s",
        description: rules.groups.flatMap((group) => group.rules).find(({ alert }) => alert === alertname)?.annotations
          .description,
      },
    };
    const inputs = [
      // A run each Sunday, and the one of the week before purged; one that was forgotten; none.
      ...["weekly", "kept", "none"].map((storage) => series(bytes, storage, storage === "none" ? "0x40" : "1000x40")),
      series(oldest, "weekly", [0, 1, 2, 3, 4, 5].map((week) => `${week * sunday}x6`).join(" ")),
      series(oldest, "kept", `${sunday}x40`),
      series(oldest, "none", "0x40"),
    ];
    const output = await testRules({
      input_series: inputs,
      alert_rule_test: [
        { eval_time: "20d", alertname, exp_alerts: [] },
        { eval_time: "36d", alertname, exp_alerts: [fired] },
      ],
    });
    expect(output).toContain("SUCCESS");
  });

  test("a run that fails tells of itself, not of a lock that a check before it has seen", async () => {
    const inputs = [
      ...["stuck", "failed"].map((storage) => series("regcheck_locked", storage, "1x3")),
      series("regcheck_complete", "stuck", "1x3"),
      series("regcheck_complete", "failed", "1 0x2"),
    ];
    const alert = (name: string, storage: string): string =>
      `ALERTS{alertname="${name}",alertstate="firing",instance="host",severity="warning",storage="${storage}"}`;
    const fired = [alert("RegistryCheckIncomplete", "failed"), alert("RegistryLocked", "stuck")];
    const output = await testRules({
      input_series: inputs,
      promql_expr_test: [
        { eval_time: "2d", expr: 'ALERTS{alertstate="firing"}', exp_samples: fired.map((labels) => ({ labels, value: 1 })) },
      ],
    });
    expect(output).toContain("SUCCESS");
  });

  test("each panel has its own number", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
