import { tagCurrentPath } from "../registry/layout.js";
import type { Finding } from "./finding.js";
import { isLostTarget } from "./tag-aliases.js";
import { findTarget } from "./repository-graph.js";
import type { RepositoryGraph } from "./repository-graph.js";
import type { MarkContext } from "./context.js";

/** Reports tags whose manifest no link finds. */
export function checkTags(context: MarkContext, graph: RepositoryGraph, isHeld: boolean): Finding[] {
  const { table, policy } = context;
  const { name: repository, links, lasting } = graph;
  return links.tags.flatMap(({ name, target }): Finding[] => {
    if (findTarget(graph, target) !== undefined) return [];
    return [
      {
        code: "tag-dangling",
        path: tagCurrentPath(repository, name),
        repository,
        tag: name,
        digest: table.digest(target),
        holds: isLostTarget(context, graph, target) ? true : undefined,
        recoverable: table.isStored(target),
        reclaimable: policy.dropDanglingTags && !isHeld && !lasting.has(name),
      },
    ];
  });
}
