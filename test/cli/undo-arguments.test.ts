import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { undoArguments } from "#regcheck/cli/undo-arguments.js";
import { commandOf, regcheck, runCommand } from "../support/run.js";
import { RegistryTree } from "../support/registry-tree.js";
import { contentOf, garbageRegistry } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

function wordsOf(command: string): string[] {
  return Array.from(command.matchAll(/'((?:[^']|'\\'')*)'|\S+/g), ([word, quoted]) =>
    quoted === undefined ? word : quoted.replaceAll("'\\''", "'"),
  );
}

test("the command that undoes a sweep works as it is printed", async () => {
  const before = garbageRegistry(1);
  const directory = written(before);
  const journal = `${temporaryDirectory()}/the journal's place`;
  const sweep = [directory, "--sweep", "--registry-stopped", "--quarantine", "--delete-untagged", "--max-delete", "100%"];
  const { stdout } = await regcheck([...sweep, "--fail-on", "never", "--journal-dir", journal]);
  const [, command = ""] = /Undo it with regcheck (restore .*?); free the space/.exec(stdout) ?? [];
  expect(command).toContain(" --journal-dir '");
  expect(await regcheck(wordsOf(command))).toMatchObject({ exitCode: 0, stderr: "" });
  expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(before));
});

test("the command that undoes a run works in any directory", async () => {
  const before = garbageRegistry(1);
  const directory = temporaryDirectory();
  const storage = written(before);
  fs.writeFileSync(path.join(directory, "config.yml"), `version: 0.1\nstorage: { filesystem: { rootdirectory: ${storage} } }\n`);
  const sweep = ["--sweep", "--registry-stopped", "--quarantine", "--delete-untagged", "--max-delete", "100%", "--grace", "0"];
  const named = ["--fail-on", "never", "--config", "config.yml", "--journal-dir", "journal"];
  const inside = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", directory] as const;
  const { stdout } = await runCommand([...inside, ...commandOf([...sweep, ...named])]);
  const [, command = ""] = /Undo it with regcheck (restore .*?); free the space/.exec(stdout) ?? [];
  expect(command).toContain(` --config ${directory}/config.yml --journal-dir ${directory}/journal`);
  expect(await regcheck([...wordsOf(command), "--registry-stopped"])).toMatchObject({ exitCode: 0, stderr: "" });
  expect(contentOf(RegistryTree.readFrom(storage))).toEqual(contentOf(before));
});

test("a config that was found in its usual place is named: restore and purge do not look there", () => {
  const names = [
    "storage",
    "config",
    "endpoint",
    "region",
    "timeout",
    "concurrency",
    "cache",
    "cacheSize",
    "journalDir",
  ] as const;
  const none = Object.fromEntries(names.map((name) => [name, undefined])) as Record<(typeof names)[number], undefined>;
  const args = { ...none, forcePathStyle: undefined, readLinks: undefined };
  expect(undoArguments(args, { configFile: "/etc/distribution/config.yml" })).toBe(" --config /etc/distribution/config.yml");
  expect(undoArguments(args, { configFile: undefined })).toBe("");
});
