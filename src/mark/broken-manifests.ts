import { blobPath, revisionLinkPath } from "../registry/layout.js";
import type { Finding } from "./finding.js";
import type { MarkContext } from "./context.js";
import type { RepositoryGraph } from "./repository-graph.js";
import type { RepositoryLinks } from "./repository-links.js";

/** Reports the manifests of a repository whose references are not known. */
export function checkManifests({ table, store }: MarkContext, { name, links, reachability }: RepositoryGraph): Finding[] {
  const broken = reachability.manifests.filter((id) => store.problem(id) !== undefined);
  const tags = broken.length === 0 ? new Map<number, string>() : firstTags(links);
  return broken.flatMap((id): Finding[] => {
    const problem = store.problem(id);
    if (problem === undefined) return [];
    const digest = table.digest(id);
    return [
      {
        code: problem.kind === "unreadable" ? "storage-unreadable" : (`manifest-${problem.kind}` as const),
        path: problem.kind === "missing" ? revisionLinkPath(name, digest) : blobPath(digest),
        repository: name,
        tag: tags.get(id),
        digest,
        cause:
          problem.kind === "unreadable" ? { kind: "fault", fault: problem.cause } : { kind: "manifest-damage", damage: problem },
        bytes: table.isStored(id) ? table.size(id) : undefined,
      },
    ];
  });
}

/** What manifests are tagged: each with the first of its tags. */
function firstTags({ tags }: RepositoryLinks): ReadonlyMap<number, string> {
  const first = new Map<number, string>();
  for (const { name, target } of tags) if (!first.has(target)) first.set(target, name);
  return first;
}
