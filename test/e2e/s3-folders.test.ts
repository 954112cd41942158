import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { V2 } from "../support/builder.js";
import { clientOf } from "../support/s3-server/contract.js";
import { RegistryClient } from "./support/client.js";
import { Radosgw } from "./support/radosgw.js";
import { RealRegistry, REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { check } from "./support/report.js";

const base = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-e2e-s3-folders-"));
const TAGS = `${V2}/repositories/team/app/_manifests/tags`;
let gateway: Radosgw;

beforeAll(async () => {
  fs.mkdirSync(path.join(base, "ceph"));
  gateway = await Radosgw.start(path.join(base, "ceph"));
});

afterAll(async () => {
  await gateway.stop();
  fs.rmSync(base, { recursive: true, force: true });
});

/** A registry on a bucket with a tag, and what becomes of it with one more key. */
async function started(version: RegistryVersion) {
  const Bucket = `folders-${version.replace(".", "-")}`;
  const s3 = clientOf(gateway.target);
  await s3.send(new CreateBucketCommand({ Bucket }));
  const { accessKeyId: accesskey, secretAccessKey: secretkey } = gateway.target;
  const address = { region: "us-east-1", regionendpoint: gateway.endpoint, forcepathstyle: true, secure: false };
  const storage = { s3: { accesskey, secretkey, bucket: Bucket, ...address }, redirect: { disable: true } };
  const registry = await RealRegistry.start({ version, directory: fs.mkdtempSync(path.join(base, "registry-")), storage });
  onTestFinished(() => registry.stop());
  const client = new RegistryClient(registry.url, "team/app");
  await client.image(["a layer"], "kept");
  return async (Key: string) => {
    const untagged = await client.image([`beside ${Key}`]);
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: "", ContentLength: 0 }));
    const { tags } = (await (await client.request("GET", "tags/list", [200])).json()) as { readonly tags: readonly string[] };
    const collects = await registry.collect("--dry-run", "--delete-untagged").then(
      () => true,
      () => false,
    );
    const deletes = (await client.request("DELETE", `manifests/${untagged.digest}`, [202, 500])).status;
    await client.pull("kept");
    const { findings } = await check(["--config", registry.config]);
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    const found = findings.filter(({ severity }) => severity === "error" || severity === "warning");
    return { tags, collects, deletes, found: found.map(({ code, severity, tag }) => `${severity} ${code} ${String(tag)}`) };
  };
}

test.each(Object.keys(REGISTRIES) as RegistryVersion[])(
  "registry %s takes a console's folder among tags for a tag, and regcheck says so",
  async (version) => {
    const withKey = await started(version);
    const sound = { collects: true, deletes: 202 };
    const found = ["warning tag-without-current NAME"];
    expect(await withKey(`${TAGS}/NAME/`)).toEqual({ ...sound, tags: ["NAME", "kept"], found });
    expect(await withKey(`${TAGS}/NAME/current/`)).toEqual({ ...sound, tags: ["NAME", "kept"], found });
    expect(await withKey(`${TAGS}/kept/`)).toEqual({ ...sound, tags: ["kept"], found: [] });
    expect(await withKey(`${TAGS}/bad~name/`)).toEqual({
      tags: ["bad~name", "kept"],
      collects: false,
      deletes: 500,
      found: ["warning tag-name-invalid bad~name"],
    });
    const listed = version === "2.8" ? ["", "kept"] : ["kept"];
    expect(await withKey(`${TAGS}/`)).toEqual({ ...sound, tags: listed, found: ["warning tag-name-invalid "] });
  },
);
