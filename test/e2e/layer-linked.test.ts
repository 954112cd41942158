import fs from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { blobFile, TYPES, V2 } from "../support/builder.js";
import type { Descriptor } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";
import type { RegistryClient } from "./support/client.js";
import { REGISTRIES } from "./support/registry.js";
import type { RealRegistry, RegistryVersion } from "./support/registry.js";
import { check } from "./support/report.js";
import { startedRegistry } from "./support/started.js";

/** Leaves a manifest as registry 2.1.0 linked it: among the layers, by a link that the registry itself writes, and nowhere else. */
async function linkAsLayer(registry: RealRegistry, client: RegistryClient, { digest }: Descriptor): Promise<void> {
  await client.push(fs.readFileSync(path.join(registry.root, blobFile(digest))), TYPES.layer);
  const revisions = path.join(registry.root, V2, "repositories/team/app/_manifests/revisions");
  fs.rmSync(path.join(revisions, digest.replace(":", "/")), { recursive: true });
}

/** What pulls, by reference: the digests of all content. */
async function pulls(client: RegistryClient, references: readonly string[]): Promise<Record<string, readonly string[]>> {
  const got: Record<string, readonly string[]> = {};
  for (const reference of references) {
    const digests = await client.pull(reference).catch(() => undefined);
    if (digests !== undefined) got[reference] = digests;
  }
  return got;
}

test.each(Object.keys(REGISTRIES) as RegistryVersion[])(
  "what registry %s finds by a layer link pulls as before after a sweep of everything that is garbage",
  async (version) => {
    const { registry, client } = await startedRegistry(version);
    const [amd64, arm64] = [await client.image(["for amd64"]), await client.image(["for arm64"])];
    const index = await client.index([amd64, arm64], "index");
    const image = await client.image(["of a tag"], "image");
    const former = await client.image(["of a tag that moved"], "moved");
    await client.image(["of the tag now"], "moved");
    const kept = await client.image(["sound"], "sound");
    await client.image(["untagged"]);
    for (const manifest of [amd64, image, former]) await linkAsLayer(registry, client, manifest);
    const references = ["index", "image", "moved", "sound", ...[amd64, arm64, index, kept].map(({ digest }) => digest)];

    const before = await pulls(client, [...references, former.digest]);
    expect(Object.keys(before)).toEqual(
      version === "2.8" ? [...references, former.digest] : ["moved", "sound", arm64.digest, kept.digest],
    );
    const { findings } = await check([registry.root], "--grace", "0");
    expect(findings.filter(({ code }) => code.endsWith("-unreferenced") && !code.startsWith("manifest-"))).toEqual([]);

    await registry.stop();
    const options = ["--delete-untagged", "--drop-dangling-tags", "--grace", "0", "--max-delete", "90%", "--fail-on", "never"];
    const journal = ["--journal-dir", temporaryDirectory()];
    const { exitCode, stderr } = await regcheck([registry.root, "--sweep", "--registry-stopped", ...options, ...journal]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const restarted = await registry.restart();
    onTestFinished(() => restarted.stop());
    const { [former.digest]: _, ...lasting } = before;
    expect(await pulls(client, references)).toEqual(lasting);
    // It is untagged: that it goes shows that the sweep took something.
    expect(await pulls(client, [former.digest])).toEqual({});
  },
);
