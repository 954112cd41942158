import { blobPath } from "../registry/layout.js";
import type { Finding } from "./finding.js";
import type { MarkContext } from "./context.js";
import type { RepositoryGraph } from "./repository-graph.js";

/** Manifests of a repository that one version of the registry serves, and another does not: who upgrades wants to know. */
export function checkVersions({ table, store }: MarkContext, { name, reachability }: RepositoryGraph): Finding[] {
  return reachability.manifests.flatMap((id) => {
    const limit = store.limit(id);
    if (limit === undefined) return [];
    const digest = table.digest(id);
    const tag = reachability.tag(id);
    return [
      {
        code: "manifest-version-bound",
        path: blobPath(digest),
        repository: name,
        tag,
        digest,
        cause: { kind: "version-limit", limit },
      },
    ];
  });
}
