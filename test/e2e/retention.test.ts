import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { V2 } from "../support/builder.js";
import type { Descriptor } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";
import type { RegistryClient } from "./support/client.js";
import { findProgram } from "./support/programs.js";
import { REGISTRIES } from "./support/registry.js";
import type { RealRegistry, RegistryVersion } from "./support/registry.js";
import { startedRegistry } from "./support/started.js";

const EXAMPLES = path.resolve(import.meta.dirname, "../../docs/examples");
const POLICY = path.join(EXAMPLES, "retention.yaml");
const MAIN = path.resolve(import.meta.dirname, "../../dist/cli/main.js");
const DAY = 86_400;

/** Makes everything look as if it had been pushed so many days ago. */
function age(root: string, days: number): void {
  const then = Date.now() / 1000 - days * DAY;
  for (const entry of fs.readdirSync(path.join(root, V2), { recursive: true, withFileTypes: true }))
    if (entry.isFile()) fs.utimesSync(path.join(entry.parentPath, entry.name), then, then);
}

function signatureTag({ digest }: Descriptor): string {
  return `${digest.replace(":", "-")}.sig`;
}

/** Images of different ages, with signatures of both kinds, and indexes that share a platform. */
async function pushAll(client: RegistryClient, root: string) {
  const old = await client.image(["pr-1"], "pr-1");
  await client.image(["signature of pr-1"], signatureTag(old));
  const about = await client.image(["sbom of pr-1"], undefined, old);
  const moving = await client.image(["pr-3"], "pr-3");
  const release = await client.image(["v1"], "v1");
  await client.copy("v1", "build-v1");
  await client.image(["signature of v1"], signatureTag(release));
  const aboutRelease = await client.image(["sbom of v1"], undefined, release);
  const shared = await client.image(["shared platform"]);
  const amd64 = await client.image(["amd64 of build-1"]);
  const index = await client.index([amd64, shared], "build-1");
  await client.image(["signature of the shared platform"], signatureTag(shared));
  await client.image(["signature of amd64"], signatureTag(amd64));
  age(root, 40);
  await client.index([await client.image(["amd64 of build-2"]), shared], "build-2");
  for (const tag of ["pr-7", "pr-8", "pr-9"]) await client.image([tag], tag);
  return { old, about, moving, release, aboutRelease, shared, amd64, index };
}

async function tagsOf(client: RegistryClient): Promise<string[]> {
  const { tags } = (await (await client.request("GET", "tags/list", [200])).json()) as { readonly tags: readonly string[] };
  return [...tags].sort();
}

/** What stops and starts the registry as a service manager would, from a script. */
function serviceOf(registry: RealRegistry, version: RegistryVersion, directory: string) {
  const pid = path.join(directory, "pid");
  const control = path.join(directory, "service");
  fs.writeFileSync(
    control,
    `#!/bin/sh
if [ "$1" = stop ]; then kill -9 "$(cat ${pid})"; while kill -0 "$(cat ${pid})" 2>/dev/null; do sleep 0.05; done
else OTEL_TRACES_EXPORTER=none nohup ${findProgram(REGISTRIES[version])} serve ${registry.config} >${directory}/log 2>&1 & echo $! >${pid}; fi
`,
    { mode: 0o755 },
  );
  const run = (word: "start" | "stop") => promisify(execFile)(control, [word]);
  return {
    control,
    stop: async (): Promise<void> => void (await run("stop")),
    start: async (): Promise<void> => {
      await run("start");
    },
  };
}

async function untilReady({ url }: RealRegistry): Promise<void> {
  for (let i = 0; i < 1200; i++) {
    if ((await fetch(`${url}/v2/`).catch(() => undefined))?.ok === true) return;
    await setTimeout(50);
  }
  throw new Error("the registry does not answer");
}

