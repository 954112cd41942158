import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { RegistryBuilder, sha256 } from "../support/builder.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { temporaryDirectory, written } from "../support/temporary.js";

/** A registry with two images, neither of them tagged. */
function untagged() {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  const [running, other] = ["running", "other"].map((name) => app.image({ layers: [name], config: `{"name":"${name}"}` }).digest);
  if (running === undefined || other === undefined) throw new Error("no images");
  return { directory: written(registry.tree), running, other };
}

/** What `kubectl get pods -A -o json` says of a pod, in short. */
function podsOf(...digests: readonly string[]): string {
  const items = digests.map((digest) => ({ status: { containerStatuses: [{ imageID: `registry:5000/team/app@${digest}` }] } }));
  return JSON.stringify({ apiVersion: "v1", kind: "List", items }, undefined, 4);
}

function fileOf(text: string): string {
  const file = path.join(temporaryDirectory(), "pins");
  fs.writeFileSync(file, text);
  return file;
}

describe("--keep", () => {
  test("takes what kubectl prints, from a pipe", async () => {
    const { directory, running, other } = untagged();
    const args = [directory, "--delete-untagged", "--format", "json", "--keep", "-"];
    const { exitCode, stdout, stderr } = await regcheck(args, {}, podsOf(running));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const report = JSON.parse(stdout) as { pins: object; policy: object; findings: { code: string; digest: string }[] };
    expect(report.pins).toEqual({ given: 1, found: 1, missing: [], unlinked: [] });
    expect(report.policy).toMatchObject({ pins: 1 });
    const manifests = report.findings.filter(({ code }) => code === "manifest-unreferenced").map(({ digest }) => digest);
    expect(manifests).toEqual([other]);
  });

  test("can be given more than once, before the storage too", async () => {
    const { directory, running, other } = untagged();
    const files = [fileOf(podsOf(running)), fileOf(`${other} ${running}`)];
    const options = files.flatMap((file) => ["--keep", file]);
    const { stdout } = await regcheck([...options, directory, "--delete-untagged"]);
    expect(stdout).toContain("  2 of 2 digests found: they stay, with all that they reach\n");
    expect(stdout).toContain("SOUND: 0 errors, 0 warnings, 0 B reclaimable");
  });

  test("finds the digests in a dump of many megabytes", async () => {
    const { directory, running, other } = untagged();
    const noise = `"${"x".repeat(99)}",\n`.repeat(100_000);
    const { stdout } = await regcheck([directory, "--keep", "-"], {}, `${noise}${running}${noise}${other}`);
    expect(stdout).toContain("  2 of 2 digests found");
  });

  test("lists what cannot be pulled, in text and on the page, without changing the exit code", async () => {
    const { directory, running } = untagged();
    const elsewhere = Array.from({ length: 12 }, (_, i) => sha256(`elsewhere ${i}`));
    const file = fileOf(podsOf(running, sha256('{"name":"other"}'), ...elsewhere));
    const { exitCode, stdout } = await regcheck([directory, "--keep", file]);
    expect(exitCode).toBe(0);
    const [, section] = /\nPins \(--keep\)\n([^]*?)\n\n/.exec(stdout) ?? [];
    expect(section?.split("\n")).toEqual([
      "  2 of 14 digests found: they stay, with all that they reach",
      "  12 not stored: of another registry, or what runs by them can no longer be pulled",
      ...elsewhere.slice(0, 10).map((digest) => `    ${digest}`),
      "    … and 2 more (all of them: --format json)",
    ]);
    const { stdout: page } = await regcheck([directory, "--keep", file, "--format", "html"]);
    for (const digest of elsewhere) expect(page).toContain(`<code>${digest}</code>`);
  });

  test("protects revision links from a sweep", async () => {
    const { directory, running, other } = untagged();
    const plan = path.join(temporaryDirectory(), "plan.ndjson");
    const options = [
      "--delete-untagged",
      "--dry-run",
      "--registry-stopped",
      "--plan-output",
      plan,
      "--keep",
      fileOf(podsOf(running)),
    ];
    expect((await regcheck([directory, ...options])).exitCode).toBe(0);
    const planned = fs.readFileSync(plan, "utf8");
    expect(planned).toContain(
      `"kind":"revision","path":"docker/registry/v2/repositories/team/app/_manifests/revisions/sha256/${other.slice(7)}/link"`,
    );
    expect(planned).not.toContain(running.slice(7));
    expect(planned).not.toContain(sha256("running").slice(7));
  });

  test.each<[string, () => string, RegExp]>([
    ["a file that is not there", () => "/no/such/file", /^regcheck: --keep \/no\/such\/file: no such file or directory\n$/],
    ["a directory", () => "/etc", /^regcheck: --keep \/etc: illegal operation on a directory\n$/],
    ["a file without a digest", () => fileOf("error: You must be logged in to the server\n"), /there is no digest .* in it/],
    [
      "empty stdin",
      () => "-",
      /^regcheck: --keep -: there is no digest \(sha256:<64 hex>\) in it, so it would keep nothing\. .*\n$/,
    ],
  ])("refuses %s, for a check and for a sweep", async (_, file, message) => {
    const keep = file();
    for (const sweep of [[], ["--sweep", "--registry-stopped"], ["--dry-run"]]) {
      const { exitCode, stdout, stderr } = await regcheck([FIXTURE, "--keep", keep, ...sweep]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toMatch(message);
      expect(stderr.match(/\n/g)).toHaveLength(1);
    }
  });
});
