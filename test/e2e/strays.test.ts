import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { blobFile, V2 } from "../support/builder.js";
import { temporaryDirectory } from "../support/temporary.js";
import { RegistryClient } from "./support/client.js";
import { RealRegistry, REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { check } from "./support/report.js";

const APP = `${V2}/repositories/team/app`;
const TAGS = `${APP}/_manifests/tags`;

/** What regcheck says of a file outside the layout is what the registry does with it. */
describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("a file outside the layout, and registry %s", (version) => {
  async function withFile(file: (layer: string) => string) {
    const registry = await RealRegistry.start({ version, directory: temporaryDirectory() });
    try {
      const client = new RegistryClient(registry.url, "team/app");
      const layer = await client.push("a layer");
      await client.image([layer], "kept");
      const untagged = await client.image(["an untagged layer"]);
      const stray = file(layer.digest);
      fs.mkdirSync(path.dirname(path.join(registry.root, stray)), { recursive: true });
      fs.writeFileSync(path.join(registry.root, stray), "mine");
      const { findings } = await check([registry.root]);
      const listed = (await (await client.request("GET", "tags/list", [200])).json()) as { readonly tags: readonly string[] };
      const collects = async (...options: readonly string[]): Promise<boolean> =>
        registry.collect("--dry-run", ...options).then(
          () => true,
          () => false,
        );
      return {
        codes: findings.filter(({ code }) => code.startsWith("stray-")).map(({ code }) => code),
        pulls: await client.pull("kept").then(
          () => true,
          () => false,
        ),
        isListed: listed.tags.includes(path.basename(stray)),
        collects: await collects(),
        collectsUntagged: await collects("--delete-untagged"),
        deletes: (await client.request("DELETE", `manifests/${untagged.digest}`, [202, 500])).status,
      };
    } finally {
      await registry.stop();
    }
  }

  test.each([[".DS_Store"], ["Thumbs.db"], ["bad~name"]])("among tags: %s", async (name) => {
    expect(await withFile(() => `${TAGS}/${name}`)).toEqual({
      codes: ["stray-among-tags"],
      pulls: true,
      isListed: true,
      collects: true,
      collectsUntagged: false,
      deletes: 500,
    });
  });

  test.each<[string, (layer: string) => string]>([
    ["of no digest", () => `${V2}/blobs/sha256/5b/5bd0/data`],
    ["of no algorithm", () => `${V2}/blobs/data`],
    ["below a NAS's directory beside a blob", (layer) => path.join(path.dirname(blobFile(layer)), "@eaDir/data")],
    ["of no revision", () => `${APP}/_manifests/revisions/sha256/junk/link`],
  ])("with a name of the registry's: %s", async (_, file) => {
    expect(await withFile(file)).toMatchObject({
      codes: ["stray-aborts-collector"],
      pulls: true,
      collects: false,
      collectsUntagged: false,
      deletes: 202,
    });
  });

  test.each<[string, (layer: string) => string]>([
    ["beside a blob", (layer) => path.join(path.dirname(blobFile(layer)), ".nfs0001")],
    ["in a directory of its own", (layer) => path.join(path.dirname(blobFile(layer)), "@eaDir/data@SynoEAStream")],
    ["beside a layer link", (layer) => `${APP}/_layers/${layer.replace(":", "/")}/.nfs0001`],
    ["in a tag's directory", () => `${TAGS}/kept/.nfs0001`],
  ])("that does no harm: %s", async (_, file) => {
    expect(await withFile(file)).toMatchObject({
      codes: ["stray-object"],
      pulls: true,
      collects: true,
      collectsUntagged: true,
      deletes: 202,
    });
  });

  test.each([[""], ["[]"], [`{"a":1}`]])(
    "scheduler-state.json with %j keeps a pull-through cache from starting",
    async (content) => {
      const directory = temporaryDirectory();
      const root = path.join(directory, "storage");
      fs.mkdirSync(path.join(root, APP, "_layers"), { recursive: true });
      fs.writeFileSync(path.join(root, "scheduler-state.json"), content);
      const text = (address: string): string =>
        JSON.stringify({
          version: 0.1,
          storage: { filesystem: { rootdirectory: root } },
          http: { addr: address },
          proxy: { remoteurl: "http://127.0.0.1:1" },
        });
      await expect(RealRegistry.start({ version, directory, text })).rejects.toThrow(
        /panic: (?:unexpected end of JSON|json: cannot)/,
      );
      const { findings } = await check([root]);
      expect(findings.map(({ code }) => code)).toContain("proxy-state-invalid");
    },
  );
});
