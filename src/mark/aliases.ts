import { layerLinkPath } from "../registry/layout.js";
import type { Finding } from "./finding.js";
import type { MarkContext } from "./context.js";
import type { RepositoryGraph } from "./repository-graph.js";

/** Reports links of another algorithm than sha256 that lead to a blob of which a manifest says that it has another size. */
export function checkAliases({ table, store }: MarkContext, { name, links, reachability }: RepositoryGraph): Finding[] {
  if (links.aliases.size === 0) return [];
  const findings = new Map<number, Finding>();
  const check = (manifest: number, named: number, declared: number | undefined): void => {
    const target = links.aliases.get(named);
    if (target === undefined || declared === undefined) return;
    if (!table.isStored(target) || table.size(target) === declared) return;
    const digest = table.digest(named);
    const [held, stored] = [table.digest(target), table.size(target)];
    const cause = { kind: "alias-size", held, stored, manifest: table.digest(manifest), declared } as const;
    if (!findings.has(named))
      findings.set(named, { code: "link-mismatch", path: layerLinkPath(name, digest), repository: name, digest, cause });
  };
  for (const manifest of reachability.manifests)
    store.forEachReference(manifest, (_, named, position) => check(manifest, named, store.declaredSize(position)));
  return [...findings.values()];
}
