import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { REPAIR_CODES } from "#regcheck/repair/codes.js";
import { V2 } from "../support/builder.js";
import { RegistryTree } from "../support/registry-tree.js";
import { regcheck } from "../support/run.js";
import { contentOf } from "../support/sweeping.js";
import { temporaryDirectory } from "../support/temporary.js";
import { REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { makeImageDirectory, skopeoCopy } from "./support/skopeo.js";
import { startedRegistry } from "./support/started.js";

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("a repair of registry %s", (version) => {
  test("is refused while it takes writes; read-only, every broken tag pulls again, and restore breaks them as they were", async () => {
    const { registry, client } = await startedRegistry(version);
    const { directory } = registry.options;
    const image = makeImageDirectory(path.join(directory, "image"), ["a base layer", "another layer"]);
    await skopeoCopy(`dir:${image}`, `docker://${registry.address}/team/app:layers`);
    const tags = ["revision", "dangling", "tag"] as const;
    const pushed = { revision: "", dangling: "", tag: "" };
    for (const tag of tags) pushed[tag] = (await client.image([`a layer of ${tag}`], tag)).digest;
    const before = new Map<string, readonly string[]>();
    for (const tag of ["layers", ...tags]) before.set(tag, await client.pull(tag));
    await registry.stop();

    const at = (file: string): string => path.join(registry.root, V2, "repositories/team/app", file);
    const digestPath = (digest: string): string => digest.replace(":", "/");
    const [, config = "", layer = ""] = before.get("layers") ?? [];
    fs.truncateSync(at(`_layers/${digestPath(config)}/link`));
    fs.rmSync(at(`_layers/${digestPath(layer)}`), { recursive: true });
    fs.truncateSync(at(`_manifests/revisions/${digestPath(pushed.revision)}/link`));
    fs.rmSync(at(`_manifests/revisions/${digestPath(pushed.dangling)}`), { recursive: true });
    fs.truncateSync(at("_manifests/tags/tag/current/link"));
    const tree = RegistryTree.readFrom(registry.root);
    const broken = contentOf(tree);
    // It broke a while ago: what is as young as the repair might belong to a push that relies on it.
    const hourAgo = Date.now() / 1000 - 3600;
    for (const file of tree.files.keys()) fs.utimesSync(path.join(registry.root, file), hourAgo, hourAgo);

    const writable = await registry.restart();
    const journal = ["--journal-dir", temporaryDirectory()];
    const command = [
      "repair",
      ...REPAIR_CODES,
      "--storage",
      registry.root,
      "--apply",
      "--registry-url",
      writable.url,
      ...journal,
    ];
    expect(await regcheck(command)).toMatchObject({ exitCode: 4, stdout: "" });
    const readOnly = await writable.restart({ readOnly: true });
    for (const tag of before.keys()) await expect(client.pull(tag), tag).rejects.toThrow(/: [45]\d\d /);

    const { exitCode, stderr, stdout } = await regcheck(command);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    // The registry has run all the time, and needs no restart.
    for (const [tag, content] of before) expect(await client.pull(tag), tag).toEqual(content);
    await skopeoCopy(`docker://${readOnly.address}/team/app:layers`, `dir:${path.join(directory, "pulled")}`);
    expect((await regcheck([registry.root, "--grace", "0"])).stdout).toContain("SOUND");

    const [, runId = ""] = /regcheck restore (\S+) --journal-dir/.exec(stdout) ?? [];
    expect(await regcheck(["restore", runId, "--registry-url", writable.url, ...journal])).toMatchObject({
      exitCode: 0,
      stderr: "",
    });
    expect(contentOf(RegistryTree.readFrom(registry.root))).toEqual(broken);
    expect((await regcheck(command)).exitCode).toBe(0);

    // What was written is as good as the registry's own: it goes on from there.
    const again = await readOnly.restart({ readOnly: false });
    for (const tag of before.keys()) await client.copy(tag, `${tag}-again`);
    await client.image(["pushed over a repaired tag"], "tag");
    expect(await client.pull("tag")).toHaveLength(3);
    await again.stop();
  });
});
