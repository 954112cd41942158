import { blobPath } from "../registry/layout.js";
import type { VersionLimit } from "../registry/manifest.js";
import type { Finding } from "./finding.js";
import type { MarkContext } from "./context.js";
import type { RepositoryGraph } from "./repository-graph.js";

const WORDS: Readonly<Record<VersionLimit, string>> = {
  "schema 1": "it is of schema 1: registry 2.8 serves it, 3.x does not, and its own collector aborts",
  "not 3.x": "a value in it has a type that 3.x cannot read: registry 2.8 serves it, 3.x does not, and its own collector aborts",
  "not 2.8": "a value in it has a type that 2.8 cannot read: registry 3.x serves it, 2.8 does not, and its own collector aborts",
};

/** Manifests of a repository that one version of the registry serves, and another does not: who upgrades wants to know. */
export function checkVersions({ table, store }: MarkContext, { name, reachability }: RepositoryGraph): Finding[] {
  return reachability.manifests.flatMap((id) => {
    const limit = store.limit(id);
    if (limit === undefined) return [];
    const digest = table.digest(id);
    const tag = reachability.tag(id);
    return [{ code: "manifest-version-bound", path: blobPath(digest), repository: name, tag, digest, detail: WORDS[limit] }];
  });
}