/** A test's own directories are gone by the time that its hooks run: what was started from them is stopped before. */
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("tags by a policy file, on registry %s", (version) => {
  test("the whole cycle: policy, quarantine, sweep in the window, and back", async () => {
    const { registry, client } = await startedRegistry(version);
    const { root } = registry;
    const { old, about, shared, amd64, release, aboutRelease, index } = await pushAll(client, root);
    const preview = await regcheck(["untag", "--policy", POLICY, root, "--format", "json"]);
    const { tags } = JSON.parse(preview.stdout) as { readonly tags: readonly { readonly tag: string; readonly goes: boolean }[] };
    const going = tags.filter(({ goes }) => goes).map(({ tag }) => tag);
    expect(going).toEqual(["build-1", "build-v1", "pr-1", "pr-3", signatureTag(old), signatureTag(amd64)].sort());
    expect(preview.exitCode).toBe(0);
    const sum = await regcheck([root, "--policy", POLICY, "--delete-untagged", "--format", "json", "--fail-on", "never"]);
    const { reclaimable } = JSON.parse(sum.stdout) as {
      readonly reclaimable: Record<string, { readonly blobs: number; readonly bytes: number }>;
    };

    // Between the preview and the window, somebody pushes one of them again.
    const moved = await client.image(["pr-3, once more"], "pr-3");
    const before = new Map(await Promise.all((await tagsOf(client)).map(async (tag) => [tag, await client.pull(tag)] as const)));

    const directory = temporaryDirectory();
    const service = serviceOf(registry, version, directory);
    await registry.stop();
    await service.start();
    stops.push(service.stop);
    await untilReady(registry);
    fs.writeFileSync(path.join(directory, "regcheck"), `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`, { mode: 0o755 });
    const environment = {
      PATH: `${directory}:${process.env["PATH"] ?? ""}`,
      CONFIG: registry.config,
      POLICY,
      STOP: `${service.control} stop`,
      START: `${service.control} start`,
      JOURNALS: path.join(directory, "journals"),
    };
    const { stdout, stderr } = await promisify(execFile)(path.join(EXAMPLES, "retention-window.sh"), [], { env: environment });
    expect({ stdout, stderr }).toEqual({ stdout: "", stderr: "" });
    await untilReady(registry);

    const left = [...before.keys()].filter((tag) => tag === "pr-3" || !going.includes(tag));
    expect(await tagsOf(client)).toEqual(left.sort());
    for (const tag of left) expect(await client.pull(tag)).toEqual(before.get(tag));
    expect((await client.pull("pr-3"))[0]).toBe(moved.digest);
    for (const { digest } of [old, about, amd64, index]) await client.request("GET", `manifests/${digest}`, [404]);
    for (const { digest } of [shared, release, aboutRelease]) await client.pull(digest);
    expect(reclaimable["withPolicy"]?.blobs).toBeGreaterThan(reclaimable["withDeleteUntagged"]?.blobs ?? 0);

    // Neither run is seven days old: both are still there, and what they took comes back.
    const runs = fs.readdirSync(environment.JOURNALS).map((file) => path.basename(file, ".ndjson"));
    expect(runs).toHaveLength(2);
    const undo = ["--config", registry.config, "--journal-dir", environment.JOURNALS];
    for (const run of runs.sort().toReversed()) expect(await regcheck(["restore", run, ...undo])).toMatchObject({ exitCode: 0 });
    for (const tag of ["pr-1", "build-1", signatureTag(old)]) expect(await client.pull(tag)).toEqual(before.get(tag));
    await client.pull(about.digest);
  });

  test("a plan removes what was reviewed, but for what has moved since", async () => {
    const { registry, client } = await startedRegistry(version);
    const { root } = registry;
    await pushAll(client, root);
    const plan = path.join(temporaryDirectory(), "plan.ndjson");
    expect((await regcheck(["untag", "--policy", POLICY, root, "--plan-output", plan])).exitCode).toBe(0);
    const before = await tagsOf(client);
    await client.image(["pr-3, once more"], "pr-3");
    // Even if its time did not tell.
    const then = Date.now() / 1000 - 40 * DAY;
    fs.utimesSync(path.join(root, V2, "repositories", client.repository, "_manifests/tags/pr-3/current/link"), then, then);
    const readOnly = await registry.restart({ readOnly: true });
    onTestFinished(() => readOnly.stop());
    const args = ["untag", "--policy", POLICY, "--plan", plan, "--apply", "--registry-url", registry.url, "--max-untag", "90%"];
    const { exitCode, stdout, stderr } = await regcheck([...args, root, "--journal-dir", temporaryDirectory()]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/^Removed: .* 5 tags,/m);
    const after = await tagsOf(client);
    expect(before.filter((tag) => !after.includes(tag))).toHaveLength(5);
    expect(after).toContain("pr-3");
  });

  test("a manifest of long ago that gets another tag has a new link as well, so that the tag has an age", async () => {
    const { registry, client } = await startedRegistry(version);
    const { root } = registry;
    const release = await client.image(["v1"], "v1");
    age(root, 40);
    await client.copy("v1", "pr-10");
    const manifests = path.join(root, V2, "repositories", client.repository, "_manifests");
    const revision = fs.statSync(path.join(manifests, "revisions", release.digest.replace(":", "/"), "link"));
    const tag = fs.statSync(path.join(manifests, "tags/pr-10/current/link"));
    expect(tag.mtimeMs - revision.mtimeMs).toBeLessThan(5000);
    const { stdout } = await regcheck(["untag", "--policy", POLICY, root, "--format", "json"]);
    const { tags } = JSON.parse(stdout) as { readonly tags: readonly { readonly reason: string }[] };
    expect(tags.map(({ reason }) => reason)).not.toContain("time-unknown");
  });

  test("a registry that takes writes is left alone", async () => {
    const { registry, client } = await startedRegistry(version);
    await pushAll(client, registry.root);
    const before = await tagsOf(client);
    const { exitCode, stderr } = await regcheck([
      "untag",
      "--policy",
      POLICY,
      "--apply",
      "--registry-url",
      registry.url,
      registry.root,
    ]);
    expect(stderr).toContain("untag refused by the rule no-writers");
    expect(exitCode).toBe(4);
    expect(await tagsOf(client)).toEqual(before);
  });
});
