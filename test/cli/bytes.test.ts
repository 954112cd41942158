import { describe, expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { written } from "../support/temporary.js";

const HOUR = 3600_000;

function ago(hours: number): string {
  return new Date(Date.now() - hours * HOUR).toISOString();
}

/** A registry with uploads that were started some hours ago, of 1,000 bytes and what `startedat` has. */
function withUploads(...hours: readonly number[]): string {
  const registry = new RegistryBuilder();
  const repository = registry.repository("team/app");
  repository.image({ layers: ["a layer"], config: "a config", tag: "1" });
  for (const [i, age] of hours.entries()) repository.upload(`upload-${i}`, ago(age), "x".repeat(1000));
  return written(registry.tree);
}

/** What an upload comes to, with its `startedat`. */
const UPLOAD = 1000 + ago(0).length;

interface JsonReport {
  readonly totals: Readonly<Record<string, number>>;
  readonly reclaimable: Readonly<Record<string, unknown>>;
  readonly repositories: readonly object[];
  readonly findings: readonly { readonly code: string; readonly path: string }[];
}

async function reportOf(...args: readonly string[]): Promise<JsonReport> {
  const { stdout } = await regcheck([...args, "--format", "json"]);
  return JSON.parse(stdout) as JsonReport;
}

describe("uploads are bytes", () => {
  test("in the header, in what is reclaimable, in the verdict, in metrics and per repository", async () => {
    const directory = withUploads(300, 200, 24);
    const { stdout } = await regcheck([directory]);
    expect(stdout).toContain("3 uploads (3.07 kB)");
    expect(stdout).toMatch(/with --purge-uploads +2.05 kB {2}more: 2 abandoned uploads/);
    expect(stdout).toMatch(/SOUND: 0 errors, 0 warnings, 0 B reclaimable, 2.05 kB more with --purge-uploads/);
    expect(stdout).toMatch(/0 B of .*, +2.05 kB in uploads {2}team\/app/);
    expect(await reportOf(directory)).toMatchObject({
      totals: { uploads: 3, uploadBytes: 3 * UPLOAD },
      reclaimable: { withPurgeUploads: { uploads: 2, bytes: 2 * UPLOAD } },
      repositories: [{ uploads: 3, uploadBytes: 3 * UPLOAD, abandonedBytes: 2 * UPLOAD }],
    });
    const { stdout: metrics } = await regcheck([directory, "--format", "prometheus"]);
    expect(metrics).toMatch(new RegExp(`^regcheck_upload_bytes\\{.*\\} ${3 * UPLOAD}$`, "m"));
    expect(metrics).toMatch(new RegExp(`^regcheck_abandoned_upload_bytes\\{.*\\} ${2 * UPLOAD}$`, "m"));
  });

  test("between the grace time and 168 hours they are a finding; --uploads-older-than replaces the 168 hours", async () => {
    const directory = withUploads(200, 24, 3);
    const codes = async (...args: string[]) => {
      const { findings } = await reportOf(directory, ...args);
      return findings.map(({ code, path }) => `${code} ${path.slice(-1)}`);
    };
    expect(await codes()).toEqual(["upload-stale 0", "upload-idle 1", "upload-idle 2"]);
    expect(await codes("--uploads-older-than", "12h")).toEqual(["upload-stale 0", "upload-stale 1", "upload-idle 2"]);
    // The grace time is over for all but the youngest.
    expect(await codes("--uploads-older-than", "12h", "--grace", "4h")).toContain("upload-active 2");
    const { stdout } = await regcheck([
      directory,
      "--dry-run",
      "--purge-uploads",
      "--registry-stopped",
      "--uploads-older-than",
      "12h",
    ]);
    expect(stdout).toContain("2 uploads");
    expect(await regcheck([directory, "--uploads-older-than", "7"])).toMatchObject({ exitCode: 2 });
  });

  test("of a repository that damage holds back, none is promised", async () => {
    const registry = new RegistryBuilder();
    const repository = registry.repository("team/app");
    const image = repository.image({ layers: ["a layer"], config: "a config", tag: "1" });
    repository.upload("u", ago(300));
    registry.tree.remove(`docker/registry/v2/blobs/sha256/${image.digest.slice(7, 9)}/${image.digest.slice(7)}/data`);
    const report = await reportOf(written(registry.tree));
    expect(report).toMatchObject({ reclaimable: { withPurgeUploads: { uploads: 0, bytes: 0 } } });
  });
});
