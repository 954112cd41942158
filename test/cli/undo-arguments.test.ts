import { expect, test } from "vitest";
import { regcheck } from "../support/run.js";
import { RegistryTree } from "../support/registry-tree.js";
import { contentOf, garbageRegistry } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

test("the command that undoes a sweep works as it is printed", async () => {
  const before = garbageRegistry(1);
  const directory = written(before);
  const journal = `${temporaryDirectory()}/the journal's place`;
  const sweep = [directory, "--sweep", "--registry-stopped", "--quarantine", "--delete-untagged", "--max-delete", "100%"];
  const { stdout } = await regcheck([...sweep, "--fail-on", "never", "--journal-dir", journal]);
  const [, command = ""] = /Undo it with regcheck (restore .*?); free the space/.exec(stdout) ?? [];
  expect(command).toContain(" --journal-dir '");
  const words = Array.from(command.matchAll(/'((?:[^']|'\\'')*)'|\S+/g), ([word, quoted]) =>
    quoted === undefined ? word : quoted.replaceAll("'\\''", "'"),
  );
  expect(await regcheck(words)).toMatchObject({ exitCode: 0, stderr: "" });
  expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(before));
});
