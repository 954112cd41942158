import crypto from "node:crypto";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import type { Report } from "#regcheck/report/report.js";
import type { S3Options } from "#regcheck/storage/s3/options.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { detailOf } from "#regcheck/report/finding-words.js";
import { blobFile, RegistryBuilder } from "../../support/builder.js";
import type { RegistryTree } from "../../support/registry-tree.js";
import { optionsFor, retriesDuring, startedServer, store } from "../../support/s3-bucket.js";
import { compositeSha256 } from "../../support/s3-server/index.js";
import type { Effect, S3Server } from "../../support/s3-server/index.js";
import { temporaryDirectory } from "../../support/temporary.js";

const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000) + 3600, pins: [] };

/** HEADs of a blob and a link in each check: whether the bucket deletes such by itself. */
const LIFECYCLE = 2;

async function verified(server: S3Server, more: Partial<S3Options> = {}): Promise<Report> {
  const storage = new S3Storage(optionsFor(server, more));
  try {
    return await check(storage, { policy: POLICY, verify: { part: 1, parts: 1 } });
  } finally {
    await storage.close();
  }
}

test("progress counts the bytes of an attempt that broke off once", async () => {
  const { tree, files } = image([Buffer.alloc(300_000, "x"), ...LARGE.slice(0, 2)]);
  const server = await withChecksums(tree, files.slice(1), base64);
  for (const key of files.slice(0, 1))
    server.inject({ operation: "GetObject", key, times: 2, effect: { kind: "short-body", framing: "cut" } });
  const storage = new S3Storage(optionsFor(server));
  let sum = 0;
  const verify = storage.verifyBlobs.bind(storage);
  storage.verifyBlobs = (selections) => verify(selections, (bytes) => (sum += bytes));
  const report = await check(storage, { policy: POLICY, verify: { part: 1, parts: 1 } });
  await storage.close();
  expect(report.verified?.vouchedBytes).toBe(3_000_000);
  expect(sum).toBe(300_000 + "{}".length + 3_000_000);
});

function findingsOf(report: Report): string[] {
  return Array.from(report.findings(), (one) => `${one.code} ${one.path} ${detailOf(one)}`);
}

function base64(content: string | Buffer): string {
  return crypto.createHash("sha256").update(content).digest("base64");
}

/** An image with these layers; what is stored of each is `stored`, where it is not the layer. */
function image(layers: readonly Buffer[], stored: readonly Buffer[] = layers) {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  const blobs = layers.map((layer) => app.push(layer));
  app.image({ layers: blobs, tag: "1" });
  const files = blobs.map(({ digest }) => blobFile(digest));
  for (const [i, file] of files.entries()) registry.tree.write(file, stored[i] ?? "");
  return { tree: registry.tree, files };
}

/** A server that keeps a checksum of each layer. */
async function withChecksums(tree: RegistryTree, files: readonly string[], checksum: (content: Buffer) => string) {
  const server = await startedServer();
  store(server, tree);
  for (const file of files) {
    const { content } = tree.files.get(file) ?? { content: Buffer.alloc(0) };
    server.put("b", file, content, { checksumSha256: checksum(content) });
  }
  server.forget();
  return server;
}

/** Large enough for a checksum to be worth more than reading. */
const LARGE = [1, 2, 3, 4, 5].map((byte) => Buffer.alloc(1_500_000, byte));
const [FIRST] = LARGE;
const BYTES = LARGE.length * 1_500_000;

describe("blobs whose SHA-256 S3 keeps", () => {
  test("are not read: at first a GET is broken off, then a HEAD is enough", async () => {
    const { tree, files } = image(LARGE);
    const server = await withChecksums(tree, files, base64);
    const report = await verified(server, { concurrency: 1 });
    expect(findingsOf(report)).toEqual([]);
    expect(report.verified).toMatchObject({ blobs: 7, bytes: report.totals.blobBytes, vouchedBytes: BYTES });
    // The manifest by the mark, the config, and the first layer.
    expect(report.requests).toMatchObject({ get: 3, head: 4 + LIFECYCLE });
    expect(server.requests).toMatchObject({ GetObject: 3, HeadObject: 4 + LIFECYCLE });
  });

  test("are read where they are small: a checksum saves nothing", async () => {
    const { tree, files } = image([Buffer.from("small")]);
    const report = await verified(await withChecksums(tree, files, base64));
    expect(report.verified?.vouchedBytes).toBe(0);
    expect(report.requests).toMatchObject({ get: 3, head: LIFECYCLE });
  });

  test("are read where it is a checksum of parts", async () => {
    const { tree, files } = image(LARGE);
    const server = await withChecksums(tree, files, (content) => compositeSha256([content]));
    const report = await verified(server, { concurrency: 1 });
    expect(findingsOf(report)).toEqual([]);
    expect(report.verified?.vouchedBytes).toBe(0);
    expect(report.requests).toMatchObject({ get: 7, head: LIFECYCLE });
  });

  test("are read where it is not the digest: damage is what is there, not what is said of it", async () => {
    const rotten = LARGE.map((layer, i) => (i === 0 ? Buffer.alloc(1_500_000, 9) : layer));
    const { tree, files } = image(LARGE, rotten);
    const report = await verified(await withChecksums(tree, files, base64));
    expect(findingsOf(report)).toEqual([expect.stringMatching(/^blob-corrupt .* its content has the digest sha256:/)]);
    const sound = await verified(await withChecksums(image(LARGE).tree, files, () => base64("something else")));
    expect(findingsOf(sound)).toEqual([]);
    expect(sound.verified?.vouchedBytes).toBe(0);
  });

  test("are read by their sha512", async () => {
    const registry = new RegistryBuilder();
    const content = FIRST ?? Buffer.alloc(0);
    const file = blobFile(`sha512:${crypto.createHash("sha512").update(content).digest("hex")}`);
    registry.tree.write(file, content);
    const report = await verified(await withChecksums(registry.tree, [file], base64));
    expect(report.verified).toMatchObject({ blobs: 1, bytes: 1_500_000, vouchedBytes: 0 });
  });

  test("one that is gone when its HEAD comes is a fault", async () => {
    const { tree, files } = image(LARGE);
    const server = await withChecksums(tree, files, base64);
    server.inject({ operation: "HeadObject", effect: { kind: "error", status: 404, code: "NotFound" } });
    const report = await verified(server, { concurrency: 1 });
    expect(findingsOf(report)).toEqual([expect.stringMatching(/^storage-unreadable .* gone since it was listed$/)]);
  });
});

