import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { V2 } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";
import { REGISTRIES } from "./support/registry.js";
import type { RealRegistry, RegistryVersion } from "./support/registry.js";
import { startedRegistry } from "./support/started.js";

const DAY = 24 * 3600;

/** Makes all files of a storage older, but for those below a directory. */
function age(root: string, but: string): void {
  const then = Date.now() / 1000 - DAY;
  for (const file of fs.readdirSync(root, { recursive: true, encoding: "utf8" }))
    if (!file.includes(but)) fs.utimesSync(path.join(root, file), then, then);
}

function sweep(root: string, ...more: readonly string[]) {
  const own = ["--sweep", "--delete-untagged", "--max-delete=90%", "--fail-on=never", "--journal-dir", temporaryDirectory()];
  return regcheck([root, ...own, ...more]);
}

const urlsOf = (...registries: readonly RealRegistry[]): string[] => registries.map(({ url }) => `--registry-url=${url}`);

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("registry %s", (version) => {
  test("that is read-only on another storage lets no sweep go on beside one that takes writes", async () => {
    const { registry, client } = await startedRegistry(version);
    await client.image(["a layer"], "1");
    const untagged = await client.image(["another layer"], "2");
    await client.image(["a third layer"], "2");
    age(registry.root, "nothing");
    const others = [await startedRegistry(version), await startedRegistry(version), await startedRegistry(version)] as const;
    // An empty one, one with other images, and one with a copy from before the last push.
    await others[1].client.image(["something else"], "1");
    await others[1].client.in("team/other").image(["a layer"], "1");
    fs.cpSync(registry.root, others[2].registry.root, { recursive: true, preserveTimestamps: true });
    await client.image(["pushed after the copy was made"], "3");
    for (const { registry: other } of others) {
      const readOnly = await other.restart({ readOnly: true });
      const refused = await sweep(registry.root, ...urlsOf(readOnly));
      expect(refused.exitCode).toBe(4);
      expect(refused.stderr).toContain(`no-writers: cannot tell that it serves this storage: ${readOnly.url}: `);
      const planned = await sweep(registry.root, ...urlsOf(readOnly), "--dry-run");
      expect(planned.stdout).toContain("REFUSES  no-writers: cannot tell that it serves this storage");
      await readOnly.stop();
    }
    expect(await client.pull(untagged.digest)).toContain(untagged.digest);
    const own = await registry.restart({ readOnly: true });
    const swept = await sweep(own.root, ...urlsOf(own));
    expect(swept).toMatchObject({ exitCode: 0, stderr: "" });
    await expect(client.pull(untagged.digest)).rejects.toThrow("404");
    await own.stop();
  });

  test("that is proven read-only: an upload of just now is left as it is with all of its repository, and the rest is swept", async () => {
    const { registry, client } = await startedRegistry(version);
    const pushing = client.in("team/pushing");
    for (const one of [client, pushing]) {
      await one.image([`kept of ${one.repository}`], "1");
      await one.image([`untagged of ${one.repository}`], "2");
      await one.image([`tagged now of ${one.repository}`], "2");
      await one.push(`a layer of ${one.repository} without a manifest`);
    }
    await pushing.startUpload("the first part of a layer");
    age(registry.root, "_uploads");
    const readOnly = await registry.restart({ readOnly: true });
    const claimed = await sweep(registry.root, "--registry-stopped");
    expect(claimed.stderr).toContain("refused by the rule no-active-uploads");
    expect(claimed.stderr).toContain("--registry-url of every registry");
    const swept = await sweep(registry.root, ...urlsOf(readOnly), "--format=json");
    expect({ exitCode: swept.exitCode, stderr: swept.stderr }).toEqual({ exitCode: 0, stderr: "" });
    const { sweep: result } = JSON.parse(swept.stdout) as { sweep: { deleted: Record<string, number> } };
    // The untagged manifest of the other repository, its layer, and the layer without a manifest.
    expect(result.deleted).toMatchObject({ revisions: 1, blobs: 3, uploads: 0 });
    expect(fs.readdirSync(path.join(registry.root, V2, "repositories/team/pushing/_uploads"))).toHaveLength(1);
    const named = ["--storage", registry.root, "--journal-dir", temporaryDirectory()];
    const untagged = await regcheck(["untag", "team/app:1", ...named, ...urlsOf(readOnly)]);
    expect(untagged).toMatchObject({ exitCode: 0, stderr: "" });
    const stopped = readOnly;
    await stopped.stop();
    const unasked = await sweep(registry.root, ...urlsOf(stopped), "--registry-stopped");
    expect(unasked).toMatchObject({ exitCode: 0, stderr: "" });
  });
});
