import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { sha256, TYPES, V2 } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";
import { REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { check, unreferenced } from "./support/report.js";
import { startedRegistry } from "./support/started.js";

/** What is pushed by a digest of another algorithm is stored by its sha256, and the link of the other digest alone tells as what. */
const VERSIONS = Object.keys(REGISTRIES) as RegistryVersion[];
const sha512 = (content: string): string => `sha512:${crypto.createHash("sha512").update(content).digest("hex")}`;
const LAYERS = `${V2}/repositories/team/app/_layers`;

test.each(VERSIONS)(
  "an image without a tag that is pinned by another digest of its config pulls after a sweep from registry %s",
  async (version) => {
    const { registry, client } = await startedRegistry(version);
    const content = JSON.stringify({ architecture: "amd64", os: "linux", comment: "pinned" });
    const config = await client.push(content, TYPES.config, "sha512");
    const layers = [await client.push("a layer", TYPES.layer, "sha384")];
    const named = { ...config, digest: sha256(content) };
    const pinned = await client.manifest({ schemaVersion: 2, mediaType: TYPES.image, config: named, layers });
    const other = await client.image(["another layer"]);
    await client.image(["sound"], "sound");
    await client.request("GET", `blobs/${config.digest}`, [200]);
    await registry.stop();

    const keep = path.join(temporaryDirectory(), "pins.txt");
    fs.writeFileSync(keep, config.digest);
    const options = ["--delete-untagged", "--keep", keep, "--grace", "0"];
    const { pins } = await check([registry.root], ...options);
    expect(pins).toMatchObject({ given: 1, found: 1 });
    const journal = ["--journal-dir", temporaryDirectory(), "--fail-on", "never", "--max-delete", "90%"];
    const { exitCode, stderr } = await regcheck([registry.root, "--sweep", "--registry-stopped", ...options, ...journal]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const restarted = await registry.restart();
    onTestFinished(() => restarted.stop());
    expect(await client.pull(pinned.digest)).toContain(layers[0]?.digest);
    await client.request("GET", `blobs/${config.digest}`, [200]);
    await client.request("GET", `manifests/${other.digest}`, [404]);
  },
);

test.each(VERSIONS)(
  "registry %s hands out what the link of a digest leads to, whatever it is: the right blob stays",
  async (version) => {
    const { registry, client } = await startedRegistry(version);
    await client.image([await client.push("layer 1", TYPES.layer, "sha512"), await client.push("layer 2")], "1");
    const link = path.join(registry.root, LAYERS, sha512("layer 1").replace(":", "/"), "link");
    fs.writeFileSync(link, sha256("layer 2"));
    expect(await (await client.request("GET", `blobs/${sha512("layer 1")}`, [200])).text()).toBe("layer 2");
    expect(unreferenced(await check([registry.root]))).toEqual(new Set());
    const { findings } = await check([registry.root], "--verify");
    expect(findings.map(({ code }) => code)).toEqual(["link-mismatch"]);
  },
);
