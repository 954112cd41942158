import crypto from "node:crypto";
import { LONG_AGO, RegistryTree } from "./registry-tree.js";

export const V2 = "docker/registry/v2";

/** Media types, by the names that people use for them. */
export const TYPES = {
  image: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  dockerImage: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerForeignLayer: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  schema1: "application/vnd.docker.distribution.manifest.v1+prettyjws",
} as const;

/** A descriptor, as manifests hold them. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly [more: string]: unknown;
}

export function sha256(content: string | Buffer): string {
  return `sha256:${crypto.createHash("sha256").update(content).digest("hex")}`;
}

export function blobFile(digest: string): string {
  const [algorithm = "", hex = ""] = digest.split(":");
  return `${V2}/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data`;
}

/** Writes registries as clients and the registry would, one operation after the other. */
export class RegistryBuilder {
  readonly tree = new RegistryTree();
  /** When what is written now was written, in seconds since 1970. */
  now = LONG_AGO;

  /** Stores a blob that nothing links. */
  blob(content: string | Buffer, mediaType: string = TYPES.layer): Descriptor {
    const digest = sha256(content);
    this.tree.write(blobFile(digest), content, this.now);
    return { mediaType, digest, size: Buffer.byteLength(content) };
  }

  repository(name: string): RepositoryBuilder {
    return new RepositoryBuilder(this, name);
  }
}

/** What an image is made of; everything has a default. */
export interface ImageOptions {
  readonly layers?: readonly (string | Descriptor)[];
  readonly config?: string | Descriptor;
  readonly tag?: string;
  readonly subject?: Descriptor;
  readonly docker?: boolean;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** One repository of a `RegistryBuilder`. */
export class RepositoryBuilder {
  readonly path: string;

  constructor(
    readonly registry: RegistryBuilder,
    readonly name: string,
  ) {
    this.path = `${V2}/repositories/${name}`;
  }

  link(file: string, digest: string): void {
    this.registry.tree.write(`${this.path}/${file}/link`, digest, this.registry.now);
  }

  static directory(digest: string): string {
    return digest.replace(":", "/");
  }

  layerLink(digest: string): string {
    return `_layers/${RepositoryBuilder.directory(digest)}`;
  }

  revisionLink(digest: string): string {
    return `_manifests/revisions/${RepositoryBuilder.directory(digest)}`;
  }

  /** Uploads a blob: stored and linked. */
  push(content: string | Buffer, mediaType: string = TYPES.layer): Descriptor {
    const blob = this.registry.blob(content, mediaType);
    this.mount(blob);
    return blob;
  }

  /** Links a blob that is stored already, as a cross-repository mount does. */
  mount(blob: Descriptor): Descriptor {
    this.link(this.layerLink(blob.digest), blob.digest);
    return blob;
  }

  /** Uploads a blob under its sha512 digest, or its sha384: stored by sha256, with a link for each, both of which hold the sha256 digest. */
  pushAlias(content: string, mediaType: string = TYPES.layer, algorithm: "sha512" | "sha384" = "sha512"): Descriptor {
    const blob = this.push(content, mediaType);
    const digest = `${algorithm}:${crypto.createHash(algorithm).update(content).digest("hex")}`;
    this.link(this.layerLink(digest), blob.digest);
    return { ...blob, digest };
  }

  /** Stores a manifest of any shape, links it, and tags it if asked to. */
  manifest(body: Readonly<Record<string, unknown>> | string, tag?: string): Descriptor {
    const content = typeof body === "string" ? body : JSON.stringify(body, undefined, 3);
    const mediaType = typeof body === "string" || typeof body["mediaType"] !== "string" ? TYPES.image : body["mediaType"];
    const blob = this.registry.blob(content, mediaType);
    this.link(this.revisionLink(blob.digest), blob.digest);
    if (tag !== undefined) this.tag(tag, blob.digest);
    return blob;
  }

  image({ layers = [], config = "{}", tag, subject, docker = false, more = {} }: ImageOptions): Descriptor {
    const layerType = docker ? TYPES.dockerLayer : TYPES.layer;
    const toBlob = (blob: string | Descriptor, type: string): Descriptor =>
      typeof blob === "string" ? this.push(blob, type) : blob;
    return this.manifest(
      {
        schemaVersion: 2,
        mediaType: docker ? TYPES.dockerImage : TYPES.image,
        ...more,
        config: toBlob(config, docker ? TYPES.dockerConfig : TYPES.config),
        layers: layers.map((layer) => toBlob(layer, layerType)),
        ...(subject === undefined ? {} : { subject }),
      },
      tag,
    );
  }

  index(manifests: readonly Descriptor[], tag?: string, more: Readonly<Record<string, unknown>> = {}): Descriptor {
    return this.manifest({ schemaVersion: 2, mediaType: TYPES.index, manifests, ...more }, tag);
  }

  /** A schema 1 manifest: stored without its signatures, its layers named without their sizes. */
  schema1(layers: readonly string[], tag: string): Descriptor {
    const fsLayers = layers.map((layer) => ({ blobSum: this.push(layer).digest }));
    const history = layers.map((_, i) => ({ v1Compatibility: JSON.stringify({ id: String(i) }) }));
    return this.manifest({ schemaVersion: 1, name: this.name, tag, architecture: "amd64", fsLayers, history }, tag);
  }

  /** Points a tag at a manifest: what it pointed at before stays in its history. */
  tag(name: string, digest: string): void {
    this.link(`_manifests/tags/${name}/current`, digest);
    this.link(`_manifests/tags/${name}/index/${RepositoryBuilder.directory(digest)}`, digest);
  }

  /** Deletes a tag, as 3.x does. */
  untag(name: string): void {
    this.remove(`_manifests/tags/${name}`);
  }

  /** Deletes a manifest by digest: only its revision link goes (D#2430). */
  deleteManifest({ digest }: Descriptor): void {
    this.remove(this.revisionLink(digest));
  }

  /** An upload that was begun, and left. */
  upload(id: string, startedAt: string, data = "half a layer"): void {
    const { tree, now } = this.registry;
    tree.write(`${this.path}/_uploads/${id}/startedat`, startedAt, now);
    tree.write(`${this.path}/_uploads/${id}/data`, data, now);
  }

  remove(file: string): void {
    this.registry.tree.remove(`${this.path}/${file}`);
  }
}
