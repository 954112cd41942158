import fs from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { blobFile, sha256, V2 } from "../support/builder.js";
import { temporaryDirectory } from "../support/temporary.js";
import { RegistryClient } from "./support/client.js";
import { RealRegistry, REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { check } from "./support/report.js";
import { realManifests, shapesOf } from "./support/shapes.js";
import type { Shape } from "./support/shapes.js";

/**
 * The differential test: thousands of manifests, real ones and what one change makes of them, are pushed to both registries. What one of
 * them takes, serves and collects around is no damage to regcheck. What neither takes is put into a storage by hand, and regcheck's
 * words are what a GET and the collector do.
 */
const VERSIONS = Object.keys(REGISTRIES) as RegistryVersion[];
const REPOSITORY = "team/app";
const ACCEPT = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");
/** What regcheck says of a manifest that no registry can read. */
const UNREADABLE = "the registry cannot read it, so that a pull gets an error and its own collector aborts";

interface Started {
  readonly version: RegistryVersion;
  readonly registry: RealRegistry;
}

async function start(version: RegistryVersion, root?: string): Promise<RealRegistry> {
  const storage = root === undefined ? {} : { storage: { filesystem: { rootdirectory: root } } };
  const registry = await RealRegistry.start({ version, directory: temporaryDirectory(), ...storage });
  onTestFinished(() => registry.stop());
  return registry;
}

/** Pushes the blobs and images that all shapes are about. */
async function pushParts({ url }: RealRegistry): Promise<readonly Shape[]> {
  const client = new RegistryClient(url, REPOSITORY);
  const blobs = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => client.push(`blob ${i}`)));
  const images = await Promise.all([0, 1, 2, 3].map((i) => client.image([`layer of child ${i}`], `child${i}`)));
  const shapes = new Map<string, Shape>();
  for (const [name, manifest] of realManifests(blobs, images))
    for (const shape of shapesOf(name, manifest)) if (!shapes.has(shape.text)) shapes.set(shape.text, shape);
  return [...shapes.values()];
}

/** Those items for which something is true, a few asked at a time; in order. */
async function those<T>(items: readonly T[], isSo: (item: T) => Promise<boolean>): Promise<T[]> {
  const answers: boolean[] = [];
  const left = items.entries();
  const ask = async (): Promise<void> => {
    for (const [i, item] of left) answers[i] = await isSo(item);
  };
  await Promise.all(Array.from({ length: 8 }, ask));
  return items.filter((_, i) => answers[i]);
}

/** A registry that panics closes the connection. */
async function statusOf(url: string, { text }: Shape, request: RequestInit): Promise<number | undefined> {
  const answer = await fetch(`${url}/v2/${REPOSITORY}/manifests/${sha256(text)}`, request).catch(() => undefined);
  await answer?.arrayBuffer();
  return answer?.status;
}

async function takes({ url }: RealRegistry, shape: Shape): Promise<boolean> {
  const request = { method: "PUT", body: shape.text, headers: { "content-type": shape.contentType } };
  return (await statusOf(url, shape, request)) === 201 && (await statusOf(url, shape, { headers: { accept: ACCEPT } })) === 200;
}

async function collects(registry: RealRegistry): Promise<boolean> {
  return registry.collect("--dry-run").then(
    () => true,
    () => false,
  );
}

/** A storage that manifests are put into by hand. */
class Storage {
  constructor(readonly root: string) {}

  store({ text }: Shape): void {
    this.#write(blobFile(sha256(text)), text);
  }

