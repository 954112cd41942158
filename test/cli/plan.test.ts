import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { regcheck } from "../support/run.js";
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
