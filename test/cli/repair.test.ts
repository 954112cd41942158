import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { REPAIR_CODES } from "#regcheck/repair/codes.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { RegistryTree } from "../support/registry-tree.js";
import { brokenRegistry } from "../support/repairing.js";
import { contentOf } from "../support/sweeping.js";
import { regcheckWith } from "../support/system-calls.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const ALL = REPAIR_CODES;
const of = (directory: string) => contentOf(RegistryTree.readFrom(directory));

describe("regcheck repair", () => {
  test("shows what it would write, what it cannot repair and why, and what each rule says; and writes nothing", async () => {
    const before = of(FIXTURE);
    const { exitCode, stdout, stderr } = await regcheck(["repair", ...ALL, "--storage", FIXTURE]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "" });
    expect(stdout).toContain("Would repair (nothing was changed; --apply does it)");
    expect(stdout).toMatch(
      /^ {2}team\/batch:2024\.06 {2}tag-link-invalid\n {4}would rewrite docker\/registry\/v2\/repositories\/team\/batch\/_manifests\/tags\/2024\.06\/current\/link\n {6}with sha256:[0-9a-f]{64}: the only entry of the tag's history names this manifest/m,
    );
    expect(stdout).toMatch(
      /^ {2}team\/api:v1\.3 {2}tag-dangling\n {4}would create .*\n.*\n {4}! if the manifest was deleted on purpose/m,
    );
    expect(stdout).toContain(
      "Not repairable by regcheck\n  team/api:v1.2  tag-dangling\n    because its manifest is not stored\n    → ",
    );
    expect(stdout).toContain("REFUSES  no-writers");
    expect(stdout).toMatch(/6 links would be written, 1 finding not repairable by regcheck\n$/);
    expect(of(FIXTURE)).toEqual(before);
  });

  test("--apply writes, --dry-run wins over it, restore undoes it", async () => {
    const tree = brokenRegistry();
    const directory = written(tree);
    const journal = ["--journal-dir", temporaryDirectory()];
    const args = ["repair", ...ALL, "--storage", directory, "--registry-stopped", ...journal];
    expect((await regcheck(args)).exitCode).toBe(1);
    expect((await regcheck([...args, "--apply", "--dry-run"])).exitCode).toBe(0);
    expect(of(directory)).toEqual(contentOf(tree));
    const { exitCode, stdout, stderr } = await regcheck([...args, "--apply"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("rewrote docker/registry/v2/repositories/team/app-0/_manifests/tags/both/current/link");
    const [, runId = ""] = /Undo it with regcheck restore (\S+) --journal-dir/.exec(stdout) ?? [];
    expect((await regcheck([directory])).stdout).toContain("SOUND");
    const again = await regcheck([...args, "--apply"]);
    expect(again).toEqual({ exitCode: 0, stdout: "Nothing to repair: there is no finding of these codes\n", stderr: "" });

    expect(await regcheck(["restore", runId, ...journal])).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/^regcheck: restore refused by the rule no-writers: .* Nothing was changed\.\n$/) as unknown,
    });
    expect(await regcheck(["restore", runId, "--registry-stopped", ...journal])).toEqual({
      exitCode: 0,
      stdout: "9 links restored, 0 links already there\n",
      stderr: "",
    });
    expect(of(directory)).toEqual(contentOf(tree));
  });

  test("as JSON", async () => {
    const directory = written(brokenRegistry());
    const args = ["repair", "tag-link-invalid", "tag-dangling", "--storage", directory, "--format", "json"];
    const { stdout } = await regcheck(args);
    const parsed = JSON.parse(stdout) as { repairs: Record<string, unknown>[]; verdicts: Record<string, unknown>[] };
    expect(parsed).toMatchObject({ dryRun: true, unrepairable: [{ code: "tag-link-invalid", subject: "team/app-0:both" }] });
    expect(parsed.repairs.map(({ code, action, subject }) => [code, action, subject])).toEqual([
      ["tag-dangling", "create", "team/app-0:dangling"],
      ["tag-link-invalid", "rewrite", "team/app-0:tag"],
    ]);
    expect(parsed.verdicts.map(({ rule }) => rule)).toContain("no-writers");
  });

  test("is refused with exit code 4 while nothing says that nobody writes", async () => {
    const tree = brokenRegistry();
    const directory = written(tree);
    const { exitCode, stdout, stderr } = await regcheck(["repair", ...ALL, "--storage", directory, "--apply"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: "" });
    expect(stderr).toMatch(/^regcheck: repair refused by the rule no-writers: .* Nothing was changed\.\n$/);
    expect(of(directory)).toEqual(contentOf(tree));
  });

  test("a journal that fails in the middle ends it with exit code 5: what was written is told, and another run finishes", async () => {
    const tree = brokenRegistry();
    const directory = written(tree);
    const journal = temporaryDirectory();
    const args = ["repair", ...ALL, "--storage", directory, "--registry-stopped", "--apply", "--journal-dir", journal];
    const plan = { call: "writeFileSync", path: `^${journal}/`, code: "ENOSPC", skip: 2, times: 1 };
    const { exitCode, stdout, stderr, injected } = await regcheckWith(plan, args);
    expect({ exitCode, stderr, injected }).toEqual({ exitCode: 5, stderr: "", injected: true });
    expect(stdout).toMatch(/^ {4}rewrote \S+_layers\S+link$/m);
    expect(stdout).toMatch(/^1 link written\n {2}Run \S+, journal \S+\n/m);
    expect(stdout).toMatch(/^STOPPED: \S+: the journal cannot be written any more \(no space left on device\)/m);
    expect((await regcheck(args)).exitCode).toBe(0);
    expect((await regcheck([directory])).stdout).toContain("SOUND");
  });

  test("a journal that cannot take its last line ends it with exit code 5", async () => {
    const journal = temporaryDirectory();
    const args = ["repair", ...ALL, "--storage", written(brokenRegistry()), "--registry-stopped", "--apply"];
    const plan = { call: "writeFileSync", path: `^${journal}/`, code: "EIO", skip: ALL.length + 1 };
    const { exitCode, stdout, injected } = await regcheckWith(plan, [...args, "--journal-dir", journal]);
    expect({ exitCode, injected }).toEqual({ exitCode: 5, injected: true });
    expect(stdout).toMatch(/^9 links written$/m);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "%s ends it before the next code, with %d; what was written is told, and its journal has an end",
    async (signal, exitCode) => {
      const directory = written(brokenRegistry());
      const journal = temporaryDirectory();
      const args = ["repair", ...ALL, "--storage", directory, "--registry-stopped", "--apply", "--journal-dir", journal];
      const run = await regcheckWith({ call: "renameSync", path: "_layers/.*tmp$", signal }, args);
      expect(run).toMatchObject({ exitCode, stderr: "" });
      expect(run.stdout).toContain("STOPPED: a signal stopped it");
      const [file = ""] = fs.readdirSync(journal);
      const lines = fs.readFileSync(path.join(journal, file), "utf8").trimEnd().split("\n");
      expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ type: "end", written: 1, stopped: "a signal stopped it" });
    },
  );

  test("an incomplete scan has exit code 3, in a dry run as well", async () => {
    const directory = written(brokenRegistry());
    fs.symlinkSync("/etc", path.join(directory, "docker/registry/v2/repositories/elsewhere"));
    const args = ["repair", ...ALL, "--storage", directory, "--registry-stopped"];
    expect((await regcheck(args)).exitCode).toBe(3);
    expect((await regcheck([...args, "--apply"])).exitCode).toBe(3);
  });

  test.each([
    ["blob-missing", "regcheck cannot repair this"],
    ["link-mismatch", "regcheck cannot repair this"],
    ["everything", "no such code"],
  ])("%s is refused with those that can be repaired", async (code, why) => {
    const { exitCode, stdout, stderr } = await regcheck(["repair", "tag-dangling", code, "--storage", FIXTURE]);
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `regcheck: ${code}: ${why}. What can be repaired: ${ALL.join(", ")}\n`,
    });
  });
});
