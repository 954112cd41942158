import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { defaultJournalDirectory } from "#regcheck/journal/journal.js";
import { listRuns } from "#regcheck/journal/read-run.js";
import { regcheck } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";

const MAIN = path.resolve(import.meta.dirname, "../../dist/cli/main.js");

/** What bash offers for the last of the words, with the program's own completion script. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const directory = temporaryDirectory();
  fs.writeFileSync(path.join(directory, "regcheck"), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`, { mode: 0o755 });
  const { stdout: script } = await regcheck(["completion"], { SHELL: "/bin/bash" });
  const program = `${script}\nCOMP_WORDS=("$@")\nCOMP_CWORD=$(($# - 1))\n$(complete -p regcheck | sed 's/.*-F //; s/ .*//')\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
  const environment = { ...process.env, PATH: `${directory}:${process.env["PATH"] ?? ""}` };
  const output = execFileSync("bash", ["-c", program, "bash", "regcheck", ...words], { encoding: "utf8", env: environment });
  return output.split("\n").filter((line) => line !== "");
}

describe("completion in bash", () => {
  test("offers options of the check, which is the command without a name", async () => {
    expect(await offered("--del")).toEqual(["--delete-untagged"]);
    expect(await offered("--verify", "--dr")).toEqual(["--drop-dangling-tags", "--dry-run"]);
    expect(await offered("/var/lib/registry", "--dr")).toEqual(["--drop-dangling-tags", "--dry-run"]);
  });

  test("offers the values of an option", async () => {
    expect(await offered("--fail-on", "")).toEqual(["error", "warning", "garbage", "info", "never"]);
    expect(await offered("--format", "ht")).toEqual(["html"]);
  });

  test("offers commands, and their own options", async () => {
    expect(await offered("co")).toEqual(["codes", "completion"]);
    expect(await offered("codes", "--fo")).toEqual(["--format"]);
    expect(await offered("untag", "--reg")).toContain("--registry-stopped");
    expect(await offered("repair", "--ap")).toEqual(["--apply"]);
  });

  test("offers what can be repaired", async () => {
    expect(await offered("repair", "tag-")).toEqual(["tag-dangling", "tag-link-invalid", "tag-without-current"]);
    expect(await offered("repair", "tag-dangling", "layer-link-m")).toEqual(["layer-link-missing"]);
  });

  test("offers the runs that can be restored or purged", async () => {
    const state = temporaryDirectory();
    const runs = ["20261126T101500000Z-aaaaaa", "20261126T111500000Z-bbbbbb"];
    const directory = process.getuid?.() === 0 ? undefined : path.join(state, "regcheck");
    // Root's journals have one place, which is the machine's own.
    const expected = directory === undefined ? listRuns(defaultJournalDirectory()) : runs;
    if (directory !== undefined) {
      fs.mkdirSync(directory);
      for (const run of runs) fs.writeFileSync(path.join(directory, `${run}.ndjson`), "");
    }
    process.env["XDG_STATE_HOME"] = state;
    expect(await offered("restore", "2")).toEqual(expected);
    delete process.env["XDG_STATE_HOME"];
  });

  test("leaves files to the shell", async () => {
    expect(await offered("/var/lib")).toEqual([]);
    expect(await offered("--config", "")).toEqual([]);
  });

  test("offers every command that there is", async () => {
    const { stdout } = await regcheck(["--help"]);
    const commands = [...stdout.matchAll(/^ {2}regcheck ([a-z]+)(?= )/gm)].map(([, name]) => name);
    expect(new Set(await offered(""))).toEqual(new Set(commands));
  });
});
