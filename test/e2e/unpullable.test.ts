import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { blobFile, TYPES } from "../support/builder.js";
import { temporaryDirectory } from "../support/temporary.js";
import { RegistryClient } from "./support/client.js";
import { RealRegistry, REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { check } from "./support/report.js";

/** What a check sees of a blob without reading it, and what the registry makes of it. */
describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("a blob of registry %s", (version) => {
  test("that is empty is handed out as it is, and no push mends it", async () => {
    const registry = await RealRegistry.start({ version, directory: temporaryDirectory() });
    try {
      const client = new RegistryClient(registry.url, "team/app");
      const [layer, config] = [await client.push("a layer"), await client.push("{ }", TYPES.config)];
      const { mediaType, digest } = layer;
      const manifest = { schemaVersion: 2, mediaType: TYPES.image, config, layers: [{ mediaType, digest }] };
      await client.request("PUT", "manifests/1", [201], JSON.stringify(manifest), { "content-type": TYPES.image });
      fs.writeFileSync(path.join(registry.root, blobFile(digest)), "");
      const pulled = await client.request("GET", `blobs/${digest}`, [200]);
      expect(await pulled.text()).toBe("");
      await client.request("HEAD", `blobs/${digest}`, [200]);
      await client.push("a layer");
      expect(fs.statSync(path.join(registry.root, blobFile(digest))).size).toBe(0);
      const { findings } = await check([registry.root]);
      expect(findings.filter(({ severity }) => severity === "error")).toMatchObject([{ code: "blob-corrupt", digest }]);
    } finally {
      await registry.stop();
    }
  });

  const isRoot = process.getuid?.() === 0;
  const REGISTRY = 12_345;

  test.skipIf(!isRoot).each<[string, number, number, boolean]>([
    ["root's alone", 0, 0o600, false],
    ["its own, closed to it", REGISTRY, 0o044, false],
    ["root's, open to all", 0, 0o644, true],
    ["its own alone", REGISTRY, 0o600, true],
  ])("that is %s, where another user runs the registry", async (_, owner, mode, isServed) => {
    const directory = temporaryDirectory();
    const root = path.join(directory, "storage");
    fs.mkdirSync(root);
    fs.chmodSync(directory, 0o755);
    fs.chownSync(root, REGISTRY, REGISTRY);
    const registry = await RealRegistry.start({ version, directory, user: REGISTRY });
    try {
      const client = new RegistryClient(registry.url, "team/app");
      const layer = await client.push("a layer");
      const image = await client.image([layer, "another", "a third"], "1");
      for (const { digest } of [layer, image]) {
        fs.chownSync(path.join(root, blobFile(digest)), owner, owner);
        fs.chmodSync(path.join(root, blobFile(digest)), mode);
      }
      const served = await client
        .request("GET", `blobs/${layer.digest}`, [200])
        .then((response) => response.text())
        .then(
          (text) => text === "a layer",
          () => false,
        );
      await client.request("HEAD", `blobs/${layer.digest}`, [200]);
      await client.request("GET", `manifests/1`, [isServed ? 200 : 500], undefined, { accept: TYPES.image });
      const { findings } = await check([registry.root]);
      const unreadable = findings.filter(({ code }) => code === "blob-unreadable").map(({ digest }) => digest);
      expect({ served, unreadable: new Set(unreadable) }).toEqual({
        served: isServed,
        unreadable: new Set(isServed ? [] : [layer.digest, image.digest]),
      });
    } finally {
      await registry.stop();
    }
  });
});
