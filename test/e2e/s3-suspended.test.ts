import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { CreateBucketCommand, PutBucketVersioningCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { S3Changes } from "#regcheck/storage/s3/changes.js";
import { DEFAULT_RETRIES, parseS3Url } from "#regcheck/storage/s3/options.js";
import { RegistryBuilder } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { clientOf } from "../support/s3-server/contract.js";
import { temporaryDirectory } from "../support/temporary.js";
import { S3Program } from "./support/s3-program.js";
import { createSuspended } from "./support/suspended.js";

process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

describe("versitygw, of a bucket whose versioning is suspended", () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-e2e-suspended-"));
  let server: S3Program;

  beforeAll(async () => {
    server = await S3Program.start("versitygw with versions", directory);
  });

  afterAll(async () => {
    await server.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  async function bucket(Bucket: string) {
    const client = clientOf(server.target);
    onTestFinished(() => client.destroy());
    await client.send(new CreateBucketCommand({ Bucket }));
    return client;
  }

  test("answers deletes with markers that keep nothing, and one of many locks it, again and again", async () => {
    const Bucket = "changes";
    const client = await bucket(Bucket);
    const { endpoint, accessKeyId, secretAccessKey } = server.target;
    const credentials = { accessKeyId, secretAccessKey };
    const open = (): S3Changes => {
      const options = { ...parseS3Url(`s3://${Bucket}`), endpoint, forcePathStyle: true, region: "us-east-1", credentials };
      const changes = new S3Changes({ ...options, retries: DEFAULT_RETRIES });
      onTestFinished(() => changes.close());
      return changes;
    };
    expect(await createSuspended(client, Bucket, open)).toBe("created");
  });

  test("runs follow each other, and each is undone", async () => {
    const Bucket = "runs";
    const client = await bucket(Bucket);
    for (const Status of ["Enabled", "Suspended"] as const)
      await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
    const builder = new RegistryBuilder();
    const app = builder.repository("team/app");
    app.tag("latest", app.image({ layers: ["a layer"], tag: "1" }).digest);
    app.image({ layers: ["nobody's"], config: "nobody's" });
    for (const [Key, { content }] of builder.tree.files) await client.send(new PutObjectCommand({ Bucket, Key, Body: content }));
    const { endpoint, accessKeyId, secretAccessKey } = server.target;
    const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    const where = ["--endpoint", endpoint, "--region", "us-east-1", "--journal-dir", temporaryDirectory()];
    const run = async (...args: string[]) => {
      const { exitCode, stderr, stdout } = await regcheck([...args, ...where], keys);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      return /Run (\S+),/.exec(stdout)?.[1] ?? "";
    };
    const change = ["--registry-stopped", "--grace", "0"];
    const sweep = [`s3://${Bucket}`, "--sweep", "--delete-untagged", "--max-delete", "90%", ...change];
    const swept = await run(...sweep, "--quarantine");
    await run("restore", swept);
    const untagged = await run("untag", "team/app:latest", "--storage", `s3://${Bucket}`, ...change);
    await run("restore", untagged);
    const kept = [`s3://${Bucket}`, "--fail-on", "warning", "--endpoint", endpoint, "--region", "us-east-1"];
    expect(await regcheck(kept, keys)).toMatchObject({ exitCode: 0, stderr: "" });
  });
});
