import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { V2 } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { leftIn } from "../support/sweeping.js";
import { temporaryDirectory } from "../support/temporary.js";
import { RegistryClient } from "./support/client.js";
import { pushAllThatIsLegal, pushAndLetGo } from "./support/contents.js";
import { RealRegistry, REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { skopeoPull } from "./support/skopeo.js";
import { startedRegistry } from "./support/started.js";

/** Everything that every tag gives to a client, by tag. */
async function pullAll(client: RegistryClient): Promise<ReadonlyMap<string, readonly string[]>> {
  const pulls = new Map<string, readonly string[]>();
  const catalog = (await (await client.request("GET", "/v2/_catalog", [200])).json()) as { repositories: string[] };
  for (const repository of catalog.repositories) {
    const { tags } = (await (await client.in(repository).request("GET", "tags/list", [200, 404])).json()) as {
      tags?: string[] | null;
    };
    for (const tag of tags ?? []) pulls.set(`${repository}:${tag}`, await client.in(repository).pull(tag));
  }
  return pulls;
}

/** What skopeo pulls of each of the tags: content, or that it refuses to, as it does what is no image to it. */
async function skopeoPullAll({ address }: RealRegistry, tags: Iterable<string>): Promise<ReadonlyMap<string, unknown>> {
  const directory = path.join(temporaryDirectory(), "pulled");
  const pulls = new Map<string, unknown>();
  for (const tag of tags) pulls.set(tag, await skopeoPull(`${address}/${tag}`, directory).catch(() => "refused"));
  return pulls;
}

/**
 * Runs the program, which stops before its fifth delete until the file `go` is there; then it is more than half a minute later for it, and
 * time to ask the registry again.
 */
function pausedInTheMiddle(args: readonly string[], go: string) {
  const preload = `
    import fs from "node:fs";
    const { unlinkSync } = fs;
    const now = performance.now.bind(performance);
    let late = 0;
    let deletes = 0;
    performance.now = () => now() + late;
    fs.unlinkSync = (file) => {
      if (String(file).includes("/docker/registry/v2/") && ++deletes === 5) {
        fs.writeFileSync(${JSON.stringify(`${go}.paused`)}, "");
        while (!fs.existsSync(${JSON.stringify(go)})) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
        late = 31_000;
      }
      return unlinkSync(file);
    };`;
  const ended = regcheck(args, { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` });
  const isPaused = vi.waitUntil(() => fs.existsSync(`${go}.paused`), { timeout: 120_000, interval: 20 });
  return { ended, isPaused };
}

function sweepArguments(registry: RealRegistry, journal: string, ...more: readonly string[]): string[] {
  const probes = ["--registry-url", registry.url, "--journal-dir", journal];
  return [
    registry.root,
    "--sweep",
    "--grace",
    "0",
    "--delete-untagged",
    "--drop-dangling-tags",
    "--max-delete",
    "90%",
    "--fail-on",
    "never",
    ...probes,
    ...more,
  ];
}

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("a sweep of registry %s", (version) => {
  test("is refused while it takes writes, and done when it is read-only; every tag pulls as before, and what went can be pushed again", async () => {
    const { registry, client } = await startedRegistry(version);
    const { directory } = registry.options;
    await pushAllThatIsLegal(registry, client, directory);
    const untagged = await pushAndLetGo(client);
    const before = await pullAll(client);
    const bySkopeo = await skopeoPullAll(registry, before.keys());
    expect([...bySkopeo.values()].filter((pulled) => pulled !== "refused").length).toBeGreaterThan(5);
    const journal = temporaryDirectory();

    const refused = await regcheck(sweepArguments(registry, journal));
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain(`no-writers: ${registry.url}: takes writes`);
    const claimed = await regcheck(sweepArguments(registry, journal, "--registry-stopped"));
    expect(claimed.exitCode).toBe(4);

    const readOnly = await registry.restart({ readOnly: true });
    const swept = await regcheck(sweepArguments(readOnly, journal, "--format", "json"));
    expect({ stderr: swept.stderr, exitCode: swept.exitCode }).toEqual({ stderr: "", exitCode: 0 });
    const { sweep } = JSON.parse(swept.stdout) as { sweep: { deleted: Record<string, number>; stopped?: string } };
    expect(sweep.stopped).toBeUndefined();
    expect(sweep.deleted["blobs"]).toBeGreaterThan(5);
    expect(sweep.deleted["revisions"]).toBeGreaterThan(0);

    const writable = await readOnly.restart({ readOnly: false });
    expect(await pullAll(client)).toEqual(before);
    expect(await skopeoPullAll(writable, before.keys())).toEqual(bySkopeo);
    await client.request("GET", `manifests/${untagged.digest}`, [404]);
    await client.image(["untagged, but a revision"], "back");
    expect(await client.pull("back")).toHaveLength(3);
    const clean = await regcheck([writable.root, "--grace", "0", "--fail-on", "garbage", "--delete-untagged"]);
    expect(clean.stdout).toContain("SOUND");
    await writable.stop();
  });

  test("is stopped when the registry is made writable in the middle, and every tag pulls as before", async () => {
    const { registry, client } = await startedRegistry(version);
    await pushAndLetGo(client);
    const before = await pullAll(client);
    const readOnly = await registry.restart({ readOnly: true });
    const go = path.join(temporaryDirectory(), "go");
    const paused = pausedInTheMiddle(sweepArguments(readOnly, temporaryDirectory()), go);
    await paused.isPaused;
    const writable = await readOnly.restart({ readOnly: false });
    fs.writeFileSync(go, "");
    const { exitCode, stdout } = await paused.ended;
    expect({ exitCode, stdout }).toEqual({
      exitCode: 5,
      stdout: expect.stringContaining(
        `STOPPED: the registry is not read-only any more: ${registry.url}: takes writes`,
      ) as unknown,
    });
    expect(stdout).toContain("in 0 blobs");
    expect(await pullAll(client)).toEqual(before);
    const again = await writable.restart({ readOnly: true });
    expect(await regcheck(sweepArguments(again, temporaryDirectory()))).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await pullAll(client)).toEqual(before);
    await again.stop();
  });

  test("leaves a registry that caches descriptors with what is not there, until it is restarted as we ask", async () => {
    const directory = temporaryDirectory();
    const storage = { filesystem: { rootdirectory: path.join(directory, "storage") }, cache: { blobdescriptor: "inmemory" } };
    const registry = await RealRegistry.start({ version, directory, storage });
    onTestFinished(() => registry.stop());
    const client = new RegistryClient(registry.url, "team/app");
    await client.image(["kept"], "kept");
    const image = await client.image(["swept, and pushed again"], "gone");
    const layer = `blobs/sha256:${crypto.hash("sha256", "swept, and pushed again")}`;
    await client.deleteManifest(image.digest);
    const readOnly = await registry.restart({ readOnly: true });
    onTestFinished(() => readOnly.stop());
    await client.request("HEAD", layer, [200]);
    const swept = await regcheck(sweepArguments(readOnly, temporaryDirectory()));
    expect(swept).toMatchObject({ exitCode: 0, stderr: "" });
    expect(swept.stdout).toContain("Now restart every registry");
    // A client that asks now skips the upload.
    await client.request("HEAD", layer, [200]);
    const body = await client
      .request("GET", layer, [200])
      .then((response) => response.text())
      .catch(() => "no such blob");
    expect(body).toBe("no such blob");
    const restarted = await readOnly.restart({ readOnly: false });
    onTestFinished(() => restarted.stop());
    await client.request("HEAD", layer, [404]);
    expect((await client.image(["swept, and pushed again"], "back")).digest).not.toBe("");
    expect(await client.pull("back")).toHaveLength(3);
  });

  test("with --quarantine is undone by restore, while the registry runs", async () => {
    const { registry, client } = await startedRegistry(version);
    const untagged = await pushAndLetGo(client);
    const readOnly = await registry.restart({ readOnly: true });
    const before = await pullAll(client);
    const journal = temporaryDirectory();
    const swept = await regcheck(sweepArguments(readOnly, journal, "--quarantine", "--format", "json"));
    const { runId } = (JSON.parse(swept.stdout) as { sweep: { runId: string } }).sweep;
    expect(await pullAll(client)).toEqual(before);
    await client.request("GET", `manifests/${untagged.digest}`, [404]);

    const restored = await regcheck(["restore", runId, "--journal-dir", journal]);
    expect(restored).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await client.pull(untagged.digest)).toContain(untagged.digest);
    expect(leftIn(readOnly.root)).toEqual([]);
    await readOnly.stop();
  });

  test("removes exactly what a reviewed plan allows", async () => {
    const { registry, client } = await startedRegistry(version);
    await pushAndLetGo(client);
    const plan = path.join(temporaryDirectory(), "plan.ndjson");
    const readOnly = await registry.restart({ readOnly: true });
    const dry = sweepArguments(readOnly, temporaryDirectory(), "--dry-run", "--plan-output", plan);
    const files = () => fs.readdirSync(path.join(readOnly.root, V2), { recursive: true }).length;
    const before = files();
    expect((await regcheck(dry)).stdout).toContain("passed   no-writers");
    expect(files()).toBe(before);
    // Entries of a tag's history go with their manifests, and are no blobs, manifests or layer links.
    const planned = fs.readFileSync(plan, "utf8").match(/"kind":"(?:blob|revision|layer-link)"/g)?.length;

    const writable = await readOnly.restart({ readOnly: false });
    await client.deleteManifest((await client.image(["deleted after the plan was made"], "later")).digest);
    const again = await writable.restart({ readOnly: true });
    const swept = await regcheck(sweepArguments(again, temporaryDirectory(), "--plan", plan, "--format", "json"));
    const { deleted } = (JSON.parse(swept.stdout) as { sweep: { deleted: Record<string, number> } }).sweep;
    expect((deleted["blobs"] ?? 0) + (deleted["revisions"] ?? 0) + (deleted["layerLinks"] ?? 0)).toBe(planned);
    expect((await regcheck([again.root, "--grace", "0"])).stdout).toContain("blob-unreferenced (3 garbage)");
    fs.writeFileSync(plan, fs.readFileSync(plan, "utf8").replace('"kind":"blob"', '"kind":"tag"'));
    const damaged = await regcheck(sweepArguments(again, temporaryDirectory(), "--plan", plan));
    expect(damaged).toMatchObject({ exitCode: 2 });
    expect(damaged.stderr).toContain("it was changed since it was written");
    await again.stop();
  });

  test("untag removes a tag and nothing else", async () => {
    const { registry, client } = await startedRegistry(version);
    const image = await client.image(["an image with two tags"], "one");
    await client.copy(image.digest, "two");
    const readOnly = await registry.restart({ readOnly: true });
    const options = ["--storage", readOnly.root, "--registry-url", readOnly.url, "--journal-dir", temporaryDirectory()];
    const unknown = await regcheck(["untag", "team/app:one", "team/app:three", ...options]);
    expect(unknown).toMatchObject({ exitCode: 2, stdout: "" });
    expect(unknown.stderr).toContain("team/app:three: no such tag");
    const first = await regcheck(["untag", "team/app:one", ...options]);
    expect(first).toMatchObject({ exitCode: 0, stderr: "" });
    expect(first.stdout).toContain(`team/app:one is removed; ${image.digest} still has the tags two`);
    const second = await regcheck(["untag", "team/app:two", ...options]);
    expect(second.stdout).toContain("has no other tag");
    expect(await client.pull(image.digest)).toContain(image.digest);
    const { tags } = (await (await client.request("GET", "tags/list", [200, 404])).json()) as { tags?: unknown[] | null };
    expect(tags ?? []).toEqual([]);
    await readOnly.stop();
  });
});
