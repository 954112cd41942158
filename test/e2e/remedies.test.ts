import fs from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FINDING_CODES } from "#regcheck/mark/finding.js";
import type { FindingCode } from "#regcheck/mark/finding.js";
import { CATALOGUE } from "#regcheck/report/catalogue.js";
import { blobFile, sha256, V2 } from "../support/builder.js";
import { temporaryDirectory } from "../support/temporary.js";
import { RegistryClient } from "./support/client.js";
import { RealRegistry, REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { check } from "./support/report.js";
import { makeImageDirectory, skopeoCopy, skopeoPull } from "./support/skopeo.js";

/** An image that was pushed to a repository of its own, and where its parts lie in the storage. */
interface Case {
  readonly directory: string;
  readonly repository: string;
  readonly client: RegistryClient;
  readonly manifest: string;
  readonly manifestBlob: string;
  readonly revisionLink: string;
  readonly currentLink: string;
  readonly layer: string;
  readonly layerBlob: string;
  readonly layerLink: string;
  /** The digest of another blob. */
  readonly config: string;
}

/** A damage, and what its remedy says to do by hand, or by a request, before the restart and the push. */
interface Remedy {
  readonly damage: (image: Case) => void;
  readonly first?: (image: Case) => Promise<void> | void;
}

const empty = (file: string): void => fs.writeFileSync(file, "");
const remove = (file: string): void => fs.rmSync(file);
/** What "to delete" says: the directory that the finding's file lies in. */
const removeDirectory = (file: string): void => fs.rmSync(path.dirname(file), { recursive: true });

const REMEDIES: Readonly<Record<string, Remedy>> = {
  "manifest-missing": { damage: ({ manifestBlob }) => remove(manifestBlob) },
  "manifest-corrupt": {
    damage: ({ manifestBlob }) => fs.writeFileSync(manifestBlob, "{}"),
    first: ({ manifestBlob }) => removeDirectory(manifestBlob),
  },
  "manifest-invalid": {
    damage: ({ directory, revisionLink, currentLink }) => {
      const manifest = JSON.stringify({ schemaVersion: 2, mediaType: "application/x-nobody" });
      write(path.join(directory, blobFile(sha256(manifest))), manifest);
      write(revisionLink.replace(/[0-9a-f]{64}/, sha256(manifest).slice(7)), sha256(manifest));
      write(currentLink, sha256(manifest));
    },
    first: ({ client, currentLink }) => client.deleteManifest(fs.readFileSync(currentLink, "utf8")),
  },
  "revision-link-invalid": { damage: ({ revisionLink }) => empty(revisionLink) },
  "tag-link-invalid": { damage: ({ currentLink }) => empty(currentLink) },
  "tag-dangling": { damage: ({ revisionLink }) => remove(revisionLink) },
  "tag-without-current": { damage: ({ currentLink }) => remove(currentLink) },
  "blob-missing": { damage: ({ layerBlob }) => remove(layerBlob) },
  "blob-size-mismatch": {
    damage: ({ layerBlob }) => fs.truncateSync(layerBlob, 10),
    first: ({ layerBlob }) => removeDirectory(layerBlob),
  },
  "blob-corrupt": {
    damage: ({ layerBlob }) => fs.writeFileSync(layerBlob, Buffer.alloc(fs.statSync(layerBlob).size)),
    first: ({ layerBlob }) => removeDirectory(layerBlob),
  },
  "layer-link-missing": { damage: ({ layerLink }) => remove(layerLink) },
  "layer-link-invalid": { damage: ({ layerLink }) => empty(layerLink), first: ({ layerLink }) => removeDirectory(layerLink) },
  "link-mismatch": {
    damage: ({ layerLink, config }) => fs.writeFileSync(layerLink, config),
    first: ({ layerLink }) => removeDirectory(layerLink),
  },
};

function asksForRestart(code: string): boolean {
  return FINDING_CODES.some((one) => one === code && CATALOGUE[one].remedy.includes("restart the registry"));
}

function write(file: string, content: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
}

function caseOf(registry: RealRegistry, code: string, imageDirectory: string): Case {
  const manifest = fs.readFileSync(path.join(imageDirectory, "manifest.json"), "utf8");
  const { config, layers } = JSON.parse(manifest) as { config: { digest: string }; layers: { digest: string }[] };
  const repository = `remedy/${code}`;
  const inRepository = (...names: string[]): string => path.join(registry.root, V2, "repositories", repository, ...names);
  const layer = layers[0]?.digest ?? "";
  return {
    directory: registry.root,
    repository,
    client: new RegistryClient(registry.url, repository),
    manifest: sha256(manifest),
    manifestBlob: path.join(registry.root, blobFile(sha256(manifest))),
    revisionLink: inRepository("_manifests/revisions", sha256(manifest).replace(":", "/"), "link"),
    currentLink: inRepository("_manifests/tags/1/current/link"),
    layer,
    layerBlob: path.join(registry.root, blobFile(layer)),
    layerLink: inRepository("_layers", layer.replace(":", "/"), "link"),
    config: config.digest,
  };
}

/** Codes of the damage, by repository; garbage that a remedy leaves behind is none. */
async function damageIn(registry: RealRegistry, severities = ["error", "warning"]): Promise<Record<string, string>> {
  const damage: Record<string, string> = {};
  for (const { code, severity, repository = "" } of (await check([registry.root], "--verify")).findings)
    if (severities.includes(severity))
      damage[repository] = damage[repository] === undefined ? code : `${damage[repository]} ${code}`;
  return damage;
}

async function pulls(cases: ReadonlyMap<string, Case>): Promise<string[]> {
  const pulled: string[] = [];
  for (const [code, { client, manifest }] of cases) {
    const digests = await client.pull("1").catch((): string[] => []);
    if (digests.includes(manifest)) pulled.push(code);
  }
  return pulled;
}

test.each(Object.keys(REGISTRIES) as RegistryVersion[])(
  "what the remedies say mends the storage of registry %s, which caches descriptors",
  async (version) => {
    const directory = temporaryDirectory();
    const storage = { filesystem: { rootdirectory: path.join(directory, "storage") }, cache: { blobdescriptor: "inmemory" } };
    let registry = await RealRegistry.start({ version, directory, storage });
    onTestFinished(() => registry.stop());
    const push = (code: string): Promise<void> =>
      skopeoCopy(`dir:${directory}/${code}`, `docker://${registry.address}/remedy/${code}:1`);
    const codes = Object.keys(REMEDIES);
    const cases = new Map<string, Case>();
    for (const code of codes) {
      cases.set(code, caseOf(registry, code, makeImageDirectory(path.join(directory, code), [`a layer of ${code}`])));
      await push(code);
    }
    expect(await pulls(cases)).toEqual(codes);
    for (const [code, image] of cases) REMEDIES[code]?.damage(image);
    expect(await damageIn(registry)).toEqual(
      Object.fromEntries(codes.map((code) => [`remedy/${code}`, expect.stringContaining(code)])),
    );
    // Each fails a pull that did work.
    expect(Object.keys(await damageIn(registry, ["error"])).sort()).toEqual(codes.map((code) => `remedy/${code}`).sort());

    for (const [code, image] of cases) await REMEDIES[code]?.first?.(image);
    // The remedy asks for a restart where a push without it repairs nothing.
    for (const code of codes) await push(code);
    const damaged = await damageIn(registry);
    expect(codes.filter((code) => damaged[`remedy/${code}`] !== undefined)).toEqual(codes.filter(asksForRestart));
    registry = await registry.restart();
    expect(await pulls(cases)).toEqual(codes.filter((code) => !asksForRestart(code)));
    for (const code of codes) await push(code);
    expect(await damageIn(registry)).toEqual({});
    expect(await pulls(cases)).toEqual(codes);
  },
);

/** Damage of a file, and the request that somebody would take for "delete it". */
const BY_REQUEST: Readonly<Record<string, Remedy>> = {
  "manifest-corrupt": {
    damage: ({ manifestBlob }) => fs.writeFileSync(manifestBlob, "{}"),
    first: ({ client, manifest }) => client.deleteManifest(manifest),
  },
  "blob-corrupt": {
    damage: ({ layerBlob }) => fs.writeFileSync(layerBlob, Buffer.alloc(fs.statSync(layerBlob).size)),
    first: async ({ client, layer }) => {
      await client.request("DELETE", `blobs/${layer}`, [202]);
    },
  },
};

test.each(Object.keys(REGISTRIES) as RegistryVersion[])(
  "what the remedies warn of: a DELETE through the API of registry %s leaves a broken file, and no push mends it",
  async (version) => {
    const directory = temporaryDirectory();
    let registry = await RealRegistry.start({ version, directory });
    onTestFinished(() => registry.stop());
    const codes = Object.keys(BY_REQUEST);
    const push = (code: string): Promise<void> =>
      skopeoCopy(`dir:${directory}/${code}`, `docker://${registry.address}/remedy/${code}:1`);
    for (const code of codes) {
      const image = caseOf(registry, code, makeImageDirectory(path.join(directory, code), [`a layer of ${code}`]));
      await push(code);
      BY_REQUEST[code]?.damage(image);
      await BY_REQUEST[code]?.first?.(image);
    }
    registry = await registry.restart();
    for (const code of codes) await push(code);
    expect(await damageIn(registry)).toEqual(Object.fromEntries(codes.map((code) => [`remedy/${code}`, code])));
    for (const code of codes) expect(CATALOGUE[code as FindingCode].remedy).toContain("a DELETE through the API leaves it");
  },
);

test.each(Object.keys(REGISTRIES) as RegistryVersion[])(
  "a wrong size in a manifest of registry %s is the manifest's: the blob stays, an image beside it pulls, and a new manifest mends it",
  async (version) => {
    const registry = await RealRegistry.start({ version, directory: temporaryDirectory() });
    onTestFinished(() => registry.stop());
    const wrong = new RegistryClient(registry.url, "remedy/wrong");
    const layer = await wrong.push("a layer");
    await wrong.image([{ ...layer, size: layer.size + 1 }], "1");
    const sound = wrong.in("remedy/sound");
    await sound.image([await sound.mount(layer, "remedy/wrong")], "1");
    expect(await damageIn(registry)).toEqual({ "remedy/wrong": "manifest-size-wrong" });
    expect(await damageIn(registry, ["error"])).toEqual({});
    await sound.pull("1");
    const [old = ""] = await wrong.pull("1");
    await wrong.image([layer], "1");
    await wrong.deleteManifest(old);
    expect(await damageIn(registry)).toEqual({});
  },
);

// containerd refuses such a child ("unexpected commit size", `content/local/writer.go`); skopeo does not look.
test.each(Object.keys(REGISTRIES) as RegistryVersion[])(
  "a wrong size of a child in an index of registry %s is the index's: it is taken, served and pulled by some, and a new index mends it",
  async (version) => {
    const registry = await RealRegistry.start({ version, directory: temporaryDirectory() });
    onTestFinished(() => registry.stop());
    const client = new RegistryClient(registry.url, "remedy/index");
    const images = [await client.image(["for amd64"]), await client.image(["for arm64"])];
    for (const difference of [1, -1]) {
      const { digest } = await client.index(
        images.map((image) => ({ ...image, size: image.size + difference })),
        "1",
      );
      expect(await damageIn(registry)).toEqual({ "remedy/index": "manifest-size-wrong" });
      expect(await damageIn(registry, ["error"])).toEqual({});
      expect(await client.pull("1")).toContain(images[1]?.digest);
      await skopeoPull(`${registry.address}/remedy/index:1`, path.join(temporaryDirectory(), "pulled"));
      await registry.collect("--dry-run");
      await client.deleteManifest(digest);
    }
    await client.index(images, "1");
    expect(await damageIn(registry)).toEqual({});
  },
);
