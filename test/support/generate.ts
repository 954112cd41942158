import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { blobFile, TYPES, V2 } from "./builder.js";
import type { Descriptor } from "./builder.js";

/** How big a generated registry is, and what happened to it. Shares are from 0 to 1, and the same in every repository. */
export interface GenerateOptions {
  readonly repositories: number;
  /** Images in each repository: what a tag names, be it for one platform or for two. */
  readonly images: number;
  /** Layers that each image has to itself. */
  readonly layers: number;
  /** Base layers that every repository mounts; each image uses one. */
  readonly baseLayers: number;
  /** Share of images that are an index of two platforms. */
  readonly multiArch: number;
  /** Share of images that no tag names: garbage with `--delete-untagged`. */
  readonly untagged: number;
  /** Share of tags that have moved, and have a history. */
  readonly moved: number;
  /** Layers pushed for an image that never came, as a share of the images: garbage. */
  readonly abandoned: number;
  /** Share of images that are damaged, in one way after the other. */
  readonly damaged: number;
  /** About how many bytes a layer has. */
  readonly layerBytes: number;
}

/**
 * The tree of the benchmarks: 114,028 blobs, 23,600 manifests, 19,600 tags, 96,000 layer links, some 614,000 files and directories.
 */
export const BENCHMARK: GenerateOptions = {
  repositories: 200,
  images: 100,
  layers: 3,
  baseLayers: 28,
  multiArch: 0.09,
  untagged: 0.02,
  moved: 0.2,
  abandoned: 0.16,
  damaged: 0,
  layerBytes: 300,
};

/** One repository of 4,000 tags, and as many again that lost theirs, which other collectors take minutes for. */
export const MANY_TAGS: GenerateOptions = { ...BENCHMARK, repositories: 1, images: 8000, untagged: 0.5 };

/** A file of a generated registry, its path relative to the storage root. */
export interface GeneratedFile {
  readonly path: string;
  readonly content: string;
}

/** The files of a registry, in the order in which pushes would write them, each path once. The same options give the same files. */
export function* generate(options: GenerateOptions): Generator<GeneratedFile> {
  const base = Array.from({ length: options.baseLayers }, (_, i) => blobOf(layerText(`base ${i}`, options), TYPES.layer));
  for (const { file } of base) yield file;
  for (let number = 0; number < options.repositories; number++) {
    const repository = new GeneratedRepository(
      options,
      number,
      base.map(({ descriptor }) => descriptor),
    );
    yield* repository.files();
  }
}

/** Writes a generated registry into a directory that is new or empty, synchronously; returns the number of files. */
export function generateTo(directory: string, options: GenerateOptions): number {
  fs.mkdirSync(directory, { recursive: true });
  const made = new Set([directory]);
  const make = (parent: string): void => {
    if (made.has(parent)) return;
    make(path.dirname(parent));
    fs.mkdirSync(parent);
    made.add(parent);
  };
  let count = 0;
  for (const file of generate(options)) {
    const target = `${directory}/${file.path}`;
    make(path.dirname(target));
    fs.writeFileSync(target, file.content);
    count++;
  }
  return count;
}

interface GeneratedBlob {
  readonly descriptor: Descriptor;
  readonly file: GeneratedFile;
}

function blobOf(content: string, mediaType: string): GeneratedBlob {
  const digest = `sha256:${crypto.hash("sha256", content)}`;
  return { descriptor: { mediaType, digest, size: Buffer.byteLength(content) }, file: { path: blobFile(digest), content } };
}

function layerText(name: string, { layerBytes }: GenerateOptions): string {
  return `${name}\n`.repeat(Math.max(1, Math.round(layerBytes / (name.length + 1))));
}

/** What happens to damaged images, one after the other. */
const DAMAGES = ["layer lost", "layer link empty", "manifest lost", "manifest corrupt", "deleted by digest"] as const;
type Damage = (typeof DAMAGES)[number];

class GeneratedRepository {
  readonly #name: string;
  readonly #path: string;
  #damages = 0;

  constructor(
    private readonly options: GenerateOptions,
    number: number,
    private readonly base: readonly Descriptor[],
  ) {
    this.#name = `team${number % 10}/app${number}`;
    this.#path = `${V2}/repositories/${this.#name}`;
  }

