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
});
