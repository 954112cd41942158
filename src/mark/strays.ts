import { isNamelessTag, isTakenForTag } from "../registry/stray-path.js";
import type { Stray } from "../storage/listing.js";
import type { Finding } from "./finding.js";

/** What is outside the layout, judged by what the registry does with it. */
export function strayFinding({ path, bytes, mistaken }: Stray): Finding {
  if (mistaken !== undefined)
    return {
      code: mistaken.by === "purger" ? "stray-stops-registry" : "stray-aborts-collector",
      path: mistaken.path,
      bytes,
      cause: mistaken.path === path ? undefined : { kind: "below-stray", path },
    };
  if (isNamelessTag(path)) return { code: "tag-name-invalid", path, tag: "", bytes, cause: { kind: "no-name" } };
  if (isTakenForTag(path)) return { code: "stray-among-tags", path, tag: path.slice(path.lastIndexOf("/") + 1), bytes };
  return { code: "stray-object", path, bytes };
}
