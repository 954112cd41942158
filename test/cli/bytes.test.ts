import { describe, expect, test } from "vitest";
import { RegistryBuilder, sha256 } from "../support/builder.js";
import { buildFixture } from "../support/fixture.js";
import { regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import { garbageRegistry } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

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
  readonly stored: Readonly<Record<string, number>>;
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

describe("the sum of what is counted", () => {
  test("is what the files come to, with links, uploads, strays and the quarantine", async () => {
    const tree = buildFixture();
    tree.write("docker/registry/v2/repositories/team/api/.DS_Store", "x".repeat(5000));
    tree.write("regcheck/quarantine/2026-01-01T00-00-00.000Z-0000/docker/registry/v2/x", "y".repeat(3000));
    const { stored } = await reportOf(written(tree), "--grace", "0");
    const files = [...tree.files.values()].reduce((sum, { content }) => sum + content.length, 0);
    expect(stored["quarantine"]).toBe(3000);
    expect(stored["strays"]).toBeGreaterThanOrEqual(5000);
    expect(Math.abs((stored["bytes"] ?? 0) - files)).toBeLessThan(files / 100);
    const { stdout } = await regcheck([written(tree)]);
    expect(stdout).toMatch(/^In all 3\d\d kB: blobs .* kB, links .* kB, uploads .* kB, quarantine 3.00 kB, strays .* kB$/m);
  });
});

describe("multipart uploads", () => {
  const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

  async function served() {
    const server = await startedServer({ buckets: [{ name: "b", listsUploadsByKey: true }] });
    store(server, garbageRegistry(1));
    const key = "docker/registry/v2/repositories/team/app/_uploads/1/data";
    server.startUpload("b", key, new Date(Date.now() - 300 * HOUR));
    return { server, args: ["s3://b", "--endpoint", server.endpoint] };
  }

  test("are found on a server that takes a prefix for a key", async () => {
    const { args } = await served();
    const { stdout } = await regcheck([...args, "--format", "json"], KEYS);
    expect((JSON.parse(stdout) as JsonReport).findings.map(({ code }) => code)).toContain("multipart-stale");
  });

  test("are measured by their parts, a request for each thousand: in the finding, in what is reclaimable, and by a sweep", async () => {
    const { server, args } = await served();
    const parts = Array.from({ length: 1500 }, () => "x".repeat(10));
    const key = "docker/registry/v2/repositories/team/app-0/_uploads/2/data";
    server.startUpload("b", key, new Date(Date.now() - 300 * HOUR), parts);
    const { stdout } = await regcheck([...args, "--format", "json"], KEYS);
    const report = JSON.parse(stdout) as JsonReport;
    expect(report.findings.filter(({ code }) => code === "multipart-stale")).toMatchObject([{ bytes: 15_000 }, { bytes: 0 }]);
    expect(server.requests["ListParts"]).toBe(3);
    const abandoned = report.reclaimable["withPurgeUploads"] as Readonly<Record<string, number>>;
    expect(abandoned["multipart"]).toBe(2);
    expect(abandoned["bytes"]).toBeGreaterThanOrEqual(15_000);
    const { stdout: text } = await regcheck(args, KEYS);
    expect(text).toMatch(/more: \d+ abandoned uploads, 2 of them multipart, which no figure above has/);
    const sweep = ["--sweep", "--purge-uploads", "--registry-stopped", "--max-delete=100%", "--fail-on=never", "--format=json"];
    const swept = await regcheck([...args, ...sweep, "--journal-dir", temporaryDirectory()], KEYS);
    const { sweep: done } = JSON.parse(swept.stdout) as { readonly sweep: { readonly deleted: { readonly bytes: number } } };
    expect(done.deleted.bytes).toBeGreaterThanOrEqual(15_000);
  });

  test("whose parts may not be listed have bytes that are not known, and the report says so", async () => {
    const { server, args } = await served();
    const effect = { kind: "error", status: 403, code: "AccessDenied" } as const;
    server.inject({ operation: "ListParts", times: Infinity, effect });
    const { stdout, exitCode } = await regcheck([...args, "--fail-on", "never"], KEYS);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/! not all bytes of uploads are counted: .*s3:ListMultipartUploadParts/);
    const { findings } = JSON.parse((await regcheck([...args, "--format", "json"], KEYS)).stdout) as JsonReport;
    expect(findings.find(({ code }) => code === "multipart-stale")).not.toHaveProperty("bytes");
  });

  test("that may not be listed leave the check complete, and refuse only a sweep that would purge them", async () => {
    const { server, args } = await served();
    const effect = { kind: "error", status: 403, code: "AccessDenied" } as const;
    server.inject({ operation: "ListMultipartUploads", times: Infinity, effect });
    const { stdout, exitCode } = await regcheck([...args, "--fail-on", "never"], KEYS);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("! unfinished multipart uploads could not be looked for");
    const journal = temporaryDirectory();
    const sweep = (...more: string[]) =>
      regcheck(
        [
          ...args,
          "--sweep",
          "--registry-stopped",
          "--max-delete",
          "100%",
          "--fail-on",
          "never",
          "--journal-dir",
          journal,
          ...more,
        ],
        KEYS,
      );
    expect(await sweep("--purge-uploads")).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining("uploads-listed") as unknown,
    });
    expect(await sweep()).toMatchObject({ exitCode: 0 });
  });
});

describe("--keep with an image ID", () => {
  test("keeps the manifests that have it as their config, or says that none does", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    app.image({ layers: ["live"], config: "live too", tag: "1" });
    app.image({ layers: ["a layer"], config: '{"an":"image"}' });
    const directory = written(registry.tree);
    const { digest: unused } = registry.blob("a blob of nobody");
    const keep = (digest: string) =>
      regcheck([written(registry.tree), "--delete-untagged", "--grace", "0", "--keep", "-"], {}, `"Image": "${digest}"`);
    const without = await regcheck([directory, "--delete-untagged", "--grace", "0"]);
    expect(without.stdout).toContain("manifest-unreferenced");
    const kept = await keep(sha256('{"an":"image"}'));
    expect(kept.stdout).toContain("1 of 1 digest found");
    expect(kept.stdout).not.toMatch(/manifest-unreferenced|no manifest of a repository/);
    expect((await keep(unused)).stdout).toMatch(/1 stored, but no manifest of a repository, nor the config \(image ID\) of one/);
  });
});
