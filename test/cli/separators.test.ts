import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { RegistryBuilder, V2 } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { temporaryDirectory, written } from "../support/temporary.js";

/** What JSON leaves as it is in a string, and some readers of lines take for the end of one. */
const SEPARATORS = /[\u2028\u2029]/;

/** A registry with garbage, in a directory of a name of its own. */
function registryIn(name: string): string {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  app.image({ layers: ["a layer"], tag: "1" });
  app.push("a layer that nothing needs");
  const directory = path.join(temporaryDirectory(), name);
  fs.renameSync(written(registry.tree), directory);
  return directory;
}

test("a baseline with line and paragraph separators is read, however they are written", async () => {
  const directory = registryIn("a registry");
  for (const name of ["line\u2028line", "paragraph\u2029paragraph"])
    fs.mkdirSync(path.join(directory, V2, "repositories/team/app/_manifests/tags", name));
  const file = path.join(temporaryDirectory(), "known.ndjson");
  await regcheck([directory, "--grace", "0", "--format", "ndjson", "--output", file]);
  const text = fs.readFileSync(file, "utf8");
  expect(text).toContain(String.raw`line\u2028line`);
  expect(text).toContain(String.raw`paragraph\u2029paragraph`);
  expect(text).not.toMatch(SEPARATORS);
  const raw = text.replaceAll(String.raw`\u2028`, "\u2028").replaceAll(String.raw`\u2029`, "\u2029");
  for (const content of [text, raw, raw.replaceAll("\n", "\r\n")]) {
    fs.writeFileSync(file, content);
    const { stdout, stderr } = await regcheck([directory, "--grace", "0", "--format", "json", "--baseline", file]);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ baseline: { new: 0, gone: 0 } });
  }
});

test("a plan for a storage with a line separator in its path is taken, and journals have none", async () => {
  const directory = registryIn("a\u2028registry");
  const plan = path.join(temporaryDirectory(), "plan.ndjson");
  const journals = temporaryDirectory();
  const args = [directory, "--grace", "0", "--registry-stopped", "--max-delete", "100%"];
  await regcheck([...args, "--dry-run", "--plan-output", plan]);
  const text = fs.readFileSync(plan, "utf8");
  expect(text).not.toMatch(SEPARATORS);
  fs.writeFileSync(plan, text.replaceAll("\n", "\r\n"));
  expect(await regcheck([...args, "--sweep", "--plan", plan, "--journal-dir", journals])).toMatchObject({ exitCode: 0 });
  const [journal = ""] = fs.readdirSync(journals);
  expect(fs.readFileSync(path.join(journals, journal), "utf8")).not.toMatch(SEPARATORS);
});
