import crypto from "node:crypto";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import type { Finding } from "#regcheck/mark/finding.js";
import type { VerifyPart } from "#regcheck/mark/verify.js";
import type { Report } from "#regcheck/report/report.js";
import { blobFile, RegistryBuilder, sha256 } from "../support/builder.js";
import type { RegistryTree } from "../support/registry-tree.js";
import type { Storage } from "#regcheck/storage/storage.js";
import { detailOf } from "#regcheck/report/finding-words.js";

const ALL: VerifyPart = { part: 1, parts: 1 };

/** What every backend must do alike where blobs are verified. */
export function verifySuite(backend: { readonly open: (tree: RegistryTree) => Promise<Storage> }): void {
  describe("verifying", () => {
    const verified = async (tree: RegistryTree, verify: VerifyPart = ALL): Promise<Report> => {
      const storage = await backend.open(tree);
      try {
        const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };
        return await check(storage, { policy, verify });
      } finally {
        await storage.close();
      }
    };
    const corrupt = (report: Report): Finding[] => [...report.findings()].filter(({ code }) => code === "blob-corrupt");

    test("sound blobs of all kinds and sizes: empty, of one buffer to the byte, of many, by sha512", async () => {
      const registry = new RegistryBuilder();
      const sizes = [0, 1, 128 * 1024 - 1, 128 * 1024, 128 * 1024 + 1, 3_000_000];
      const layers = sizes.map((size) => registry.repository("team/app").push(Buffer.alloc(size, size % 251)));
      registry.repository("team/app").image({ layers, tag: "1" });
      const hex = crypto.createHash("sha512").update("content").digest("hex");
      registry.tree.write(blobFile(`sha512:${hex}`), "content");
      const report = await verified(registry.tree);
      expect(corrupt(report)).toEqual([]);
      expect(report.complete).toBe(true);
      const { blobs, blobBytes } = report.totals;
      expect(report.verified).toEqual({ ...ALL, blobs, bytes: blobBytes, vouchedBytes: 0 });
    });

    test("a link by another algorithm that leads to another blob than its digest says is found, and nothing is garbage then", async () => {
      const registry = new RegistryBuilder();
      const app = registry.repository("team/app");
      const contents = ["layer 1", "2".repeat(300_000), "3".repeat(2_000_000)];
      const sound = contents.map((content) => app.pushAlias(content, undefined, "sha384"));
      const swapped = contents.map((content) => app.pushAlias(content));
      for (const [i, { digest }] of swapped.entries())
        app.link(app.layerLink(digest), app.push(String(i + 4).repeat(contents[i]?.length ?? 0)).digest);
      app.image({ layers: [...sound, ...swapped], tag: "1" });
      app.push("unused");
      registry.repository("team/other").push("unused by another");
      registry.repository("team/other").image({ tag: "1" });
      const findings = [...(await verified(registry.tree)).findings()];
      expect(findings.map(({ code, digest }) => `${code} ${String(digest)}`).toSorted()).toEqual(
        swapped.map(({ digest }) => `link-mismatch ${digest}`).toSorted(),
      );
      const one = findings.find(({ digest }) => String(digest) === swapped[0]?.digest);
      expect(one === undefined ? undefined : detailOf(one)).toBe(
        `the link holds ${sha256("4444444")}, whose content is not what this digest names`,
      );
    });

    test("a link by another algorithm is not blamed for a blob that is corrupt itself", async () => {
      const registry = new RegistryBuilder();
      const layer = registry.repository("team/app").pushAlias("a layer");
      registry.repository("team/app").image({ layers: [layer], tag: "1" });
      registry.tree.write(blobFile(sha256("a layer")), "a lawyer".slice(0, 7));
      expect(Array.from((await verified(registry.tree)).findings(), ({ code }) => code)).toEqual(["blob-corrupt"]);
    });

    test("what is damaged is found, whatever its size and algorithm, and belongs to its only owner", async () => {
      const registry = new RegistryBuilder();
      const [app, other] = [registry.repository("team/app"), registry.repository("team/other")];
      const [own, shared, empty] = [Buffer.alloc(2_000_000, 1), Buffer.alloc(300_000, 2), Buffer.alloc(0)].map((content) =>
        app.push(content),
      );
      if (own === undefined || shared === undefined || empty === undefined) throw new Error("there are three layers");
      other.mount(shared);
      app.image({ layers: [own, shared, empty], tag: "1" });
      const sha512 = `sha512:${crypto.createHash("sha512").update("content").digest("hex")}`;
      const damage = {
        [own.digest]: Buffer.alloc(2_000_000, 3),
        [shared.digest]: "cut",
        [empty.digest]: "x",
        [sha512]: "context",
      };
      for (const [digest, content] of Object.entries(damage)) registry.tree.write(blobFile(digest), content);
      const report = await verified(registry.tree);
      const expected = Object.entries(damage).map(([digest, content]) => {
        const [algorithm = ""] = digest.split(":");
        return {
          digest,
          path: blobFile(digest),
          bytes: content.length,
          repository: digest === own.digest || digest === empty.digest ? "team/app" : undefined,
          detail: `its content has the digest ${algorithm}:${crypto.createHash(algorithm).update(content).digest("hex")}`,
        };
      });
      const found = corrupt(report).map((finding) => ({
        digest: finding.digest?.toString(),
        path: finding.path,
        bytes: finding.bytes,
        repository: finding.repository,
        detail: detailOf(finding),
      }));
      expect(new Set(found)).toEqual(new Set(expected));
      expect(report.repositories.find(({ name }) => name === "team/app")?.findings["blob-corrupt"]).toBe(2);
      expect(report.verified?.blobs).toBe(report.totals.blobs);
    });

    test("parts are disjoint, of about one size, and together all there is", async () => {
      const registry = new RegistryBuilder();
      const digests = Array.from({ length: 60 }, (_, i) => registry.repository(`team/app-${i % 3}`).push(`layer ${i}`).digest);
      for (const digest of digests) registry.tree.write(blobFile(digest), "rotten");
      const found: string[] = [];
      for (let part = 1; part <= 3; part++) {
        const report = await verified(registry.tree, { part, parts: 3 });
        const some = corrupt(report).map(({ digest }) => digest?.toString() ?? "");
        expect(report.verified).toEqual({ part, parts: 3, blobs: some.length, bytes: some.length * 6, vouchedBytes: 0 });
        expect(some.length).toBeGreaterThan(5);
        found.push(...some);
      }
      expect(found.toSorted()).toEqual(digests.toSorted());
    });
  });
}
