import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { COMMAND_LINE, OPTIONS_OF } from "#regcheck/cli/commands.js";
import { readWords } from "#regcheck/cli/words.js";
import { errorMessage, UsageError } from "#regcheck/errors.js";
import { RegistryTree } from "../support/registry-tree.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { contentOf, garbageRegistry } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const read = (...words: string[]): string[] => readWords(words, COMMAND_LINE);
const outcome = (...words: string[]): string[] | string => {
  try {
    return read(...words);
  } catch (error) {
    return errorMessage(error);
  }
};
const SWITCHES = Object.entries(COMMAND_LINE.options).flatMap(([name, { type }]) => (type === "boolean" ? name : []));
const WITH_VALUES = Object.keys(COMMAND_LINE.options).filter((name) => !SWITCHES.includes(name));

describe("every switch", () => {
  test.each(SWITCHES)("--%s is on when it is given; only true and false may follow =", (name) => {
    for (const word of [`--${name}`, `--${name}=true`, `--${name}=false`]) expect(read(word, "/srv")).toEqual([word, "/srv"]);
    for (const value of ["yes", "1", "on", "client", "TRUE", "True", "0", "no", "off", "", " true", "true,false", "="])
      expect(() => read(`--${name}=${value}`), value).toThrow(UsageError);
    for (const value of ["true", "false"]) expect(() => read(`--${name}`, value)).toThrow(`--${name} ${value}: write --${name}=`);
    expect(() => read(`--${name}`, "/srv", `--${name}=false`)).toThrow(`--${name} is given twice`);
    expect(() => read(`--no-${name}`)).toThrow(`Unknown argument: no-${name}`);
    expect(() => read(`--${name}.x`)).toThrow(`Unknown argument: ${name}.x`);
    expect(() => read(`-${name}`)).toThrow(`Unknown argument: -${name}`);
  });

  test("whoever adds an option adds it to what the command line is read by", () => {
    for (const options of Object.values(OPTIONS_OF))
      for (const name of Object.keys(options)) expect(Object.keys(COMMAND_LINE.options)).toContain(name);
    expect(SWITCHES).toEqual(expect.arrayContaining(["sweep", "dry-run", "quarantine", "apply", "help", "debug", "quiet"]));
  });
});

describe("every option with a value", () => {
  test.each(WITH_VALUES)("--%s is given once, unless each time names one more", (name) => {
    expect(outcome(`--${name}=a`, `--${name}=b`)).toEqual(
      ["keep", "output", "registry-url"].includes(name)
        ? [`--${name}=a`, `--${name}=b`]
        : `--${name} is given twice: give it once`,
    );
    expect(read(`--${name}=a=b`)).toEqual([`--${name}=a=b`]);
    expect(() => read(`--${name}.x=a`)).toThrow(`Unknown argument: ${name}.x`);
    expect(() => read(`--${name}="a"`)).toThrow("without quotes");
  });
});

describe("words", () => {
  test.each<[string[], string[]]>([
    [
      ["--verify", "/srv"],
      ["--verify=1/1", "/srv"],
    ],
    [["--verify=1/7"], ["--verify=1/7"]],
    [
      ["--keep", "-", "/srv"],
      ["--keep", "-", "/srv"],
    ],
    [
      ["--config", "--sweep"],
      ["--config", "--sweep"],
    ],
    [["--", "/srv"], ["/srv"]],
    [
      ["--sweep", "--", "s3://bucket"],
      ["--sweep", "s3://bucket"],
    ],
    [["--", "--sweep"], ["./--sweep"]],
    [["--", "explain"], ["./explain"]],
    [
      ["--", "a", "--sweep"],
      ["./a", "./--sweep"],
    ],
    [["--", "../srv"], ["../srv"]],
    [
      ["--config", "explain", "--", "srv"],
      ["--config", "explain", "./srv"],
    ],
    [
      ["untag", "--", "a:1", "b:1"],
      ["untag", "a:1", "b:1"],
    ],
  ])("%j are read as %j", (before, after) => {
    expect(read(...before)).toEqual(after);
  });

  test.each<[string[], string]>([
    [["--dryRun"], "Unknown argument: dryRun"],
    [["--constructor"], "Unknown argument: constructor"],
    [["--__proto__=x"], "Unknown argument: __proto__"],
    [["-5"], "Unknown argument: -5"],
    [["/srv", "--storage", "/other"], "the storage is given twice: as /srv and as --storage"],
    [["--storage=/other", "--", "/srv"], "the storage is given twice"],
    [["explain", "--", "--all"], "does not begin with a dash"],
    [["--verify", "--verify=1/7"], "--verify is given twice"],
  ])("%j are refused", (words, message) => {
    expect(() => read(...words)).toThrow(message);
  });
});

