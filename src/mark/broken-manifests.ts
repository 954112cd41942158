import { blobPath, revisionLinkPath } from "../registry/layout.js";
import type { Finding } from "./finding.js";
import type { MarkContext } from "./context.js";
import type { RepositoryGraph } from "./repository-graph.js";

/** Reports the manifests of a repository whose references are not known. */
export function checkManifests({ table, store }: MarkContext, { name, links, reachability }: RepositoryGraph): Finding[] {
  return reachability.manifests.flatMap((id): Finding[] => {
    const problem = store.problem(id);
    if (problem === undefined) return [];
    const digest = table.digest(id);
    return [
      {
        code: problem.kind === "unreadable" ? "storage-unreadable" : (`manifest-${problem.kind}` as const),
        path: problem.kind === "missing" ? revisionLinkPath(name, digest) : blobPath(digest),
        repository: name,
        tag: links.tags.find(({ target }) => target === id)?.name,
        digest,
        cause:
          problem.kind === "unreadable" ? { kind: "fault", fault: problem.cause } : { kind: "manifest-damage", damage: problem },
        bytes: table.isStored(id) ? table.size(id) : undefined,
      },
    ];
  });
}
