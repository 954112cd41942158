import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { sha256, TYPES, V2 } from "../support/builder.js";
import type { Descriptor } from "../support/builder.js";
import { BENCHMARK, generateTo } from "../support/generate.js";
import { regcheck } from "../support/run.js";
import { configOf } from "./support/client.js";
import { REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { check, eligible, unreferenced } from "./support/report.js";
import { startedRegistry } from "./support/started.js";

/** What regcheck offers that the registry's own collector would take, and where it differs, because the collector is wrong. */
describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("the collector of registry %s", (version) => {
  test("takes what is unreferenced in a registry of 500 images, and nothing else", async () => {
    const { registry } = await startedRegistry(version);
    generateTo(registry.root, { ...BENCHMARK, repositories: 5 });
    const taken = eligible(await registry.collect("--dry-run"));
    expect(taken.size).toBe(80);
    expect(unreferenced(await check([registry.root], "--drop-dangling-tags"))).toEqual(taken);
  });

  test("takes the image of a tag that dangles; regcheck only with --drop-dangling-tags, for it can be recovered", async () => {
    const { registry, client } = await startedRegistry(version);
    const image = await client.image(["a layer"], "1");
    const revisions = path.join(registry.root, V2, "repositories/team/app/_manifests/revisions");
    fs.rmSync(path.join(revisions, "sha256"), { recursive: true });
    const taken = eligible(await registry.collect("--dry-run"));
    expect(taken).toContain(image.digest);
    expect(taken).toContain(sha256("a layer"));
    expect(unreferenced(await check([registry.root]))).toEqual(new Set());
    expect(unreferenced(await check([registry.root], "--drop-dangling-tags"))).toEqual(taken);
  });

  test("of 2.8 takes the blobs of a repository without layer links, that of 3.1 aborts (D#3172, D#4443); regcheck takes none", async () => {
    const { registry, client } = await startedRegistry(version);
    const image = await client.image(["live"], "live");
    // What an interrupted restore from a backup leaves.
    fs.rmSync(path.join(registry.root, V2, "repositories/team/app/_layers"), { recursive: true });
    const report = await check([registry.root], "--drop-dangling-tags");
    expect(unreferenced(report)).toEqual(new Set());
    expect(report.findings.map(({ code }) => code)).toEqual(["layer-link-missing", "layer-link-missing"]);
    const output = await registry.collect("--dry-run").catch((error: unknown) => String(error));
    const takes = eligible(output).has(image.digest);
    expect({ takes, aborts: output.includes("Path not found") }).toEqual({ takes: version === "2.8", aborts: version === "3.1" });
  });

  test("of 2.8 takes the children of a tagged index with -m (D#3178, D#4461); regcheck never", async () => {
    const { registry, client } = await startedRegistry(version);
    await client.index([await client.image(["for amd64"]), await client.image(["for arm64"])], "multi");
    const taken = eligible(await registry.collect("--dry-run", "--delete-untagged"));
    expect(taken.has(sha256("for amd64"))).toBe(version === "2.8");
    expect(unreferenced(await check([registry.root], "--delete-untagged"))).toEqual(new Set());
  });

  test("takes the signatures and SBOMs of live images with -m; regcheck never", async () => {
    const { registry, client } = await startedRegistry(version);
    await client.image(["the SBOM"], undefined, await client.image(["an image"], "1"));
    expect(eligible(await registry.collect("--dry-run", "--delete-untagged"))).toContain(sha256("the SBOM"));
    expect(unreferenced(await check([registry.root], "--delete-untagged"))).toEqual(new Set());
  });

  test("takes with -m the layers of a child that one repository has and another lacks; regcheck does not", async () => {
    const { registry, client } = await startedRegistry(version);
    const other = client.in("another/app");
    const push = async (repository: typeof client): Promise<Descriptor> => {
      const child = await repository.manifest({
        schemaVersion: 2,
        mediaType: TYPES.image,
        config: await repository.push("{}", TYPES.config),
        layers: [await repository.push("a layer of the child")],
      });
      await repository.index([child], "multi");
      return child;
    };
    await push(client);
    await other.deleteManifest((await push(other)).digest);
    const taken = eligible(await registry.collect("--dry-run", "--delete-untagged"));
    expect(taken).toContain(sha256("a layer of the child"));
    expect(unreferenced(await check([registry.root], "--delete-untagged", "--drop-dangling-tags"))).toEqual(new Set());
  });

  test("of 3.1 takes with -m the layer links of an image without a tag that another repository has tagged; regcheck leaves it whole", async () => {
    const { registry, client } = await startedRegistry(version);
    // Collectors walk by name: the one without the tag first.
    const first = client.in("a/app");
    await first.image(["a layer of its own"], "other");
    const image = await first.image(["a layer of both"]);
    const second = client.in("b/app");
    await second.image(["a layer of both"], "tagged");
    const config = await second.push(configOf("a/app"), TYPES.config);
    const copy = { schemaVersion: 2, mediaType: TYPES.image, config, layers: [await second.push("a layer of both")] };
    expect((await second.manifest(copy, "copied")).digest).toBe(image.digest);
    expect(unreferenced(await check([registry.root], "--delete-untagged"))).not.toContain(sha256("a layer of both"));
    const links = path.join(registry.root, V2, "repositories/a/app/_layers/sha256", sha256("a layer of both").slice(7), "link");
    await registry.collect("--delete-untagged");
    expect(fs.existsSync(links)).toBe(version === "2.8");
  });

  test.each(["sha384", "sha512"] as const)(
    "takes a live layer that its manifest names by %s; regcheck does not",
    async (algorithm) => {
      const { registry, client } = await startedRegistry(version);
      await client.image([await client.push("a layer", TYPES.layer, algorithm)], "1");
      const output = await registry.collect("--dry-run").catch((error: unknown) => String(error));
      expect(eligible(output)).toContain(sha256("a layer"));
      expect(unreferenced(await check([registry.root]))).toEqual(new Set());
    },
  );

  test("aborts on one empty link and does not name it; regcheck names it and checks the rest", async () => {
    const { registry, client } = await startedRegistry(version);
    const image = await client.image(["a layer"], "1");
    await client.in("team/other").image(["another layer"], "1");
    const link = path.join(
      registry.root,
      V2,
      "repositories/team/app/_manifests/revisions",
      image.digest.replace(":", "/"),
      "link",
    );
    fs.writeFileSync(link, "");
    const output = await registry.collect("--dry-run").catch((error: unknown) => String(error));
    expect(output).toContain("invalid checksum digest format");
    expect(output).not.toContain("team/app");
    const { stdout, exitCode } = await regcheck([registry.root]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`team/app@${image.digest}`);
    expect(stdout).toContain("2 repositories, 2 tags, 2 manifests");
  });
});
