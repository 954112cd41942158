import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import type { Progress } from "#regcheck/mark/mark.js";
import type { Policy } from "#regcheck/mark/policy.js";
import type { VerifyPart } from "#regcheck/mark/verify.js";
import type { Report } from "#regcheck/report/report.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import type { BlobBatch } from "#regcheck/storage/listing.js";
import type { Storage } from "#regcheck/storage/storage.js";
import { blobFile, RegistryBuilder, sha256 } from "../support/builder.js";
import { findingsOf } from "../support/check-tree.js";
import { LONG_AGO } from "../support/registry-tree.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { written } from "../support/temporary.js";

const ALL: VerifyPart = { part: 1, parts: 1 };

async function verified(
  tree: RegistryTree,
  change: { policy?: Partial<Policy>; storage?: (storage: Storage) => void; onProgress?: (progress: Progress) => void } = {},
): Promise<Report> {
  const storage = FilesystemStorage.open(written(tree), { concurrency: 1 });
  change.storage?.(storage);
  const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: LONG_AGO, pins: [], ...change.policy };
  try {
    return await check(storage, { policy, verify: ALL, onProgress: change.onProgress });
  } finally {
    await storage.close();
  }
}

function codes(report: Report): string[] {
  return Array.from(report.findings(), ({ code }) => code);
}

describe("verifying", () => {
  test("does not read again what the mark has read: a rotten manifest is one finding", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    const rotten = app.image({ layers: ["a layer"], tag: "1" });
    app.image({ layers: ["a layer"], config: '{"other":true}', tag: "2" });
    registry.tree.write(blobFile(rotten.digest), "{}");
    const read: number[] = [];
    const report = await verified(registry.tree, {
      storage: (storage) => {
        const verify = storage.verifyBlobs.bind(storage);
        storage.verifyBlobs = (selections, onBytes) =>
          verify(
            [...selections].map((selection) => (read.push(selection.sizes.length), selection)),
            onBytes,
          );
      },
    });
    expect(codes(report)).toEqual(["manifest-corrupt"]);
    // A layer and two configs; the manifests count as verified.
    expect(read).toEqual([3]);
    expect(report.verified?.blobs).toBe(5);
  });

  test("reads what the mark took for a manifest and did not report: a young blob that nothing links", async () => {
    const registry = new RegistryBuilder();
    const young = registry.blob("a config whose links are still to come");
    registry.tree.write(blobFile(young.digest), "rotten");
    const report = await verified(registry.tree, { policy: { grace: 3600 } });
    expect(codes(report)).toEqual(["blob-corrupt"]);
  });

  test("reads what is called a manifest and is too large to be one", async () => {
    const registry = new RegistryBuilder();
    const huge = registry.repository("team/app").manifest(" ".repeat(4 * 1024 * 1024 + 10), "huge");
    registry.tree.write(blobFile(huge.digest), "x".repeat(4 * 1024 * 1024 + 10));
    expect(codes(await verified(registry.tree))).toEqual(["manifest-invalid", "blob-corrupt"]);
  });

  test("reads large blobs first, the largest before all", async () => {
    const order: number[] = [];
    const sizes = [5, 7e7, 10, 9e9, 4e12, 20];
    const report = await verified(new RegistryBuilder().tree, {
      storage: (storage) => {
        storage.blobs = async function* (): AsyncGenerator<BlobBatch> {
          const digests = new Uint32Array(sizes.length * 8).map((_, i) => (i % 8 === 0 ? i * 1000 : 0));
          const modified = new Uint32Array(sizes.length);
          yield { algorithm: "sha256", digests, sizes: Float64Array.from(sizes), modified, strays: [], faults: [] };
        };
        storage.verifyBlobs = async function* (selections) {
          for (const { sizes: some } of selections) {
            order.push(...some);
            yield { blobs: some.length, bytes: 0, vouchedBytes: 0, corrupt: [], faults: [] };
          }
        };
      },
    });
    expect(report.totals.blobs).toBe(6);
    expect(order).toEqual([4e12, 9e9, 7e7, 5, 10, 20]);
  });

  test("says how far it has come, in bytes", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    const bytes = Array.from({ length: 5 }, (_, i) => app.push(Buffer.alloc(i * 1_000_000, i)).size);
    const said: Progress[] = [];
    await verified(registry.tree, { onProgress: (progress) => said.push(progress) });
    expect(said.at(-1)?.phase).toBe("verify");
    expect(said.find(({ phase }) => phase === "verify")).toEqual({
      phase: "verify",
      bytes: 0,
      bytesInAll: bytes.reduce((sum, size) => sum + size, 0),
    });
  });

  test("offers nothing anywhere where a link by another algorithm leads to other content of the same size", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("app");
    const layer = app.pushAlias("layer");
    app.image({ layers: [layer], config: "config", tag: "1" });
    registry.tree.write(`${app.path}/${app.layerLink(layer.digest)}/link`, app.push("reyal").digest);
    // Only reading the blob behind the link tells that the repository is held, and with it what its untagged image keeps: by then its
    // signature is judged.
    const untagged = app.image({ layers: ["not linked"], config: "untagged" });
    app.remove(app.layerLink(sha256("not linked")));
    registry.repository("signatures").image({ layers: ["signature"], config: "{}", subject: untagged });
    const policy = { deleteUntagged: true };
    const report = await verified(registry.tree, { policy });
    expect(findingsOf(report)).toEqual([`link-mismatch ${layer.digest}`]);
    expect(report.notices).toEqual([
      `Nothing is offered as garbage until this is mended: the link ${layer.digest} leads to other content (link-mismatch), and what else its image keeps is not known.`,
    ]);
  });
});
