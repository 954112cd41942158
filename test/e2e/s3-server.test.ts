import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { s3ServerContract } from "../support/s3-server/contract.js";
import { Radosgw } from "./support/radosgw.js";

process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

describe("the contract of the S3 test server, on Ceph's radosgw", () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-radosgw-"));
  let gateway: Radosgw | undefined;

  beforeAll(async () => {
    gateway = await Radosgw.start(directory);
  });

  afterAll(async () => {
    await gateway?.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  s3ServerContract(() => {
    if (gateway === undefined) throw new Error("radosgw has not started");
    return gateway.target;
  });
});
