import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { listRuns } from "#regcheck/journal/read-run.js";
import { COMMANDS } from "#regcheck/cli/commands.js";
import { RegistryBuilder } from "../support/builder.js";
import { brokenRegistry } from "../support/repairing.js";
import { regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import { garbageRegistry } from "../support/sweeping.js";
import { sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

/** A command line of a command that comes to a good end: each time of a storage of its own. */
type Words = () => readonly string[] | Promise<readonly string[]>;

function sound(): string {
  const registry = new RegistryBuilder();
  registry.repository("team/app").image({ layers: ["a layer"], config: "a config", tag: "1" });
  return written(registry.tree);
}

async function undone(command: string): Promise<readonly string[]> {
  const [directory, journal] = [written(garbageRegistry(1)), temporaryDirectory()];
  await regcheck(sweepEverything(directory, journal, "--quarantine"));
  return [command, listRuns(journal)[0] ?? "", "--journal-dir", journal];
}

const recorded = (): string[] => ["--registry-stopped", "--journal-dir", temporaryDirectory()];

const LINES: readonly (readonly [string, Words])[] = [
  ["check", () => [sound()]],
  ["sweep", () => sweepEverything(written(garbageRegistry(1)), temporaryDirectory())],
  ["untag", () => ["untag", "team/app:1", "--storage", sound(), ...recorded()]],
  [
    "untag --policy",
    () => {
      const file = path.join(temporaryDirectory(), "policy.yaml");
      fs.writeFileSync(file, "- {name: old, action: {type: Delete}, condition: {olderThan: 7d}}\n");
      return ["untag", "--policy", file, sound(), "--apply", "--allow-empty", "--max-untag=100%", ...recorded()];
    },
  ],
  ["repair", () => ["repair", "layer-link-missing", "--apply", "--storage", written(brokenRegistry(1)), ...recorded()]],
  ["restore", () => undone("restore")],
  ["purge", () => undone("purge")],
  ["runs", () => ["runs", sound(), "--journal-dir", temporaryDirectory()]],
  [
    "unlock",
    () => {
      const directory = sound();
      fs.mkdirSync(path.join(directory, "regcheck"));
      fs.writeFileSync(path.join(directory, "regcheck/lock"), "");
      return ["unlock", directory, "--registry-stopped"];
    },
  ],
  ["explain", () => ["explain", "team/app:1", "--storage", sound()]],
  ["export", () => ["export", path.join(temporaryDirectory(), "out"), sound()]],
  ["codes", () => ["codes"]],
  [
    "manifests",
    async () => {
      const server = await startedServer();
      store(server, garbageRegistry(1));
      return ["manifests", "s3://b", "--endpoint", server.endpoint, "--part", "0/1", "--cache", temporaryDirectory()];
    },
  ],
];

/** What is asked for is printed whether or not anybody is to be bothered with it. */
const ANSWERS = new Set(["explain", "codes"]);

describe("every command takes --quiet and --format json", () => {
  test("all of them are here", () => {
    const tried = new Set(LINES.map(([name]) => name.split(" ")[0]));
    expect(Object.keys(COMMANDS).filter((name) => !tried.has(name))).toEqual([]);
  });

  test.each(LINES)("%s", async (name, words) => {
    const json = await regcheck([...(await words()), "--format", "json"], KEYS);
    expect({ ...json, stdout: typeof JSON.parse(json.stdout) }).toEqual({ exitCode: 0, stdout: "object", stderr: "" });
    const quiet = await regcheck([...(await words()), "--quiet"], KEYS);
    expect({ ...quiet, stdout: quiet.stdout !== "" }).toEqual({ exitCode: 0, stdout: ANSWERS.has(name), stderr: "" });
  });
});
