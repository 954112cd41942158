import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { explain } from "#regcheck/explain.js";
import type { Explanation } from "#regcheck/explain/explanation.js";
import { Digest } from "#regcheck/registry/digest.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { arbitraryRegistry, describeTree, GRACE, NOW } from "./support/arbitrary-registry.js";
import { blobFile, sha256, V2 } from "./support/builder.js";
import { ChainOracle } from "./support/chain-oracle.js";
import { judge, targetOf } from "./support/oracle.js";
import type { OraclePolicy } from "./support/oracle.js";
import { property, propertyRuns } from "./support/property.js";
import { RegistryTree } from "./support/registry-tree.js";
import { makeTemporaryDirectory } from "./support/temporary.js";

const TRIES = property(Math.ceil(propertyRuns(100) / 4), { perRun: 2000 });

const root = makeTemporaryDirectory();
let storage: FilesystemStorage | undefined;

beforeAll(() => {
  fs.mkdirSync(path.join(root, V2), { recursive: true });
  storage = FilesystemStorage.open(root, { concurrency: 1 });
});
afterAll(async () => {
  await storage?.close();
  fs.rmSync(root, { recursive: true });
});

function write(tree: RegistryTree): FilesystemStorage {
  if (storage === undefined) throw new Error("there is no storage");
  fs.rmSync(path.join(root, "docker"), { recursive: true });
  fs.mkdirSync(path.join(root, V2), { recursive: true });
  tree.writeTo(root);
  return storage;
}

const anyPolicy = fc.record({
  deleteUntagged: fc.boolean(),
  dropDanglingTags: fc.boolean(),
  grace: fc.constantFrom(0, GRACE),
});

/** Chains as they are expected: from which root, and how long. */
function rootsOf({ chains }: Explanation): string[] {
  return chains
    .map(({ root: { kind, repository, tag }, steps }) =>
      [kind, repository, tag, steps[0]?.digest.toString(), steps.length].map(String).join(" "),
    )
    .sort();
}

function expectedRoots(oracle: ChainOracle, focus: string): string[] {
  return oracle
    .chains(focus)
    .map(({ kind, repository, tag, start, length }) => [kind, repository, tag, start, length].map(String).join(" "))
    .sort();
}

/** What is to be said first, by the roots that there are. */
function verdictOf(oracle: ChainOracle, focus: string): string {
  const kinds = oracle.chains(focus).map(({ kind }) => kind);
  if (!oracle.world.stored.has(focus)) return "missing";
  if (kinds.some((kind) => kind !== "held" && !kind.startsWith("young-"))) return "alive";
  return kinds.includes("held") ? "held" : kinds.length > 0 ? "young" : "garbage";
}

/** Every step must be a reference that exists, in the chain's repository. */
function expectRealSteps(oracle: ChainOracle, { chains }: Explanation): void {
  const edges = oracle.allEdges();
  for (const {
    root: { repository },
    steps,
  } of chains) {
    for (const [i, step] of steps.entries()) {
      const before = steps[i - 1];
      if (before === undefined) continue;
      expect(edges.get(repository)?.has(before.digest.toString(), step.digest.toString())).toBe(true);
    }
  }
}

function revisionDirectory(digest: string): string {
  return `/_manifests/revisions/${digest.replace(":", "/")}/`;
}

/** The registry without a manifest: no blob, no revision link, and no tag that names it. */
function without(tree: RegistryTree, digest: string): RegistryTree {
  const rest = new RegistryTree();
  const link = revisionDirectory(digest);
  for (const [file, { content, modified }] of tree.files) {
    const isTag = /\/tags\/[^/]+\/current\/link$/.test(file) && content.toString() === digest;
    if (!isTag && !file.includes(link) && file !== blobFile(digest)) rest.write(file, content, modified);
  }
  return rest;
}

