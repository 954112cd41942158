import type { Digest, DigestAlgorithm } from "./digest.js";

/**
 * The map: every path of a registry's storage, relative to the storage root. Nothing else in regcheck spells one.
 * From `registry/storage/paths.go`:
 *
 *     docker/registry/v2/
 *       blobs/<algorithm>/<first two hex>/<hex>/data                                   a blob
 *       repositories/<name>/_layers/<algorithm>/<hex>/link                             a layer link
 *       repositories/<name>/_manifests/revisions/<algorithm>/<hex>/link                a revision link
 *       repositories/<name>/_manifests/tags/<tag>/current/link                         what the tag names now
 *       repositories/<name>/_manifests/tags/<tag>/index/<algorithm>/<hex>/link         what it has ever named
 *       repositories/<name>/_uploads/<uuid>/{data,startedat,hashstates/…}              an upload in progress
 *
 * Legacy: `revisions/<algorithm>/<hex>/signatures/<algorithm>/<hex>/link` (up to 2.4), `_layers/tarsum/<version>/<algorithm>/<hash>/link`.
 */
export const V2 = "docker/registry/v2";
export const BLOBS = `${V2}/blobs`;
export const REPOSITORIES = `${V2}/repositories`;

/** Written by a pull-through proxy at the driver's root (`registry/proxy/scheduler`). */
export const PROXY_STATE = "scheduler-state.json";
/** GitLab's registry: metadata is in a database, and the storage alone does not tell what is live. */
export const DATABASE_MARKER = "docker/registry/lockfiles/database-in-use";

/** What regcheck itself writes lies beside `docker/`, where no registry looks. */
export const OWN = "regcheck";
export const LOCK = `${OWN}/lock`;
/** What tells a storage from another one that is at the same path elsewhere, or at another time: written once, never again. */
export const STORAGE_ID = `${OWN}/id`;
export const QUARANTINE = `${OWN}/quarantine`;

/** The length of a sha256 link's content, `sha256:<64 hex>`, in bytes. */
export const LINK_BYTES = 71;
/** No link is longer than `sha512:<128 hex>`; more than this is not read. */
export const MAX_LINK_BYTES = 256;
/** The registry refuses manifests larger than this (`registry/handlers/manifests.go`), in bytes. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** The directories of a repository, within its own: whatever else begins with `_` is not the registry's. */
export const MANIFESTS_DIRECTORY = "_manifests";
export const REVISIONS_DIRECTORY = `${MANIFESTS_DIRECTORY}/revisions`;
export const TAGS_DIRECTORY = `${MANIFESTS_DIRECTORY}/tags`;
export const LAYERS_DIRECTORY = "_layers";
export const UPLOADS_DIRECTORY = "_uploads";

export function blobPath({ algorithm, hex }: Digest): string {
  return blobPathOf(algorithm, hex);
}

/** The same for a digest that is known to be well-formed. */
export function blobPathOf(algorithm: DigestAlgorithm, hex: string): string {
  return `${BLOBS}/${algorithm}/${hex.slice(0, 2)}/${hex}/data`;
}

export function repositoryPath(repository: string): string {
  return `${REPOSITORIES}/${repository}`;
}

export function revisionLinkPath(repository: string, digest: Digest): string {
  return `${REPOSITORIES}/${repository}/${REVISIONS_DIRECTORY}/${digest.algorithm}/${digest.hex}/link`;
}

export function layerLinkPath(repository: string, digest: Digest): string {
  return `${REPOSITORIES}/${repository}/${LAYERS_DIRECTORY}/${digest.algorithm}/${digest.hex}/link`;
}

export function tagPath(repository: string, tag: string): string {
  return `${REPOSITORIES}/${repository}/${TAGS_DIRECTORY}/${tag}`;
}

/** What a tag names now, within its directory. */
export const TAG_CURRENT = "current/link";

export function tagCurrentPath(repository: string, tag: string): string {
  return `${tagPath(repository, tag)}/${TAG_CURRENT}`;
}

/** A link as registry 3.1 writes it, before it is renamed to its name. */
export const UNFINISHED_LINK = /\/link\.[^/]+\.tmp$/;

/** An entry of a tag's history, within its directory. */
export function tagIndexName(digest: Digest): string {
  return `index/${digest.algorithm}/${digest.hex}/link`;
}

export function tagIndexLinkPath(repository: string, tag: string, digest: Digest): string {
  return `${tagPath(repository, tag)}/${tagIndexName(digest)}`;
}

export function uploadPath(repository: string, id: string): string {
  return `${REPOSITORIES}/${repository}/${UPLOADS_DIRECTORY}/${id}`;
}
