import { isDigestAlgorithm, isDigestHex } from "./digest.js";
import type { DigestAlgorithm } from "./digest.js";
import { BLOBS, LAYERS_DIRECTORY, MANIFESTS_DIRECTORY, REPOSITORIES, UPLOADS_DIRECTORY } from "./layout.js";

/** The other direction of `layout.ts`: what a path below `repositories/<name>/` or `blobs/` is. */
export type OwnPath =
  | { readonly kind: "link"; readonly section: "revisions" | "layers"; readonly algorithm: DigestAlgorithm; readonly hex: string }
  | { readonly kind: "current"; readonly tag: string }
  | { readonly kind: "index"; readonly tag: string; readonly algorithm: DigestAlgorithm; readonly hex: string }
  /** All below an upload's directory is its own; `file` is the path from there on. */
  | { readonly kind: "upload"; readonly id: string; readonly file: string }
  /** Part of a tag's directory or a revision's that the registry itself passes over, such as schema 1 signatures. */
  | { readonly kind: "ignored" }
  /** Outside the layout, from `path` on. */
  | { readonly kind: "stray"; readonly path: string };

/** Splits `docker/registry/v2/repositories/<name>/_…` at the first component with an underscore; undefined for any other path. */
export function splitRepositoryPath(path: string): { readonly name: string; readonly own: string } | undefined {
  const start = REPOSITORIES.length + 1;
  const underscore = path.indexOf("/_", start);
  if (underscore < 0 || path[start] === "_" || path[start] === "/") return undefined;
  return { name: path.slice(start, underscore), own: path.slice(underscore + 1) };
}

/** All but a few: worth a look of its own, of which there may be a hundred million. */
const SHA256_BLOB = new RegExp(`^${BLOBS}/sha256/([0-9a-f]{2})/(?=\\1)([0-9a-f]{64})/data$`);

/** The digest of `docker/registry/v2/blobs/<algorithm>/<xx>/<hex>/data`, or from where on the path is outside the layout. */
export function parseBlobPath(
  path: string,
): { readonly algorithm: DigestAlgorithm; readonly hex: string } | { readonly kind: "stray"; readonly path: string } {
  const sound = SHA256_BLOB.exec(path)?.[2];
  if (sound !== undefined) return { algorithm: "sha256", hex: sound };
  const parts = path.slice(BLOBS.length + 1).split("/");
  const [algorithm = "", prefix = "", hex = "", data, more] = parts;
  const strayFrom = (at: number) => ({ kind: "stray" as const, path: `${BLOBS}/${stray(parts, at).path}` });
  if (!isDigestAlgorithm(algorithm)) return strayFrom(0);
  if (!/^[0-9a-f]{2}$/.test(prefix)) return strayFrom(1);
  if (!isDigestHex(algorithm, hex) || !hex.startsWith(prefix)) return strayFrom(2);
  return data === "data" && more === undefined ? { algorithm, hex } : strayFrom(3);
}

/** Most of a repository's keys: worth a look of its own, too. */
const SHA256_LINK = /^_(layers|manifests\/revisions)\/sha256\/([0-9a-f]{64})\/link$/;

/** What a repository's own path is, such as `_layers/sha256/<hex>/link`. */
export function parseOwnPath(own: string): OwnPath {
  const [, section, sound] = SHA256_LINK.exec(own) ?? [];
  if (sound !== undefined)
    return { kind: "link", section: section === "layers" ? section : "revisions", algorithm: "sha256", hex: sound };
  const parts = own.split("/");
  const [first = ""] = parts;
  switch (first) {
    case LAYERS_DIRECTORY:
      return parseSection("layers", parts, 1);
    case MANIFESTS_DIRECTORY:
      if (parts[1] === "revisions") return parseSection("revisions", parts, 2);
      if (parts[1] === "tags") return parseTag(parts);
      return stray(parts, 1);
    case UPLOADS_DIRECTORY:
      return parseUpload(parts);
    default:
      return stray(parts, 0);
  }
}

function parseSection(section: "revisions" | "layers", parts: readonly string[], at: number): OwnPath {
  const link = parseLinkPath(parts, at);
  return "path" in link ? { kind: "stray", path: link.path } : "hex" in link ? { kind: "link", section, ...link } : IGNORED;
}

function parseTag(parts: readonly string[]): OwnPath {
  const [, , tag = "", kind] = parts;
  if (kind === undefined || tag === "") return stray(parts, 2);
  if (kind === "current") return parts[4] === "link" && parts.length === 5 ? { kind: "current", tag } : stray(parts, 4);
  if (kind !== "index") return stray(parts, 3);
  const link = parseLinkPath(parts, 4);
  return "path" in link ? { kind: "stray", path: link.path } : "hex" in link ? { kind: "index", tag, ...link } : IGNORED;
}

function parseUpload(parts: readonly string[]): OwnPath {
  const [, id = "", ...file] = parts;
  return file.length === 0 || id === "" ? stray(parts, 1) : { kind: "upload", id, file: file.join("/") };
}

/** `<algorithm>/<hex>/link`, which begins at `parts[at]`. */
function parseLinkPath(
  parts: readonly string[],
  at: number,
): { readonly algorithm: DigestAlgorithm; readonly hex: string } | { readonly path: string } | typeof IGNORED {
  const algorithm = parts[at] ?? "";
  const hex = parts[at + 1] ?? "";
  if (!isDigestAlgorithm(algorithm)) return stray(parts, at);
  if (!isDigestHex(algorithm, hex) || parts.length < at + 3) return stray(parts, at + 1);
  if (parts[at + 2] === "link" && parts.length === at + 3) return { algorithm, hex };
  // Up to 2.4, `signatures/<algorithm>/<hex>/link` beside a schema 1 revision's link.
  return parts[at + 2] === "signatures" && parts.length > at + 3 ? IGNORED : stray(parts, at + 2);
}

const IGNORED = { kind: "ignored" } as const;

/** The path down to the first component that does not belong, so that all below it is one finding. */
function stray(parts: readonly string[], at: number): { readonly kind: "stray"; readonly path: string } {
  const isMarker = parts.at(-1) === "" && at >= parts.length - 2;
  return { kind: "stray", path: isMarker ? parts.join("/") : parts.slice(0, at + 1).join("/") };
}
