import { Digest } from "./digest.js";
import { DigestScanner } from "./digest-scanner.js";
import { NotJson } from "./json-reader.js";
import { MAX_MANIFEST_BYTES } from "./layout.js";
import { ManifestReader, PLATFORM_FEATURES } from "./manifest-reader.js";
import type { Descriptor } from "./manifest-reader.js";
import type { RegistryVersion } from "./struct-reader.js";

/**
 * What a manifest uses a digest for. `child` is a manifest of an index; `subject` is what a referrer is about; a `foreign-layer` may lie
 * elsewhere; `mention` is a digest somewhere in a content that nobody, or not everybody, can read: it may be anything.
 */
export const REFERENCE_ROLES = ["config", "layer", "foreign-layer", "child", "subject", "mention"] as const;
export type ReferenceRole = (typeof REFERENCE_ROLES)[number];

/** One reference out of a manifest: part of a descriptor. */
export interface Reference {
  readonly role: ReferenceRole;
  readonly digest: Digest;
  /** What the descriptor says of the blob's size in bytes, if it says one: to a registry, none and zero are the same. */
  readonly size: number | undefined;
  /** Whether the descriptor's media type says that it is a manifest; a child is one unless its media type says that it is a layer. */
  readonly isManifest?: boolean;
}

/** Media types of manifests, by whatever name, among those of layers. */
const MANIFEST_TYPE = /\.manifest\b|\.index\b/;
/** Media types of what an index has for children besides manifests: BuildKit's cache is an index of layers (docker/buildx#173). */
const BLOB_TYPE = /layer|rootfs|config/;

/** A manifest's references, or why they cannot be known. */
export type ParsedManifest = SoundManifest | ManifestProblem;

export interface SoundManifest {
  readonly references: readonly Reference[];
  /** For one that not every version of the registry can read: which cannot, or that it is of a schema of which 3.x knows nothing. */
  readonly limit?: VersionLimit | undefined;
}

export const VERSION_LIMITS = ["schema 1", "not 3.x", "not 2.8"] as const;
export type VersionLimit = (typeof VERSION_LIMITS)[number];

/** Why a manifest is of no use. */
export interface ManifestProblem {
  readonly problem: string;
  /** The registry serves it all the same, but takes no push of it; without, a pull gets an error and the registry's collector aborts. */
  readonly isServed: boolean;
}

type Kind = "image" | "docker-image" | "index" | "docker-list" | "untyped-image" | "untyped-index" | "schema1";

const KINDS: ReadonlyMap<string, Kind> = new Map([
  ["application/vnd.docker.distribution.manifest.v2+json", "docker-image"],
  ["application/vnd.oci.image.manifest.v1+json", "image"],
  ["application/vnd.docker.distribution.manifest.list.v2+json", "docker-list"],
  ["application/vnd.oci.image.index.v1+json", "index"],
]);

/** What a registry decodes of each kind: a wrong type in any other field is no error to it. */
const FIELDS: Readonly<Record<Kind, readonly string[]>> = {
  image: ["config", "layers", "annotations"],
  "docker-image": ["config", "layers"],
  index: ["manifests"],
  "docker-list": ["manifests", PLATFORM_FEATURES],
  // It is tried as an index first.
  "untyped-image": ["config", "layers", "annotations", "manifests"],
  "untyped-index": ["manifests"],
  schema1: ["fsLayers", "history", "name", "tag", "architecture"],
};

/** What 3.x decodes besides. */
const FIELDS_OF_3: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  index: ["annotations"],
  "untyped-index": ["annotations"],
};

type ListField = "config" | "layers" | "manifests" | "fsLayers";
const ROLES = { config: "config", layers: "layer", manifests: "child", fsLayers: "layer" } as const;

/** Which fields have a kind's references. */
const LISTS: Readonly<Record<Kind, readonly ListField[]>> = {
  image: ["config", "layers"],
  "docker-image": ["config", "layers"],
  index: ["manifests"],
  "docker-list": ["manifests"],
  "untyped-image": ["config", "layers"],
  "untyped-index": ["manifests"],
  schema1: ["fsLayers"],
};

/** Read in manifests of any kind, to know the kind. */
const FIELDS_OF_ALL: ReadonlySet<string> = new Set(["the manifest", "schemaVersion", "mediaType"]);

/**
 * Parses a manifest of any kind that a registry of 2.x or 3.x serves: schema 1 (stored without its signatures), Docker schema 2 and list,
 * OCI image and index. It is as lenient as the more lenient of 2.8 and 3.1, whose decoders decide what can be pulled.
 */
export function parseManifest(content: Uint8Array): ParsedManifest {
  if (content.length > MAX_MANIFEST_BYTES) return refused(`the manifest is larger than ${MAX_MANIFEST_BYTES} bytes`);
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (bytes.length === 0) return refused("the manifest is empty");
  try {
    return judge(new ManifestReader(bytes), bytes);
  } catch (error) {
    if (error instanceof NotJson) return refused(error.message);
    throw error;
  }
}

