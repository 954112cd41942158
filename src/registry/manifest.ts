import { Digest } from "./digest.js";
import { MAX_MANIFEST_BYTES } from "./layout.js";

/** What a manifest uses a digest for. `child` is a manifest of an index; `subject` is what a referrer is about. */
export type ReferenceRole = "config" | "layer" | "foreign-layer" | "child" | "subject";

/** One reference out of a manifest: part of a descriptor. */
export interface Reference {
  readonly role: ReferenceRole;
  readonly digest: Digest;
  /** What the descriptor says of the blob's size in bytes; schema 1 says nothing. */
  readonly size: number | undefined;
}

/** A manifest's references, or why they cannot be known. */
export type ParsedManifest = { readonly references: readonly Reference[] } | { readonly problem: string };

const IMAGE_TYPES = new Set([
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
]);
const INDEX_TYPES = new Set([
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.index.v1+json",
]);
const ARTIFACT_TYPE = "application/vnd.oci.artifact.manifest.v1+json";
const SCHEMA1_TYPES = new Set([
  "application/vnd.docker.distribution.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v1+prettyjws",
]);

/** Layers that the registry accepts without their blob, if they say where else it is (`manifest/schema2`, OCI image spec). */
const FOREIGN_LAYER = /foreign|nondistributable/;

const NOT_JSON = "the manifest is not JSON";

class Malformed extends Error {}

/**
 * Parses a manifest of any kind that a registry of 2.x or 3.x has ever stored: schema 1 (stored without its signatures), Docker
 * schema 2 and list, OCI image, index and artifact manifest. What is neither of these has references that nobody knows.
 */
export function parseManifest(content: Uint8Array): ParsedManifest {
  if (content.length > MAX_MANIFEST_BYTES) return { problem: `the manifest is larger than ${MAX_MANIFEST_BYTES} bytes` };
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (bytes.length === 0) return { problem: "the manifest is empty" };
  // No JSON holds a zero byte, and nearly every layer does: to decode one as text takes far longer than to look for it.
  if (bytes.includes(0)) return { problem: NOT_JSON };
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch {
    return { problem: NOT_JSON };
  }
  try {
    return { references: references(object(json, "the manifest")) };
  } catch (error) {
    if (error instanceof Malformed) return { problem: error.message };
    throw error;
  }
}

function references(manifest: Record<string, unknown>): Reference[] {
  const { mediaType = "" } = manifest;
  if (typeof mediaType !== "string") throw new Malformed("mediaType is no string");
  if (mediaType === ARTIFACT_TYPE) return [...descriptors(manifest, "blobs", layerRole), ...subject(manifest)];
  if (SCHEMA1_TYPES.has(mediaType) || (mediaType === "" && manifest["schemaVersion"] === 1)) return schema1(manifest);
  if (manifest["schemaVersion"] !== 2) throw new Malformed(`schemaVersion is ${quote(manifest["schemaVersion"])}, not 2`);
  // Content that is an image to one reader and an index to another is refused by the registry too (CVE-2021-41190).
  if ("manifests" in manifest && ("layers" in manifest || "config" in manifest)) {
    throw new Malformed("the manifest is both an image and an index");
  }
  if (INDEX_TYPES.has(mediaType) || (mediaType === "" && "manifests" in manifest)) {
    return [...descriptors(manifest, "manifests", () => "child"), ...subject(manifest)];
  }
  if (IMAGE_TYPES.has(mediaType) || mediaType === "") {
    const config = descriptor(manifest["config"], "config", () => "config");
    return [config, ...descriptors(manifest, "layers", layerRole), ...subject(manifest)];
  }
  throw new Malformed(`the media type ${quote(mediaType)} is unknown`);
}

function schema1(manifest: Record<string, unknown>): Reference[] {
  return array(manifest["fsLayers"], "fsLayers").map((layer, i) => {
    const place = `fsLayers[${i}]`;
    return { role: "layer", digest: digest(object(layer, place)["blobSum"], `${place}.blobSum`), size: undefined };
  });
}

function subject(manifest: Record<string, unknown>): Reference[] {
  const value = manifest["subject"];
  return value === undefined || value === null ? [] : [descriptor(value, "subject", () => "subject")];
}

function descriptors(manifest: Record<string, unknown>, key: string, role: RoleOf): Reference[] {
  return array(manifest[key], key).map((value, i) => descriptor(value, `${key}[${i}]`, role));
}

type RoleOf = (descriptor: Record<string, unknown>) => ReferenceRole;

function layerRole(layer: Record<string, unknown>): ReferenceRole {
  const { mediaType, urls } = layer;
  const foreign = typeof mediaType === "string" && FOREIGN_LAYER.test(mediaType) && Array.isArray(urls) && urls.length > 0;
  return foreign ? "foreign-layer" : "layer";
}

function descriptor(value: unknown, place: string, role: RoleOf): Reference {
  const fields = object(value, place);
  const { size } = fields;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw new Malformed(`${place}.size is ${quote(size)}`);
  return { role: role(fields), digest: digest(fields["digest"], `${place}.digest`), size };
}

function digest(value: unknown, place: string): Digest {
  const parsed = typeof value === "string" ? Digest.parse(value) : undefined;
  if (parsed === undefined) throw new Malformed(`${place} is ${quote(value)}, which is no sha256 or sha512 digest`);
  return parsed;
}

function array(value: unknown, place: string): readonly unknown[] {
  // The registry's own structs take a JSON null for an empty list, and old clients wrote it.
  if (value === null || value === undefined) {
    if (place === "layers" || place === "blobs" || place === "manifests") return [];
  }
  if (!Array.isArray(value)) throw new Malformed(`${place} is ${quote(value)}, not a list`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The names that are read from a manifest. */
const KNOWN_NAMES: ReadonlySet<string> = new Set([
  "schemaVersion",
  "mediaType",
  "config",
  "layers",
  "manifests",
  "blobs",
  "subject",
  "fsLayers",
  "blobSum",
  "digest",
  "size",
  "urls",
]);

/** The same by their spelling in lower case. */
const NAMES = new Map(Array.from(KNOWN_NAMES, (name) => [name.toLowerCase(), name]));

/**
 * The registry's JSON decoder (Go) takes `"Layers"` for `"layers"`, and letters that fold to ASCII besides. Which of them counts is
 * its affair: a manifest that spells a name otherwise has references that are not known here.
 */
function object(value: unknown, place: string): Record<string, unknown> {
  if (!isObject(value)) throw new Malformed(`${place} is ${quote(value)}, not an object`);
  for (const key of Object.keys(value)) {
    if (KNOWN_NAMES.has(key)) continue;
    const name = NAMES.get(key.normalize("NFKC").toLowerCase());
    if (name !== undefined) throw new Malformed(`${place} has ${quote(key)} where ${quote(name)} is expected`);
  }
  return value;
}

function quote(value: unknown): string {
  return value === undefined ? "absent" : (JSON.stringify(value) ?? typeof value).slice(0, 80);
}
