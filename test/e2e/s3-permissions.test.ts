import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RegistryBuilder, RepositoryBuilder } from "../support/builder.js";
import { entriesOf, inventoryFiles } from "../support/inventory.js";
import { regcheck } from "../support/run.js";
import type { Run } from "../support/run.js";
import { clientOf } from "../support/s3-server/contract.js";
import { temporaryDirectory } from "../support/temporary.js";
import { Radosgw } from "./support/radosgw.js";

process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

const POLICIES = path.resolve(import.meta.dirname, "../../docs/examples/s3-policies");
/** The user that regcheck is run as; the buckets are somebody else's. */
const USER = { name: "regcheck", accessKeyId: "UK", secretAccessKey: "US" };
const ENVIRONMENT = { AWS_ACCESS_KEY_ID: USER.accessKeyId, AWS_SECRET_ACCESS_KEY: USER.secretAccessKey };

/** What no command fails without: the bytes of unfinished uploads are not counted then. */
const UNNEEDED = "s3:ListMultipartUploadParts";

/** Milliseconds after which an upload is older than `--uploads-older-than 0`: times are whole seconds. */
const AGE = 2000;

interface Statement {
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

/** The statements of a policy file, with the buckets' names in it, and without one action of one of its statements. */
function statementsOf(file: string, buckets: Buckets, without?: Lack): readonly Statement[] {
  const text = fs.readFileSync(path.join(POLICIES, `${file}.json`), "utf8");
  const named = text.replaceAll("BUCKET", buckets.registry).replaceAll("INVENTORIES", buckets.inventories);
  const { Statement: statements } = JSON.parse(named) as { readonly Statement: readonly Statement[] };
  return statements.map((statement, i) =>
    i === without?.statement
      ? { ...statement, Action: statement.Action.filter((action) => action !== without.action) }
      : statement,
  );
}

/** An action that is taken away from a policy. */
interface Lack {
  readonly statement: number;
  readonly action: string;
}

/** Every action of a policy file, each to be taken away once. */
function lacksOf(file: string): readonly Lack[] {
  return statementsOf(file, { registry: "", inventories: "" }).flatMap(({ Action }, statement) =>
    Action.map((action) => ({ statement, action })),
  );
}

interface Buckets {
  readonly registry: string;
  readonly inventories: string;
}

/** A registry with an image that lost its tag, a layer that nobody needs, and an image that has lost the link of a layer. */
function content() {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  app.image({ layers: ["a layer", "another layer"], tag: "1" });
  app.image({ layers: ["a layer", "of an old image"] });
  app.push("of no image");
  const linkless = app.push("without a link");
  app.image({ layers: [linkless], tag: "2" });
  app.remove(`_layers/${RepositoryBuilder.directory(linkless.digest)}/link`);
  return registry.tree;
}

describe("the policies in docs/examples/s3-policies, on Ceph's radosgw", () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-e2e-permissions-"));
  const tree = content();
  let gateway: Radosgw;
  let client: S3Client;
  let count = 0;

  beforeAll(async () => {
    gateway = await Radosgw.start(directory);
    await gateway.addUser(USER.name, USER);
    client = clientOf(gateway.target);
  });

  afterAll(async () => {
    await gateway.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  /** A bucket for each of the registry and its inventory; the user may do what the policy file says, but for what it is to lack. */
  async function granted(file: string, without?: Lack): Promise<Buckets> {
    const buckets = { registry: `registry-${++count}`, inventories: `inventories-${count}` };
    for (const Bucket of Object.values(buckets)) await client.send(new CreateBucketCommand({ Bucket }));
    const versioning = { Bucket: buckets.registry, VersioningConfiguration: { Status: "Enabled" } } as const;
    if (file === "sweep-versioned") await client.send(new PutBucketVersioningCommand(versioning));
    const put = (Bucket: string, Key: string, Body: string | Buffer) => client.send(new PutObjectCommand({ Bucket, Key, Body }));
    for (const [key, object] of tree.files) await put(buckets.registry, key, Buffer.from(object.content));
    const upload = { Bucket: buckets.registry, Key: "docker/registry/v2/repositories/team/app/_uploads/x/data" };
    await client.send(new CreateMultipartUploadCommand(upload));
    const old = setTimeout(AGE);
    const inventory = inventoryFiles(entriesOf(tree), { sourceBucket: buckets.registry, created: Date.now() });
    for (const [key, object] of inventory) await put(buckets.inventories, key, object);
    const statements = statementsOf(file, buckets, without);
    for (const Bucket of Object.values(buckets)) {
      // A policy of a bucket says whom it is about, and is about no other bucket.
      const of = ({ Resource }: Statement): boolean => Resource.some((name) => `${name}/`.startsWith(`arn:aws:s3:::${Bucket}/`));
      const principal = { Principal: { AWS: [`arn:aws:iam:::user/${USER.name}`] } };
      const Statement = statements.filter(of).map((statement) => ({ ...statement, ...principal }));
      const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
      if (Statement.length > 0) await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    }
    await old;
    return buckets;
  }

  const run = (bucket: string, ...args: readonly string[]): Promise<Run> =>
    regcheck([...args, "--storage", `s3://${bucket}`, "--endpoint", gateway.endpoint], ENVIRONMENT);
  const check = (buckets: Buckets, ...more: readonly string[]) =>
    run(buckets.registry, "--grace", "0", "--delete-untagged", "--fail-on", "never", "--format", "json", ...more);

  /** All that changes a bucket, one after the other, until something does not end well. Returns what failed, if anything. */
  async function changeAll(buckets: Buckets): Promise<Run | undefined> {
    const journal = ["--journal-dir", path.join(temporaryDirectory(), "journal")];
    const guarded = ["--registry-stopped", "--grace", "0", ...journal];
    const sweep = ["--sweep", "--delete-untagged", "--max-delete", "100%", "--fail-on", "never", ...guarded];
    const uploads = ["--purge-uploads", "--uploads-older-than", "0"];
    const steps: readonly (() => readonly string[])[] = [
      () => [...sweep, "--quarantine", ...uploads],
      () => ["restore", fs.readdirSync(journal[1] ?? "")[0]?.replace(".ndjson", "") ?? "", ...journal],
      () => [...sweep, "--quarantine"],
      () => ["purge", "--older-than", "0", ...journal],
      () => ["repair", "layer-link-missing", "--apply", ...guarded],
      () => ["untag", "team/app:1", ...guarded],
      () => [...sweep],
    ];
    for (const step of steps) {
      const done = await run(buckets.registry, ...step());
      if (done.exitCode !== 0) return done;
    }
    return undefined;
  }

  /** What a check of the bucket comes to: how many of each finding. */
  function findings({ stdout }: Run): Readonly<Record<string, number>> {
    const report = JSON.parse(stdout) as { readonly findings: readonly { readonly code: string }[] };
    const counts: Record<string, number> = {};
    for (const { code } of report.findings) counts[code] = (counts[code] ?? 0) + 1;
    return counts;
  }

  const FOUND = {
    "manifest-unreferenced": 1,
    "blob-unreferenced": 3,
    "layer-link-unreferenced": 2,
    "layer-link-missing": 1,
    "upload-idle": 1,
  };

  describe("check", () => {
    test("is enough", async () => {
      const checked = await check(await granted("check"), "--verify", "--read-links");
      expect(checked).toMatchObject({ exitCode: 0, stderr: "" });
      expect(findings(checked)).toEqual(FOUND);
      expect(checked.stdout).not.toMatch(/access denied/);
    });

    test("without s3:ListBucketMultipartUploads is complete, and says what it could not look for", async () => {
      const buckets = await granted("check", { statement: 0, action: "s3:ListBucketMultipartUploads" });
      const checked = await check(buckets);
      expect(checked).toMatchObject({ exitCode: 0, stderr: "" });
      expect(JSON.parse(checked.stdout)).toMatchObject({ complete: true });
      const { "upload-idle": _, ...others } = FOUND;
      expect(findings(checked)).toEqual(others);
      expect((await run(buckets.registry, "--fail-on", "never")).stdout).toContain(
        "unfinished multipart uploads could not be looked for: AccessDenied: access denied, these credentials need s3:ListBucketMultipartUploads",
      );
    });

    test("without s3:ListMultipartUploadParts is complete, and says what it could not measure", async () => {
      const buckets = await granted("check", { statement: 0, action: UNNEEDED });
      const checked = await check(buckets);
      expect(checked).toMatchObject({ exitCode: 0, stderr: "" });
      expect(JSON.parse(checked.stdout)).toMatchObject({ complete: true });
      expect(findings(checked)).toEqual(FOUND);
      expect((await run(buckets.registry, "--fail-on", "never")).stdout).toMatch(
        /not all bytes of uploads are counted: .*these credentials need s3:ListMultipartUploadParts/,
      );
    });

    test.each([
      { action: "s3:ListBucket", exits: 2 },
      { action: "s3:GetObject", exits: 3 },
    ])("without $action says so", async ({ action, exits }) => {
      const { exitCode, stdout, stderr } = await check(await granted("check", { statement: 0, action }));
      expect(exitCode).toBe(exits);
      expect(stdout + stderr).toMatch(new RegExp(`access denied.* need.* ${action}\\b`));
    });

    test("has no other actions", () => {
      const actions = ["s3:ListBucket", "s3:ListBucketMultipartUploads", UNNEEDED, "s3:GetObject"];
      expect(lacksOf("check").map(({ action }) => action)).toEqual(actions);
    });
  });

  describe.each(["sweep", "sweep-versioned"])("%s", (file) => {
    test("is enough for all that changes a bucket", async () => {
      const buckets = await granted(file);
      expect(findings(await check(buckets))).toEqual(FOUND);
      expect(await changeAll(buckets)).toBeUndefined();
      expect(findings(await check(buckets))).toEqual({});
    });

    test.each(lacksOf(file).filter(({ action }) => action !== UNNEEDED))(
      "without $action something fails, and says so",
      async (lack) => {
        const failed = await changeAll(await granted(file, lack));
        expect(failed?.exitCode).toBeGreaterThan(1);
        expect(`${failed?.stdout}${failed?.stderr}`).toMatch(new RegExp(`access denied.* need.* ${lack.action}\\b`));
      },
    );
  });

  describe("inventory", () => {
    const inventory = ({ inventories }: Buckets): string[] => ["--inventory", `s3://${inventories}/inventories/b/weekly`];

    test("is enough", async () => {
      const buckets = await granted("inventory");
      const checked = await check(buckets, ...inventory(buckets));
      expect(checked).toMatchObject({ exitCode: 0, stderr: "" });
      // It is about yesterday: what is from today is young.
      const { "upload-idle": uploads, ...others } = FOUND;
      expect(findings(checked)).toEqual({ ...others, "upload-active": uploads });
    });

    test.each(lacksOf("inventory").filter(({ action }) => action !== "s3:ListBucketMultipartUploads" && action !== UNNEEDED))(
      "without $action of statement $statement says so",
      async (lack) => {
        const buckets = await granted("inventory", lack);
        const { exitCode, stdout, stderr } = await check(buckets, ...inventory(buckets));
        expect(exitCode).toBeGreaterThan(1);
        expect(stdout + stderr).toMatch(new RegExp(`access denied.* need.* ${lack.action}\\b`));
      },
    );
  });
});
