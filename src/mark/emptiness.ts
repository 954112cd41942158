import { repositoryPath } from "../registry/layout.js";
import type { RepositoryListing } from "../storage/listing.js";
import type { Finding, FindingCode } from "./finding.js";
import type { RepositoryLinks } from "./repository-links.js";

/**
 * Reports a repository that has neither tags nor manifests, or none but such as the selected policy lets go: a sweep that takes these can
 * take it as well. It stays where anything is in it that no sweep takes.
 */
export function checkEmptiness(
  { name, isRepository, tags, strays, uploads }: RepositoryListing,
  { revisions, layers, damagedLayers }: RepositoryLinks,
  findings: readonly Finding[],
  isHeld: boolean,
): Finding[] {
  const count = (isCounted: (finding: Finding) => boolean, ...codes: readonly FindingCode[]): number =>
    findings.filter((finding) => codes.includes(finding.code) && isCounted(finding)).length;
  const isGoing = ({ reclaimable }: Finding): boolean => reclaimable === true;
  const going = isHeld ? 0 : count(isGoing, "tag-dangling", "tag-without-current", "manifest-unreferenced");
  const all = tags.names.length + revisions.length;
  if (!isRepository || all > going) return [];
  const [stray] = strays;
  const links = layers.length + damagedLayers.size - count(() => true, "layer-link-dangling", "layer-link-unreferenced");
  const what =
    links > 0
      ? "links"
      : stray !== undefined
        ? { path: stray.path }
        : uploads.length > count(() => true, "upload-stale")
          ? "upload"
          : undefined;
  const about = { code: "repository-empty", path: repositoryPath(name), repository: name } as const;
  if (what !== undefined) return all > 0 ? [] : [{ ...about, reclaimable: false, cause: { kind: "still-in-it", what } }];
  return [all > 0 ? { ...about, cause: { kind: "empty-after-sweep" } } : about];
}
