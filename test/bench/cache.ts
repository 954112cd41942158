import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { Digest } from "#regcheck/registry/digest.js";
import { packReferences } from "#regcheck/registry/packed-manifest.js";
import { ManifestCache } from "#regcheck/storage/s3/manifest-cache.js";
import { mergeParts } from "#regcheck/storage/s3/parts/merge-parts.js";
import { finishPart, partFolder } from "#regcheck/storage/s3/parts/part-folder.js";
import { machine } from "./measure.js";

/**
 * `npm run bench:cache [MANIFESTS] [PARTS] [LAYERS] [DIRECTORY]`: the cache of a registry that is only computed, by default of 100 million
 * manifests of a config and five layers, in four parts. Writes the parts, joins them, then opens the cache and asks it for manifests that it has and
 * that it has not. Digests are made by a hash of their number, whose time is measured first and taken off.
 */
const [manifests = 100e6, parts = 4, layers = 5] = process.argv.slice(2, 5).map(Number);
const directory = process.argv[5] ?? path.join(fs.realpathSync("."), ".cache/bench-cache");
const STORAGE = { location: "s3://bucket", server: undefined };
/** Lookups, of each kind. */
const LOOKUPS = 200_000;

const hexOf = (number: number): string => crypto.hash("sha256", String(number));

function digestOf(hex: string): Digest {
  const digest = Digest.fromParts("sha256", hex);
  if (digest === undefined) throw new Error("a digest");
  return digest;
}

/** All manifests have these: what it costs to keep them does not depend on which they are. */
const words = packReferences(
  Array.from({ length: 1 + layers }, (_, i) => ({
    role: i === 0 ? ("config" as const) : ("layer" as const),
    digest: digestOf(hexOf(-i - 1)),
    size: 1000 * i,
  })),
);

async function measured(what: string, count: number, work: () => unknown): Promise<void> {
  const [wall, cpu] = [Date.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (user + system) / 1e6;
  console.log(
    `${what}: ${seconds.toFixed(1)} s of processor time, ${((seconds / count) * 1e6).toFixed(2)} µs a manifest; ` +
      `${((Date.now() - wall) / 1000).toFixed(0)} s; peak ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`,
  );
}

function bytesOf(folder: string): number {
  const entries = fs.readdirSync(folder, { withFileTypes: true });
  return entries.reduce((sum, entry) => {
    const file = path.join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesOf(file) : fs.statSync(file).size);
  }, 0);
}

console.log(machine());
fs.rmSync(directory, { recursive: true, force: true });
fs.mkdirSync(directory, { recursive: true });
await measured("digests alone", manifests, () => {
  for (let i = 0; i < manifests; i++) digestOf(hexOf(i));
});
await measured(`written, ${parts} parts`, manifests, () => {
  for (let part = 0; part < parts; part++) {
    const folder = partFolder(directory, { part, parts });
    const cache = ManifestCache.open(folder.directory);
    for (let i = part; i < manifests; i += parts) cache.add(digestOf(hexOf(i)), { words, bytes: 1500 });
    cache.close();
    finishPart(folder, STORAGE, manifests / parts);
  }
});
console.log(`${(bytesOf(directory) / 1e9).toFixed(2)} GB, ${(bytesOf(directory) / manifests).toFixed(0)} bytes a manifest`);
await measured("joined", manifests, () => mergeParts(directory, STORAGE));
console.log(`${(bytesOf(directory) / 1e9).toFixed(2)} GB in ${fs.readdirSync(directory).length} segments`);
let cache = ManifestCache.open(directory);
cache.close();
await measured("opened", manifests, () => {
  cache = ManifestCache.open(directory);
});
const step = Math.max(1, Math.floor(manifests / LOOKUPS));
await measured("asked for what it has", LOOKUPS, () => {
  for (let i = 0; i < LOOKUPS; i++)
    if (cache.get(digestOf(hexOf((i * step) % manifests)), 1500) === undefined) throw new Error(`${i} is lost`);
});
await measured("asked for what it has not", LOOKUPS, () => {
  for (let i = 0; i < LOOKUPS; i++)
    if (cache.get(digestOf(hexOf(manifests + i)), 1500) !== undefined) throw new Error(`${i} is new`);
});
cache.close();
fs.rmSync(directory, { recursive: true });
