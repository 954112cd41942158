import { describe, expect, test } from "vitest";
import * as CHANGE_OPTIONS from "#regcheck/cli/change-options.js";
import * as OPTIONS from "#regcheck/cli/options.js";
import { COMMANDS } from "#regcheck/cli/commands.js";
import { EXIT_CODES } from "#regcheck/errors.js";
import { RETENTION_RULES, RULES } from "#regcheck/guard/rules.js";
import { parsePolicyFile } from "#regcheck/retention/policy-file.js";
import { catalogueTable, markedPart, readReadme, rulesTable } from "./support/readme.js";
import { FIXTURE, regcheck } from "./support/run.js";

const readme = readReadme();

const commandNames = [...Object.keys(COMMANDS), "completion"];

/** All options that any command has. */
const known = new Set([
  ...Object.values({ ...OPTIONS, ...CHANGE_OPTIONS }).flatMap((group) => (typeof group === "object" ? Object.keys(group) : [])),
  "storage",
  "help",
  "version",
]);

describe("README.md", () => {
  test("has the catalogue as the code has it", () => {
    expect(markedPart(readme, "catalogue")).toBe(catalogueTable());
  });

  test("has the rules of a sweep as the code has them", () => {
    expect(markedPart(readme, "rules")).toBe(rulesTable(RULES));
    expect(markedPart(readme, "retention-rules")).toBe(rulesTable(RETENTION_RULES));
  });

  test("has policies that are accepted as they are", () => {
    const example = /```yaml\n(- name: pull-requests\n[^]*?)```/.exec(readme)?.[1] ?? "";
    expect(parsePolicyFile(example, "README.md").policies).toHaveLength(3);
    const rows = readme.slice(readme.indexOf("| you have this |")).split("\n\n", 1)[0]?.split("\n") ?? [];
    const written = rows.map((row) => [...row.matchAll(/`(\{name: .*?)`/g)].map(([, policy = ""]) => `- ${policy}`));
    const counts = written.map((policies) =>
      policies.length === 0 ? 0 : parsePolicyFile(policies.join("\n"), "README.md").policies.length,
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(12);
  });

  test("has every exit code", () => {
    const table = readme.slice(readme.indexOf("| exit code |"));
    const named = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap((row) => (row[1] ?? "").split(",").map(Number));
    expect(named).toEqual(Object.values(EXIT_CODES));
  });

  test("shows what npm start prints", async () => {
    const { stdout } = await regcheck([FIXTURE, "--grace", "0", "--fail-on", "never", "--name", "registry-1"]);
    const printed = stdout.split("\n");
    const lines = markedPart(readme, "example").split("\n");
    const [head = "", ...shown] = lines.filter((line) => !line.startsWith("```") && line !== "…" && line !== "");
    expect(head).toMatch(/^…\/fixtures\/registry \(filesystem\) on registry-1, read in /);
    expect(shown.length).toBeGreaterThan(12);
    const places = shown.map((line) => printed.indexOf(line));
    expect(shown.filter((_, i) => (places[i] ?? -1) < 0)).toEqual([]);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test("names no option and no command that is not there", () => {
    const docker = new Set(["rm", "read-only", "tmpfs", "user", "network"]);
    const ours = readme.replace(/npm [^\n]*|aws s3api [^\n)]*/g, "");
    const options = [...ours.matchAll(/(?<![\w-])--([a-z][a-z-]+)/g)].map(([, name = ""]) => name);
    expect(options.length).toBeGreaterThan(30);
    expect(options.filter((name) => !known.has(name) && !docker.has(name))).toEqual([]);
    const commands = [...ours.matchAll(/(?:^ {4}|`)regcheck ([a-z]+)/gm)].map(([, name = ""]) => name);
    expect(commands.filter((name) => !commandNames.includes(name) && name !== "s")).toEqual([]);
    expect(new Set(commands)).toEqual(new Set([...commandNames, "s"]));
  });
});
