import { elementAt } from "../element-at.js";
import { layerLinkPath } from "../registry/layout.js";
import type { MarkContext } from "./context.js";
import type { Finding } from "./finding.js";
import { HELD } from "./policy.js";
import type { RepositoryGraph } from "./repository-graph.js";
import { resolveLayer } from "./repository-links.js";

/** What is known of a repository's layer links by now. */
interface KnownLayers {
  /** For each of `links.layers`, the variants in which a live manifest needs it. */
  readonly marks: Uint16Array;
  /** Positions of those that are younger than the grace time. */
  readonly young: ReadonlySet<number>;
  /** Whether damage holds the repository back. */
  readonly isHeld: boolean;
  /** The bit of the selected policy. */
  readonly selected: number;
}

/** Reports layer links that no live manifest needs, and those whose blob is gone. `onLink` receives the marks of each link that is not young. */
export function checkLayerLinks(
  { table }: MarkContext,
  { name: repository, links }: RepositoryGraph,
  { marks: layerMarks, young, isHeld, selected }: KnownLayers,
  onLink: (marks: number) => void,
): Finding[] {
  const findings: Finding[] = [];
  const held = isHeld ? HELD : 0;
  const about = (link: number) => {
    const digest = table.digest(link);
    return { path: layerLinkPath(repository, digest), repository, digest };
  };
  for (const [i, link] of links.layers.entries()) {
    if (young.has(i)) continue;
    const marks = elementAt(layerMarks, i) | held;
    // Where a live manifest needs the blob, it is the blob that is missing: once restored, its link is needed too.
    onLink(marks);
    const target = resolveLayer(links, link);
    if (!table.isStored(target)) {
      if ((marks & selected) === 0) findings.push({ code: "layer-link-dangling", ...about(link), reclaimable: !isHeld });
    } else if ((marks & (selected | HELD)) === 0) {
      findings.push({ code: "layer-link-unreferenced", ...about(link), bytes: table.size(target) });
    }
  }
  return findings;
}
