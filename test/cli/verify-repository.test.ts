import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { blobFile, RegistryBuilder, sha256 } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { temporaryDirectory, written } from "../support/temporary.js";

/** Two repositories with a layer of their own each and one that both have; all three are rotten. */
function rottenRegistry(): string {
  const registry = new RegistryBuilder();
  registry.repository("team/app").image({ layers: ["of app", "shared"], tag: "1" });
  registry.repository("other").image({ layers: ["of other", "shared"], tag: "1" });
  const directory = written(registry.tree);
  for (const layer of ["of app", "of other", "shared"])
    fs.writeFileSync(path.join(directory, blobFile(sha256(layer))), layer.toUpperCase());
  return directory;
}

describe("--verify with --repository", () => {
  test("reads the blobs of the repositories that match, and no others", async () => {
    const directory = rottenRegistry();
    const report = async (...args: string[]) => {
      const { stdout } = await regcheck([directory, "--verify", "--format", "json", "--grace", "0", ...args]);
      const { verified, findings } = JSON.parse(stdout) as {
        verified: { blobs: number };
        findings: { code: string; digest: string }[];
      };
      return {
        blobs: verified.blobs,
        corrupt: findings.filter(({ code }) => code === "blob-corrupt").map(({ digest }) => digest),
      };
    };
    const all = await report();
    expect(all.corrupt.sort()).toEqual(["of app", "of other", "shared"].map(sha256).sort());
    const some = await report("--repository", "team/*");
    expect(some.corrupt.sort()).toEqual(["of app", "shared"].map(sha256).sort());
    expect(some.blobs).toBeLessThan(all.blobs);
  });
});

test("--repository does not replace the baseline of the whole registry", async () => {
  const directory = rottenRegistry();
  const baseline = path.join(temporaryDirectory(), "known.ndjson");
  const update = ["--baseline", baseline, "--update-baseline", "--grace", "0", "--fail-on", "never"];
  await regcheck([directory, ...update]);
  const known = fs.readFileSync(baseline, "utf8");
  const { exitCode, stderr } = await regcheck([directory, ...update, "--repository", "team/*"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("is of the whole registry: with --repository and --update-baseline give a file of its own");
  expect(fs.readFileSync(baseline, "utf8")).toBe(known);
  const own = ["--baseline", `${baseline}.team`, ...update.slice(2), "--repository", "team/*"];
  expect((await regcheck([directory, ...own])).exitCode).toBe(0);
  expect((await regcheck([directory, ...own])).exitCode).toBe(0);
  expect(
    (await regcheck([directory, "--repository", "other", "--baseline", `${baseline}.team`, "--update-baseline"])).stderr,
  ).toContain("is of --repository team/*: with --repository");
});
