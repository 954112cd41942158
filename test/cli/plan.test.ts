import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { garbageRegistry } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

test("what was pushed again since the plan was made stays, with all that it names, though the plan has it", async () => {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  app.image({ layers: ["tagged"], tag: "tagged" });
  const again = app.image({ layers: ["pushed again"], config: "its config" });
  const rest = app.image({ layers: ["garbage"], config: "garbage" });
  const directory = written(registry.tree);
  const plan = path.join(temporaryDirectory(), "plan.ndjson");
  const options = ["--delete-untagged", "--grace", "0", "--registry-stopped", "--journal-dir", temporaryDirectory()];
  expect((await regcheck([directory, ...options, "--dry-run", "--plan-output", plan])).stdout).toContain("2 manifests");

  // A registry writes the manifest's link anew, and leaves blobs that it has as they are.
  const link = path.join(directory, app.path, app.revisionLink(again.digest), "link");
  const now = Date.now() / 1000 + 1;
  fs.utimesSync(link, now, now);
  const { exitCode, stdout } = await regcheck([directory, ...options, "--sweep", "--plan", plan, "--fail-on", "never"]);
  expect(exitCode, stdout).toBe(0);
  expect(fs.existsSync(link)).toBe(true);
  expect(fs.existsSync(path.join(directory, app.path, app.revisionLink(rest.digest), "link"))).toBe(false);
  fs.utimesSync(link, 1e9, 1e9);
  const { stdout: after } = await regcheck([directory, "--delete-untagged", "--grace", "0", "--fail-on", "never"]);
  expect(after).not.toMatch(/blob-missing|layer-link-missing/);
  expect(after).toContain("1 manifest");
});

describe("a sweep by a plan that was made with more options", () => {
  /** Its plan, with every option that adds to it; and how it is swept. */
  async function reviewed() {
    const directory = written(garbageRegistry(1));
    const plan = path.join(temporaryDirectory(), "plan.ndjson");
    const common = [directory, "--registry-stopped", "--journal-dir", temporaryDirectory(), "--fail-on", "never"];
    const all = ["--delete-untagged", "--drop-dangling-tags", "--purge-uploads", "--prune-empty"];
    await regcheck([...common, ...all, "--grace", "0", "--dry-run", "--plan-output", plan]);
    const items = fs
      .readFileSync(plan, "utf8")
      .split("\n")
      .filter((line) => line.includes('"type":"item"')).length;
    const sweep = (...args: string[]) => regcheck([...common, "--max-delete", "100%", "--plan", plan, ...args]);
    return { plan, all, items, sweep };
  }

  const made = "it was made with --delete-untagged, --drop-dangling-tags, --purge-uploads, --prune-empty, --grace 0s";

  test("says so before the first delete and in its report, and with the same options takes the rest", async () => {
    const { all, items, sweep } = await reviewed();
    const part = await sweep("--sweep", "--format", "json");
    const [, notice = "", left = ""] = /^regcheck: ((\d+) of the .*)\n$/.exec(part.stderr) ?? [];
    expect(notice).toBe(
      `${left} of the ${items} items in the plan stay: ${made}, and this run was not. With the same options, all of it goes that still is garbage.`,
    );
    expect(JSON.parse(part.stdout)).toMatchObject({ notices: [notice] });
    const taken = items - Number(left);
    expect(taken).toBeGreaterThan(0);

    const rest = await sweep("--sweep", ...all, "--grace", "0");
    expect(rest.stdout).toContain(`! ${taken} of the ${items} items in the plan stay: gone, or kept by what has changed`);
    expect(rest.stderr).toBe("");
  });

  test("says nothing where all of it goes", async () => {
    const { all, sweep } = await reviewed();
    const { stderr, stdout } = await sweep("--sweep", ...all, "--grace", "0s", "--format", "json");
    expect([stderr, JSON.parse(stdout)]).toEqual(["", expect.objectContaining({ notices: [] })]);
  });

  test("says that it may be so where the plan does not tell, as that of an older version", async () => {
    const { plan, items, sweep } = await reviewed();
    const lines = fs.readFileSync(plan, "utf8").trimEnd().split("\n");
    const [head = "", ...rest] = lines.slice(0, -1);
    const text = [JSON.stringify({ ...(JSON.parse(head) as object), terms: undefined }), ...rest]
      .map((line) => `${line}\n`)
      .join("");
    const end = { type: "end", items, sha256: crypto.createHash("sha256").update(text).digest("hex") };
    fs.writeFileSync(plan, `${text}${JSON.stringify(end)}\n`);
    const { stderr } = await sweep("--sweep", "--quiet");
    expect(stderr).toMatch(
      /^regcheck: \d+ of the \d+ items in the plan stay: gone or needed again, or this run was not given all/,
    );
  });
});