  *files(): Generator<GeneratedFile> {
    const { images, untagged, moved, abandoned } = this.options;
    for (const { digest } of this.base) yield this.#layerLink(digest);
    for (let i = 0; i < Math.round(images * abandoned); i++) {
      yield* this.#pushed(blobOf(layerText(`${this.#name}: abandoned ${i}`, this.options), TYPES.layer));
    }
    let previous: string | undefined;
    let tags = 0;
    const tagged = images - Math.round(images * untagged);
    for (let image = 0; image < images; image++) {
      const { digest } = yield* this.#image(image);
      if (image < tagged) {
        yield this.#link(`_manifests/tags/v${image}/current`, digest);
        yield this.#tagIndexLink(image, digest);
        if (previous !== undefined && isShare(tags++, moved)) yield this.#tagIndexLink(image, previous);
      }
      previous = digest;
    }
  }

  *#image(image: number): Generator<GeneratedFile, Descriptor> {
    const { multiArch, damaged } = this.options;
    const damage = isShare(image, damaged) ? DAMAGES[this.#damages++ % DAMAGES.length] : undefined;
    if (!isShare(image, multiArch)) return yield* this.#platform(image, "amd64", damage);
    const manifests: object[] = [];
    for (const architecture of ["amd64", "arm64"]) {
      const child = yield* this.#platform(image, architecture, architecture === "amd64" ? damage : undefined);
      manifests.push({ ...child, platform: { architecture, os: "linux" } });
    }
    return yield* this.#manifest({ schemaVersion: 2, mediaType: TYPES.index, manifests }, undefined);
  }

  *#platform(image: number, architecture: string, damage: Damage | undefined): Generator<GeneratedFile, Descriptor> {
    const name = `${this.#name}:${image} for ${architecture}`;
    const config = blobOf(JSON.stringify({ architecture, os: "linux", config: { Labels: { name } } }), TYPES.config);
    yield* this.#pushed(config);
    const layers = this.base.length === 0 ? [] : this.base.slice(image % this.base.length).slice(0, 1);
    for (let i = 0; i < this.options.layers; i++) {
      const layer = blobOf(layerText(`${name}: layer ${i}`, this.options), TYPES.layer);
      yield* this.#pushed(layer, i === 0 ? damage : undefined);
      layers.push(layer.descriptor);
    }
    return yield* this.#manifest({ schemaVersion: 2, mediaType: TYPES.image, config: config.descriptor, layers }, damage);
  }

  *#manifest(
    body: { readonly mediaType: string; readonly [field: string]: unknown },
    damage: Damage | undefined,
  ): Generator<GeneratedFile, Descriptor> {
    const { descriptor, file } = blobOf(JSON.stringify(body, undefined, 3), body.mediaType);
    if (damage === "manifest corrupt") yield { ...file, content: file.content.replace("schemaVersion", "schemaversion") };
    else if (damage !== "manifest lost") yield file;
    if (damage !== "deleted by digest") {
      yield this.#link(`_manifests/revisions/${descriptor.digest.replace(":", "/")}`, descriptor.digest);
    }
    return descriptor;
  }

  *#pushed({ descriptor, file }: GeneratedBlob, damage?: Damage): Generator<GeneratedFile> {
    if (damage !== "layer lost") yield file;
    const link = this.#layerLink(descriptor.digest);
    yield damage === "layer link empty" ? { ...link, content: "" } : link;
  }

  #layerLink(digest: string): GeneratedFile {
    return this.#link(`_layers/${digest.replace(":", "/")}`, digest);
  }

  #tagIndexLink(image: number, digest: string): GeneratedFile {
    return this.#link(`_manifests/tags/v${image}/index/${digest.replace(":", "/")}`, digest);
  }

  #link(directory: string, digest: string): GeneratedFile {
    return { path: `${this.#path}/${directory}/link`, content: digest };
  }
}

/** Spreads a share evenly: true for that share of 0, 1, 2, … */
function isShare(number: number, share: number): boolean {
  return Math.floor((number + 1) * share) > Math.floor(number * share);
}