/** Every digest that the bytes of a manifest mention, whatever they are: what cannot be read may refer to any of them. */
export function mentionsOf(content: Uint8Array): readonly Reference[] {
  const scanner = new DigestScanner();
  scanner.push(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  return scanner.end().map((digest) => ({ role: "mention", digest, size: undefined }));
}

function refused(problem: string): ManifestProblem {
  return { problem, isServed: false };
}

function judge(manifest: ManifestReader, bytes: Buffer): ParsedManifest {
  const kind = kindOf(manifest);
  if (typeof kind !== "string") return kind;
  const in2 = wrongType(manifest, kind, "2.8");
  const in3 = kind === "schema1" ? "it is of schema 1" : wrongType(manifest, kind, "3.x");
  if (in2 !== undefined && in3 !== undefined) return refused(kind === "schema1" ? in2 : in3);
  const references = referencesOf(manifest, kind, bytes);
  if ("problem" in references) return references;
  if (kind === "schema1") return { references, limit: "schema 1" };
  return { references, limit: in3 !== undefined ? "not 3.x" : in2 !== undefined ? "not 2.8" : undefined };
}

function referencesOf(manifest: ManifestReader, kind: Kind, bytes: Buffer): readonly Reference[] | ManifestProblem {
  // The registry refuses the push of content that is an image to one reader and an index to another (CVE-2021-41190); clients refuse it too.
  const isBoth = manifest.given.has("manifests") && (manifest.given.has("layers") || manifest.given.has("config"));
  if (isBoth && !kind.startsWith("docker") && kind !== "schema1")
    return { problem: "the manifest is both an image and an index", isServed: true };
  const references: Reference[] = [];
  for (const field of LISTS[kind]) {
    const problem = addReferences(references, field, manifest[field]);
    if (problem !== undefined) return { problem, isServed: true };
  }
  const subject = referenceOf(manifest.subject, "subject");
  if (subject !== undefined && kind !== "schema1") references.push(subject);
  return isBoth || manifest.isAmbiguous ? withMentions(references, bytes) : references;
}

/** Adds a reference for each descriptor, or says which one names nothing. */
function addReferences(references: Reference[], field: ListField, descriptors: readonly Descriptor[]): string | undefined {
  for (let i = 0; i < descriptors.length; i++) {
    const descriptor = descriptors[i];
    if (descriptor === undefined) continue;
    // Registry 2.8 takes any blob that is not there, or has no digest, if it says where else it is; clients look there.
    const isElsewhere = descriptor.urls > 0 && field !== "manifests";
    const reference = referenceOf(descriptor, isElsewhere ? "foreign-layer" : ROLES[field]);
    if (reference !== undefined) references.push(reference);
    else if (!isElsewhere) {
      const place = field === "config" ? field : `${field}[${i}]`;
      const name = field === "fsLayers" ? "blobSum" : "digest";
      return `${place}.${name} is ${quote(descriptor.digest)}, which is no sha256, sha384 or sha512 digest`;
    }
  }
  return undefined;
}

function referenceOf({ mediaType, digest: text, size }: Descriptor, role: ReferenceRole): Reference | undefined {
  const digest = Digest.parse(text);
  // A registry takes any int64. What is written of a size here has to fit one too, and no blob has so many bytes.
  return (
    digest && {
      role,
      digest,
      size: size > 0 ? Math.min(size, Number.MAX_SAFE_INTEGER) : undefined,
      isManifest: isManifestType(role, mediaType),
    }
  );
}

/** Whether a reference is to a manifest, by its media type. */
export function isManifestType(role: ReferenceRole, mediaType: string): boolean {
  return role === "child" ? !BLOB_TYPE.test(mediaType) : MANIFEST_TYPE.test(mediaType);
}

function kindOf({ schemaVersion, mediaType, given, wrongTypes }: ManifestReader): Kind | ManifestProblem {
  const wrong = wrongTypes.find(({ field }) => FIELDS_OF_ALL.has(field));
  if (wrong !== undefined) return refused(wrong.problem);
  if (schemaVersion === 1) {
    // Registry 2.8 takes whatever says so for an image without layers.
    if (given.has("fsLayers")) return "schema1";
    return { problem: "schemaVersion is 1, but there are no fsLayers", isServed: true };
  }
  if (schemaVersion !== 2) return refused(`schemaVersion is ${given.has("schemaVersion") ? schemaVersion : "absent"}, not 2`);
  const kind = KINDS.get(mediaType);
  if (kind !== undefined) return kind;
  if (mediaType !== "") return refused(`the media type ${quote(mediaType)} is unknown`);
  return given.has("manifests") || (!given.has("config") && !given.has("layers")) ? "untyped-index" : "untyped-image";
}

/** What a version of the registry cannot read, if there is such a thing. */
function wrongType({ wrongTypes }: ManifestReader, kind: Kind, version: RegistryVersion): string | undefined {
  if (wrongTypes.length === 0) return undefined;
  const isRead = (field: string): boolean =>
    FIELDS[kind].includes(field) || (version === "3.x" && FIELDS_OF_3[kind]?.includes(field) === true);
  return wrongTypes.find(({ field, versions }) => versions.includes(version) && isRead(field))?.problem;
}

/** Other readers may take other digests out of the same content: what they might is kept too. */
function withMentions(references: readonly Reference[], bytes: Buffer): readonly Reference[] {
  const known = new Set(references.map(({ digest }) => digest.toString()));
  return [...references, ...mentionsOf(bytes).filter(({ digest }) => !known.has(digest.toString()))];
}

function quote(text: string): string {
  return text === "" ? "absent" : JSON.stringify(Buffer.from(text, "latin1").toString()).slice(0, 80);
}
