import type { Finding, FindingCode } from "../mark/finding.js";

/** What is to be done about these is done to the path. */
const NAMED_BY_PATH: ReadonlySet<FindingCode> = new Set([
  "storage-unreadable",
  "stray-object",
  "stray-aborts-collector",
  "stray-stops-registry",
  "multipart-stale",
  "upload-active",
  "upload-idle",
  "upload-stale",
]);

/** The name by which people know what a finding is about; its path where it has none. */
export function subjectOf({ repository, tag, digest, path, code }: Finding): string {
  if (repository === undefined || NAMED_BY_PATH.has(code)) {
    return digest !== undefined && code === "blob-unreferenced" ? digest.toString() : path || "the whole registry";
  }
  // A tag has one history entry for each manifest that it has ever named.
  if (code === "tag-index-dangling" && digest !== undefined) return `${repository}:${tag} (${digest.toString()})`;
  if (tag !== undefined && (digest === undefined || code.startsWith("tag-"))) return `${repository}:${tag}`;
  const name = digest === undefined ? repository : `${repository}@${digest.toString()}`;
  return tag === undefined ? name : `${name} (tag ${tag})`;
}