describe("at the command line", () => {
  const JOURNAL = "{journal}";
  const REGISTRY = "{registry}";
  const sweep = ["--sweep", "--registry-stopped", "--max-delete=100%", "--journal-dir", JOURNAL, "--grace=0", REGISTRY];

  test.each<[string, string[]]>([
    ["a dry run that is written as another program has it", [...sweep, "--dry-run=yes"]],
    ["a dry run that is contradicted", [...sweep, "--dry-run", "--dry-run=false"]],
    ["a dry run in two words", [...sweep, "--dry-run", "true"]],
    ["a dry run in camel case", [...sweep, "--dryRun"]],
    ["a dry run with a dot", [...sweep, "--dry-run.client"]],
    ["a quarantine that is written as a number", [...sweep, "--quarantine=1"]],
    ["two grace times", [...sweep, "--grace=30d"]],
    ["two storages", [...sweep, "--storage", "/elsewhere"]],
    ["a storage behind --, and one before", [...sweep, "--", "/elsewhere"]],
    ["a maximal duration without a unit", [...sweep, "--max-duration", "30"]],
    [
      "a repair with a dry run",
      ["repair", "tag-dangling", "--apply", "--dry-run=on", "--registry-stopped", `--storage=${REGISTRY}`],
    ],
    ["an untag with a dry run", ["untag", "library/base:1", "--dry-run=TRUE", "--registry-stopped", `--storage=${REGISTRY}`]],
    ["a purge without a unit", ["purge", "--older-than", "7", "--journal-dir", JOURNAL]],
    ["a restore with a dry run", ["restore", "x", "--dry-run=server", "--journal-dir", JOURNAL]],
  ])("%s: exit code 2, and nothing is done", async (_, words) => {
    const [registry, journal] = [written(garbageRegistry()), temporaryDirectory()];
    const content = (): Map<string, string> => contentOf(RegistryTree.readFrom(registry));
    const before = content();
    const { exitCode, stdout, stderr } = await regcheck(
      words.map((word) => word.replace(JOURNAL, journal).replace(REGISTRY, registry)),
    );
    expect(stderr).toMatch(/^regcheck: [^\n]+\n$/);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(content()).toEqual(before);
    expect(fs.readdirSync(journal)).toEqual([]);
  });

  test("what follows -- is the storage", async () => {
    const registry = written(garbageRegistry());
    const { exitCode, stdout } = await regcheck(["--grace=0", "--", registry]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`${fs.realpathSync(registry)} (filesystem)`);
    const { stderr } = await regcheck(["--", path.join(registry, "no-such-place")]);
    expect(stderr).toContain("no-such-place: no such directory");
  });

  test("an empty value among several is no value", async () => {
    expect((await regcheck([FIXTURE, "--keep", ""])).stderr).toBe("regcheck: --keep is empty\n");
  });

  test("messages are in one language, whatever the locale", async () => {
    const { stderr } = await regcheck(["explain"], { LANG: "de_DE.UTF-8" });
    expect(stderr).toContain("Not enough non-option arguments");
  });
});
