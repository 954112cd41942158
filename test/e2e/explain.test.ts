import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { explain as explainReference } from "#regcheck/explain.js";
import { parseReference } from "#regcheck/explain/reference.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { blobFile, sha256 } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { configOf } from "./support/client.js";
import { pushAllThatIsLegal, pushAndLetGo } from "./support/contents.js";
import { REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { check, unreferenced } from "./support/report.js";
import { startedRegistry } from "./support/started.js";

/** As much of an explanation as these tests look at. */
interface Explanation {
  readonly verdict: string;
  readonly kind: string;
  readonly digest: string;
  readonly chains: readonly {
    readonly root: { readonly kind: string; readonly repository?: string; readonly tag?: string };
    readonly steps: readonly {
      readonly as: string;
      readonly digest: string;
      readonly findings: readonly { readonly code: string }[];
    }[];
  }[];
  readonly goes?: { readonly digests: readonly string[]; readonly exclusive: { readonly blobs: number } };
  readonly pull?: { readonly blobs: number };
  readonly damage: readonly { readonly code: string; readonly digest?: string }[];
}

async function explain(root: string, reference: string, ...options: readonly string[]): Promise<Explanation> {
  const args = ["explain", reference, "--storage", root, "--grace", "0", "--format", "json", ...options];
  const { exitCode, stdout, stderr } = await regcheck(args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return JSON.parse(stdout) as Explanation;
}

function chainsOf({ chains }: Explanation): string[] {
  return chains.map(({ root: { kind, repository, tag }, steps }) =>
    [`${kind} ${repository ?? ""}:${tag ?? ""}`, ...steps.map(({ as, digest }) => `${as} ${digest}`)].join(" > "),
  );
}

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("regcheck explain on the storage of registry %s", (version) => {
  test("a multi-arch image: by its tag, by a layer that two repositories share, and damaged", async () => {
    const { registry, client } = await startedRegistry(version);
    const { root } = registry;
    const other = client.in("other/app");
    const base = await client.push("a base layer");
    const [amd64, arm64] = [await client.image([base, "for amd64"]), await client.image([base, "for arm64"])];
    const index = await client.index([amd64, arm64], "1.0");
    const copy = await other.image([await other.mount(base, "team/app")], "copy");
    await registry.stop();

    const tagged = await explain(root, "team/app:1.0", "--delete-untagged");
    expect(chainsOf(tagged)).toEqual([`tag team/app:1.0 > manifest ${index.digest}`]);
    expect(tagged).toMatchObject({ verdict: "alive", kind: "index", pull: { blobs: 7 }, damage: [] });
    expect(new Set(tagged.goes?.digests)).toEqual(
      new Set(
        [index, amd64, arm64]
          .map(({ digest }) => digest)
          .concat([sha256("for amd64"), sha256("for arm64"), sha256(configOf("team/app"))]),
      ),
    );

    const shared = await explain(root, base.digest.slice(0, 20), "--delete-untagged", "--all");
    expect(shared.digest).toBe(base.digest);
    expect(chainsOf(shared)).toEqual([
      `tag other/app:copy > manifest ${copy.digest} > layer ${base.digest}`,
      expect.stringMatching(`^tag team/app:1.0 > manifest ${index.digest} > child sha256:\\w+ > layer ${base.digest}$`),
    ]);

    fs.rmSync(path.join(root, blobFile(sha256("for arm64"))));
    const missing = await explain(root, sha256("for arm64"), "--delete-untagged");
    expect(missing.verdict).toBe("missing");
    expect(chainsOf(missing)).toEqual([
      `tag team/app:1.0 > manifest ${index.digest} > child ${arm64.digest} > layer ${sha256("for arm64")}`,
    ]);
    expect(missing.chains[0]?.steps.at(-1)?.findings.map(({ code }) => code)).toEqual(["blob-missing"]);
    expect((await explain(root, "team/app:1.0")).damage.map(({ code, digest }) => `${code} ${digest}`)).toEqual([
      `blob-missing ${sha256("for arm64")}`,
    ]);
  });

  test("of all that is stored, garbage is what the check calls garbage", async () => {
    const { registry, client } = await startedRegistry(version);
    const { root } = registry;
    await pushAllThatIsLegal(registry, client, registry.options.directory);
    const untagged = await pushAndLetGo(client);
    await registry.stop();
    const garbage = unreferenced(await check([root], "--delete-untagged", "--drop-dangling-tags"));
    expect(garbage).toContain(untagged.digest);
    const blobs = fs.readdirSync(path.join(root, "docker/registry/v2/blobs"), { recursive: true, encoding: "utf8" });
    const stored = blobs.filter((file) => file.endsWith("/data")).map((file) => `sha256:${file.split("/")[2] ?? ""}`);
    expect(stored.length).toBeGreaterThan(30);
    const storage = FilesystemStorage.open(root, { concurrency: 1 });
    onTestFinished(() => storage.close());
    const now = Math.floor(Date.now() / 1000);
    const taken: string[] = [];
    for (const digest of stored) {
      const options = { policy: { deleteUntagged: true, dropDanglingTags: true, grace: 0, now, pins: [] }, all: false };
      const { verdict } = await explainReference(storage, parseReference(digest), options);
      expect(["alive", "garbage"]).toContain(verdict);
      if (verdict === "garbage") taken.push(digest);
    }
    expect(new Set(taken)).toEqual(garbage);
  });
});