function expectSameGoing(tree: RegistryTree, policy: OraclePolicy, oracle: ChainOracle, explanation: Explanation): void {
  const focus = String(explanation.digest);
  const { goes } = explanation;
  if (goes === undefined || oracle.world.parse(focus) === undefined) return;
  const own = new Set([focus, ...oracle.world.repositories.flatMap((one) => [...oracle.edgesOf(one, true).below(focus)])]);
  // What other repositories have about it goes as well, which is not said.
  if (oracle.isSubjectElsewhere(own)) return;
  // A pin by another algorithm means something else once this is gone.
  if (oracle.world.pinsAnywhere.includes(focus) && !policy.pins.includes(focus)) return;
  // Nor what its link names besides it: that the two go together is not said.
  const isTwo = ([digest, { path: link }]: [string, { readonly path: string }]): boolean =>
    digest !== focus && link.includes(revisionDirectory(focus));
  if (oracle.world.repositories.some(({ revisions }) => [...revisions].some(isTwo))) return;
  const rest = without(tree, focus);
  const left = { ...policy, pins: policy.pins.filter((pin) => pin !== focus) };
  const heldIn = (world: ChainOracle["world"]): string =>
    world.repositories.flatMap(({ name, held }) => (held ? [name] : [])).join();
  // Damage that goes with it frees what it has held: another matter.
  if (heldIn(oracle.world) !== heldIn(new ChainOracle(rest, left).world)) return;
  const before = new Set(judge(tree, policy).blobs);
  const after = new Set(judge(rest, left).blobs);
  for (const digest of goes.digests.slice(1)) expect(after, `${String(digest)} goes with ${focus}`).toContain(digest.toString());
  const isLinked = explanation.mentions.some(
    ({ tagCount, links }) => tagCount > 0 || links.some(({ kind }) => kind === "revision-link"),
  );
  if (!isLinked) return;
  const below = new Set(oracle.world.repositories.flatMap((repository) => [...oracle.edgesOf(repository, true).below(focus)]));
  for (const digest of oracle.edgesAnywhere().below(focus)) below.add(digest);
  const elsewhere = Array.from(oracle.allEdges().values()).flatMap((edges) =>
    [...edges.manifests.keys()]
      .filter((manifest) => manifest !== focus && !below.has(manifest))
      .flatMap((manifest) => goes.digests.slice(1).filter((digest) => edges.has(manifest, digest.toString()))),
  );
  expect(elsewhere.map(String), `named elsewhere, and not by ${focus} alone`).toEqual([]);
  const going = [...below].filter((digest) => after.has(digest));
  expect(goes.exclusive.blobs + goes.shared.blobs, `with ${focus}`).toBe(going.length + 1);
  expect(new Set([...after].filter((digest) => !before.has(digest) && !below.has(digest)))).toEqual(new Set());
}

test(
  "explains every digest as the rules have it: the verdict, every root, the shortest chains, what goes with it",
  async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRegistry, anyPolicy, fc.nat(99), async ({ tree, pins: manifests }, chosen, which) => {
        const blobs = [...tree.files].flatMap(([file, { content }]) =>
          file.endsWith("/data") && /^(?:layer|nobody)/.test(content.toString()) ? [sha256(content)] : [],
        );
        // Now and then something is pinned that is no manifest.
        const pins = which < blobs.length ? [...manifests, blobs[which] ?? ""] : manifests;
        const policy: OraclePolicy = { ...chosen, now: NOW, pins };
        const target = write(tree);
        const oracle = new ChainOracle(tree, policy);
        const verdict = judge(tree, policy);
        const garbageLinks = new Set([...verdict.layerLinks, ...verdict.danglingLayerLinks, ...verdict.revisions]);
        const real = { ...policy, pins: pins.flatMap((pin) => Digest.parse(pin) ?? []) };
        const digests = new Set(oracle.world.stored.keys());
        for (const { revisions, tags } of oracle.world.repositories)
          for (const digest of [...revisions.keys(), ...tags.values()]) digests.add(digest);
        // What a link says to be stored as something else is explained as that.
        const isAlias = (digest: string): boolean =>
          oracle.world.repositories.some((repository) => targetOf(repository, digest) !== digest);
        for (const digest of digests) if (isAlias(digest)) digests.delete(digest);
        for (const digest of digests) {
          const parsed = Digest.parse(digest);
          if (parsed === undefined) throw new Error(digest);
          const reference = {
            kind: "digest",
            text: digest,
            repository: undefined,
            algorithm: parsed.algorithm,
            hex: parsed.hex,
          } as const;
          const explanation = await explain(target, reference, { policy: real, all: true });
          const story = `${digest} ${JSON.stringify(policy)}\n${describeTree(tree)}`;
          expect(explanation.digest?.toString(), story).toBe(digest);
          expect(explanation.complete, story).toBe(true);
          expect(explanation.verdict === "garbage", story).toBe(verdict.blobs.includes(digest));
          expect(explanation.verdict, story).toBe(verdictOf(oracle, digest));
          expect(rootsOf(explanation), story).toEqual(expectedRoots(oracle, digest));
          expectRealSteps(oracle, explanation);
          for (const { path: link, garbage } of explanation.mentions.flatMap(({ links }) => links))
            expect({ link, garbage }, story).toEqual({ link, garbage: garbageLinks.has(link) });
          expectSameGoing(tree, policy, oracle, explanation);
          const isManifest = oracle.world.parse(digest) !== undefined;
          const { mentions, kind, pull } = explanation;
          expect(pull !== undefined, story).toBe(isManifest && oracle.isFound(digest));
          const isNamed = isManifest || mentions.length > 0;
          expect(isNamed || kind === "unknown", story).toBe(true);
          for (const { repository, namedBy } of mentions)
            for (const { digest: namer, live } of namedBy)
              expect({ namer, live }, story).toEqual({ namer, live: oracle.isLiveIn(repository, String(namer)) });
        }
      }),
      TRIES.options,
    );
  },
  TRIES.timeout,
);
