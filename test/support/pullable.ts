import { createHash } from "node:crypto";
import { blobFile, V2 } from "./builder.js";
import type { RegistryTree } from "./registry-tree.js";

interface Manifest {
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string; readonly urls?: readonly string[] }[];
  readonly manifests?: readonly { readonly digest: string }[];
  readonly fsLayers?: readonly { readonly blobSum: string }[];
}

/**
 * What a client gets for each tag, as the registry would serve it: the digests of all content in order, or undefined where the pull
 * fails. Written from the registry's rules alone, to be held against what a sweep leaves.
 */
export function pullAll(tree: RegistryTree): ReadonlyMap<string, readonly string[] | undefined> {
  const pulls = new Map<string, readonly string[] | undefined>();
  for (const [file] of tree.below(`${V2}/repositories`)) {
    const match = /^(.+?)\/_manifests\/tags\/([^/]+)\/current\/link$/.exec(file);
    if (match === null) continue;
    const [, repository = "", tag = ""] = match;
    pulls.set(`${repository}:${tag}`, pull(tree, repository, tree.text(`${V2}/repositories/${file}`) ?? ""));
  }
  return pulls;
}

/** All content of a manifest of a repository, or undefined where some of it cannot be had. */
export function pull(tree: RegistryTree, repository: string, digest: string): string[] | undefined {
  const revision = tree.text(`${V2}/repositories/${repository}/_manifests/revisions/${digest.replace(":", "/")}/link`);
  const content = revision === digest ? read(tree, digest) : undefined;
  if (content === undefined) return undefined;
  const { config, layers = [], manifests = [], fsLayers = [] } = JSON.parse(content.toString()) as Manifest;
  const got = [digest];
  for (const child of manifests) {
    const below = pull(tree, repository, child.digest);
    if (below === undefined) return undefined;
    got.push(...below);
  }
  const blobs = [
    ...(config === undefined ? [] : [config]),
    ...layers,
    ...fsLayers.map(({ blobSum }) => ({ digest: blobSum, urls: undefined })),
  ];
  for (const blob of blobs) {
    if ("urls" in blob && blob.urls !== undefined) continue;
    const target = tree.text(`${V2}/repositories/${repository}/_layers/${blob.digest.replace(":", "/")}/link`);
    if (target === undefined || read(tree, target) === undefined) return undefined;
    got.push(target);
  }
  return got;
}

function read(tree: RegistryTree, digest: string): Buffer | undefined {
  const content = tree.files.get(blobFile(digest))?.content;
  if (content === undefined) return undefined;
  const [algorithm = "", hex] = digest.split(":");
  return createHash(algorithm).update(content).digest("hex") === hex ? content : undefined;
}