  /** Links these as revisions, and no others but those that were pushed. */
  link(shapes: readonly Shape[], all: readonly Shape[]): void {
    for (const { text } of all)
      fs.rmSync(path.join(this.root, path.dirname(this.#linkOf(text))), { recursive: true, force: true });
    for (const { text } of shapes) this.#write(this.#linkOf(text), sha256(text));
  }

  #linkOf(text: string): string {
    return `${V2}/repositories/${REPOSITORY}/_manifests/revisions/${sha256(text).replace(":", "/")}/link`;
  }

  #write(file: string, content: string): void {
    const full = path.join(this.root, file);
    fs.mkdirSync(path.dirname(full), { recursive: true });
    fs.writeFileSync(full, content);
  }
}

/** What regcheck says of the manifests of a storage, by digest. */
interface Judged {
  /** Errors and warnings; a size that is positive and wrong is another test's. */
  readonly damage: ReadonlyMap<string, string>;
  /** Manifests that only one version can read. */
  readonly bound: ReadonlySet<string>;
}

async function judged(root: string): Promise<Judged> {
  const { findings } = await check([root]);
  const damage = findings.filter(
    ({ severity, code }) => (severity === "error" || severity === "warning") && code !== "manifest-size-wrong",
  );
  return {
    damage: new Map(damage.map(({ code, digest = "", message }) => [digest, `${code}: ${message}`])),
    bound: new Set(findings.flatMap(({ code, digest = "" }) => (code === "manifest-version-bound" ? [digest] : []))),
  };
}

test("regcheck is as lenient as the registry, and says what happens", { timeout: 300_000 }, async () => {
  const started: Started[] = [];
  for (const version of VERSIONS) started.push({ version, registry: await start(version) });
  const counts: Record<string, number> = {};
  const differences: string[] = [];
  const taken = new Map<Shape, number>();
  const bound = new Set<string>();
  let shapes: readonly Shape[] = [];
  for (const { version, registry } of started) {
    const pushed = await pushParts(registry);
    shapes = shapes.length === 0 ? pushed : shapes;
    const some = await those(shapes, (shape) => takes(registry, shape));
    for (const shape of some) taken.set(shape, (taken.get(shape) ?? 0) + 1);
    counts[`taken by ${version}`] = some.length;
    expect(await collects(registry), `the collector of ${version}`).toBe(true);
    const said = await judged(registry.root);
    for (const digest of said.bound) bound.add(digest);
    for (const [digest, words] of said.damage) {
      const name = shapes.find(({ text }) => sha256(text) === digest)?.name ?? "no shape";
      differences.push(`${version} takes ${name}: ${digest} ${words}`);
    }
  }

  for (const [{ name, text }, versions] of taken)
    if (versions === VERSIONS.length && bound.has(sha256(text))) differences.push(`both take ${name}, and regcheck says one`);

  const refused = shapes.filter((shape) => !taken.has(shape));
  const storage = new Storage(path.join(temporaryDirectory(), "by-hand"));
  const byHand: Started[] = [];
  for (const version of VERSIONS) byHand.push({ version, registry: await start(version, storage.root) });
  for (const { registry } of byHand.slice(0, 1)) await pushParts(registry);
  for (const shape of refused) storage.store(shape);
  const served = new Map<Shape, number>();
  for (const { version, registry } of byHand) {
    storage.link(refused, refused);
    const some = await those(
      refused,
      async (shape) => (await statusOf(registry.url, shape, { headers: { accept: ACCEPT } })) === 200,
    );
    for (const shape of some) served.set(shape, (served.get(shape) ?? 0) + 1);
    counts[`refused, but served by ${version}`] = some.length;
    storage.link(some, refused);
    expect(await collects(registry), `the collector of ${version}, with all that it serves`).toBe(true);
  }
  storage.link(refused, refused);
  const { damage, bound: boundByHand } = await judged(storage.root);
  const kinds = new Map<string, Shape>();
  for (const shape of refused) {
    const isBound = boundByHand.has(sha256(shape.text));
    if (!damage.has(sha256(shape.text)) && isBound !== (served.get(shape) === 1))
      differences.push(`${isBound ? "one" : "not one"} version serves ${shape.name}`);
    const words = damage.get(sha256(shape.text)) ?? "nothing";
    if (words.includes(UNREADABLE) === served.has(shape))
      differences.push(`${served.has(shape) ? "served" : "not served"} is ${shape.name}: ${words}`);
    // By its words, but for what was found: each kind has one collector run of each version.
    if (!served.has(shape)) kinds.set(words.replaceAll(/ is .*, not | "[^"]*"/g, " … "), shape);
  }
  for (const [words, shape] of kinds) {
    storage.link([shape], refused);
    for (const { version, registry } of byHand)
      if (await collects(registry)) differences.push(`the collector of ${version} goes on with ${shape.name}: ${words}`);
  }
  const summary = { shapes: shapes.length, ...counts, refused: refused.length, served: served.size, kinds: kinds.size };
  console.info(JSON.stringify({ ...summary, differences: differences.length }));
  expect(differences).toEqual([]);
  expect(shapes.length).toBeGreaterThan(4000);
  expect(taken.size).toBeGreaterThan(1000);
});