test("what no checksum vouches for is one GET each, and never more at once than --concurrency", async () => {
  const { tree } = image(Array.from({ length: 40 }, (_, i) => Buffer.from(`layer ${i}`)));
  const server = await startedServer({ latency: 200 });
  store(server, tree);
  const report = await verified(server, { concurrency: 8 });
  expect(report.requests).toMatchObject({ get: 42, head: LIFECYCLE });
  expect(server.peak()).toBe(8);
});

test("manifests that the cache knows are read: rot in one is seen, though its references are known", async () => {
  const { tree, files } = image([Buffer.from("a layer")]);
  const cache = temporaryDirectory();
  const server = await startedServer();
  store(server, tree);
  await verified(server, { cache });
  const manifest = [...tree.files.keys()].find(
    (file) => file.includes("/blobs/") && !files.includes(file) && !file.includes(crypto.hash("sha256", "{}", "hex")),
  );
  // The listing shows nothing of it.
  const content =
    server
      .objects("b")
      .get(manifest ?? "")
      ?.toString("latin1") ?? "";
  server.put("b", manifest ?? "", `${content.slice(0, -1)}?`);
  const report = await verified(server, { cache });
  expect(findingsOf(report)).toEqual([expect.stringContaining(`blob-corrupt ${manifest} `)]);
  expect(report.verified?.blobs).toBe(3);
});

describe("faults", () => {
  const { tree, files } = image([Buffer.alloc(300_000, "x")]);
  const [key = ""] = files;
  const EFFECTS: Readonly<Record<string, Effect>> = {
    "403": { kind: "error", status: 403, code: "AccessDenied" },
    "500": { kind: "error", status: 500, code: "InternalError" },
    "503": { kind: "error", status: 503, code: "SlowDown" },
    reset: { kind: "reset" },
    "no answer": { kind: "stall" },
    "a body cut off": { kind: "short-body", framing: "cut" },
    "no such key": { kind: "error", status: 404, code: "NoSuchKey" },
  };
  const started = async (): Promise<S3Server> => {
    const server = await startedServer();
    store(server, tree);
    return server;
  };

  test.each(Object.entries(EFFECTS))("%s that stays: the scan is incomplete, and the path is named", async (_, effect) => {
    const server = await started();
    server.inject({ operation: "GetObject", key, times: Number.POSITIVE_INFINITY, effect });
    const report = await verified(server, { retries: retriesDuring(effect, 2) });
    expect(findingsOf(report)).toEqual([expect.stringContaining(`storage-unreadable ${key} `)]);
    expect(report.complete).toBe(false);
    expect(report.verified?.blobs).toBe(2);
  });

  const passing = {
    ...EFFECTS,
    "a short body": { kind: "short-body", framing: "clean" },
    "wrong content": { kind: "wrong-body" },
  } as const;
  test.each(Object.entries(passing).filter(([name]) => name !== "403" && name !== "no such key"))(
    "%s that passes: as if nothing had been",
    async (_, effect) => {
      const server = await started();
      const fault = server.inject({ operation: "GetObject", key, effect });
      const report = await verified(server, { retries: retriesDuring(effect) });
      expect(fault.hits()).toBe(1);
      expect(findingsOf(report)).toEqual([]);
      expect(report.verified).toMatchObject({ blobs: 3, bytes: report.totals.blobBytes });
    },
  );

  test("content that is another each time is a fault, not damage", async () => {
    const server = await started();
    server.inject({ operation: "GetObject", key, effect: { kind: "wrong-body" } });
    server.inject({ operation: "GetObject", key, effect: { kind: "wrong-body", body: "something else" } });
    const report = await verified(server);
    expect(findingsOf(report)).toEqual([expect.stringContaining("each reading gives another content")]);
  });

  test("content that is wrong each time is damage", async () => {
    const server = await started();
    server.inject({ operation: "GetObject", key, times: Number.POSITIVE_INFINITY, effect: { kind: "wrong-body" } });
    expect(findingsOf(await verified(server))).toEqual([expect.stringContaining(`blob-corrupt ${key} `)]);
  });
});
