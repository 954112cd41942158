import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { RepositoryBuilder, V2 } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import type { Run } from "../support/run.js";
import { clientOf } from "../support/s3-server/contract.js";
import { temporaryDirectory } from "../support/temporary.js";
import { RegistryClient } from "./support/client.js";
import { pushAndLetGo } from "./support/contents.js";
import { RealRegistry } from "./support/registry.js";
import { S3_PROGRAMS, S3Program } from "./support/s3-program.js";

process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

/** All objects of a registry by their keys, with their content. */
async function contentOf(client: S3Client, Bucket: string): Promise<ReadonlyMap<string, string>> {
  const content = new Map<string, string>();
  for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
    const page = await client.send(new ListObjectsV2Command({ Bucket, ContinuationToken: token }));
    for (const { Key = "" } of page.Contents ?? []) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      content.set(Key, (await Body?.transformToString("latin1")) ?? "");
    }
    token = page.NextContinuationToken;
  }
  return content;
}

/** The command that an output says a sweep is undone with, but for its first word. */
function undoing({ stdout }: Run): string[] {
  const [, command = ""] = /regcheck (restore \S+ (?:--\S+ \S+ ?)+)/.exec(stdout.replaceAll(/[;.,]+\s/g, " . ")) ?? [];
  return command.trim().split(" ");
}

describe.each(Object.keys(S3_PROGRAMS))("the bucket of registry 3.1 on %s", (name) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-e2e-servers-"));
  let server: S3Program;

  beforeAll(async () => {
    fs.mkdirSync(path.join(directory, "server"));
    server = await S3Program.start(name, path.join(directory, "server"));
  });

  afterAll(async () => {
    await server.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  test("is checked as a whole before anybody has begun a multipart upload", async () => {
    const client = clientOf(server.target);
    const Bucket = "no-uploads";
    await client.send(new CreateBucketCommand({ Bucket }));
    const Key = `${V2}/repositories/app/_manifests/tags/empty/current/link`;
    await client.send(new PutObjectCommand({ Bucket, Key, Body: "x" }));
    const { accessKeyId, secretAccessKey, endpoint } = server.target;
    const { exitCode, stdout, stderr } = await regcheck(
      [
        `s3://${Bucket}`,
        "--endpoint",
        endpoint,
        "--region",
        "us-east-1",
        "--force-path-style",
        "--fail-on",
        "never",
        "--format",
        "json",
      ],
      { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ complete: true });
  });

  test("is checked, swept into the quarantine, restored, swept for good and repaired; every tag pulls", async () => {
    const { target } = server;
    const client = clientOf(target);
    const Bucket = "registry";
    await client.send(new CreateBucketCommand({ Bucket }));
    if (name.endsWith("versions"))
      await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
    const s3 = {
      accesskey: target.accessKeyId,
      secretkey: target.secretAccessKey,
      region: "us-east-1",
      regionendpoint: target.endpoint,
      forcepathstyle: true,
      secure: false,
      bucket: Bucket,
      rootdirectory: "/a/registry",
    };
    const storage = { s3, redirect: { disable: true } };
    const writable = await RealRegistry.start({ version: "3.1", directory: path.join(directory, "registry"), storage });
    onTestFinished(() => writable.stop());
    const app = new RegistryClient(writable.url, "team/app");
    await pushAndLetGo(app);
    const image = await app.image(["a layer that will lose its link"], "repaired");
    const pull = async () => ({ multi: await app.pull("multi"), other: await app.in("team/other").pull("kept") });
    const pulled = await pull();
    const upload = { Bucket, Key: "a/registry/docker/registry/v2/repositories/team/app/_uploads/x/data" };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(upload));
    await client.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: Buffer.alloc(100_000) }));
    // Older than `--uploads-older-than 0`, in whole seconds.
    await setTimeout(2000);
    const registry = await writable.restart({ readOnly: true });
    onTestFinished(() => registry.stop());

    const run = (...args: readonly string[]): Promise<Run> => regcheck(args);
    const report = async (...more: string[]) => {
      const { exitCode, stderr, stdout } = await run("--config", registry.config, "--grace", "0", "--format", "json", ...more);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      return JSON.parse(stdout) as {
        readonly complete: boolean;
        readonly reclaimable: { readonly selected: { readonly blobs: number } };
      };
    };
    const journal = ["--journal-dir", temporaryDirectory()];
    const change = ["--config", registry.config, "--grace", "0", ...journal];
    const sweep = ["--sweep", "--delete-untagged", "--max-delete", "90%", ...change];

    expect((await report("--verify", "--delete-untagged")).reclaimable.selected.blobs).toBeGreaterThan(5);
    const before = await contentOf(client, Bucket);
    const swept = await run(...sweep, "--quarantine", "--purge-uploads", "--uploads-older-than", "0");
    expect(swept).toMatchObject({ exitCode: 0, stderr: "" });
    expect(swept.stdout).toMatch(/(?:Moved to the quarantine|Removed): .*[1-9]\d* blobs, .* 1 upload\n/);
    expect((await report("--delete-untagged")).reclaimable.selected.blobs).toBe(0);
    expect(await run(...undoing(swept))).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await contentOf(client, Bucket)).toEqual(before);

    expect(await run(...sweep)).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await pull()).toEqual(pulled);
    const [layer = ""] = (await app.pull("repaired")).slice(-1);
    const Key = `a/registry/docker/registry/v2/repositories/team/app/_layers/${RepositoryBuilder.directory(layer)}/link`;
    await client.send(new DeleteObjectCommand({ Bucket, Key }));
    const without = await registry.restart({ readOnly: true });
    onTestFinished(() => without.stop());
    await expect(app.pull("repaired")).rejects.toThrow("404");
    expect(await run("repair", "layer-link-missing", "--apply", ...change)).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await app.pull("repaired")).toContain(image.digest);
    expect(await run("untag", "team/app:repaired", ...change)).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await run(...sweep, "--quarantine")).toMatchObject({ exitCode: 0, stderr: "" });
    const purged = await run("purge", "--older-than", "0", "--config", registry.config, ...journal);
    expect(purged).toMatchObject({ exitCode: 0, stderr: "" });
    expect((await report("--delete-untagged", "--fail-on", "garbage")).complete).toBe(true);
    const others = [...(await contentOf(client, Bucket)).keys()].filter((key) => !key.startsWith("a/registry/docker/"));
    // A run in older versions can be restored until they expire: so long, the copy of its journal stays.
    const left = others.filter((key) => !name.endsWith("versions") || !/\/regcheck\/quarantine\/[^/]+\/journal\//.test(key));
    expect(left).toEqual([]);
  });
});
