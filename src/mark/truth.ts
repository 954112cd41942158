import type { Owner } from "../registry/owners.js";
import { DATABASE_MARKER, PROXY_STATE } from "../registry/layout.js";
import type { StorageMarkers } from "../storage/storage.js";
import type { Finding, FindingCode } from "./finding.js";
import { holdAll, withoutGarbage } from "./incomplete.js";
import type { Marked, TruthElsewhere } from "./marked.js";
import { selectedVariant } from "./policy.js";
import type { Variant } from "./policy.js";
import type { MarkedRepository } from "./marked-repository.js";

/** Who decides what is live, by the storage's own files and by the registry's config. */
export function ownersOf(markers: StorageMarkers, owners: readonly Owner[]): readonly TruthElsewhere[] {
  const inStorage: TruthElsewhere[] = [];
  if (markers.database)
    inStorage.push({ owner: "gitlab", evidence: `${DATABASE_MARKER} is in the storage`, path: DATABASE_MARKER });
  if (markers.proxyState) inStorage.push({ owner: "proxy", evidence: `${PROXY_STATE} is in the storage`, path: PROXY_STATE });
  return [...inStorage, ...owners.map(({ kind, evidence }) => ({ owner: kind, evidence, path: "" }))];
}

/** Whether what a variant of the policy calls garbage is known to be. */
export function isTrusted({ truthElsewhere }: Pick<Marked, "truthElsewhere">, variant: Variant): boolean {
  return truthElsewhere.every(({ owner }) => owner === "unknown" && !UNTAGGED.has(variant));
}

const UNTAGGED: ReadonlySet<Variant> = new Set(["withDeleteUntagged", "withBoth", "withPolicy"]);

/**
 * What was marked, without what the storage alone cannot tell: where something else decides what is live, nothing is called garbage; and
 * what a pull-through cache lacks was not pulled yet, which is no damage. All else is as true as anywhere.
 */
export function withTruth(marked: Marked, owners: readonly TruthElsewhere[]): Marked {
  const truthElsewhere = [...owners, ...tagsElsewhere(marked)];
  if (truthElsewhere.length === 0) return marked;
  const isKnown = isTrusted({ truthElsewhere }, selectedVariant(marked.context.policy));
  const hidden = new Set<FindingCode>(["manifest-unreferenced"]);
  if (!isKnown) for (const code of WITHHELD) hidden.add(code);
  if (owners.some(({ owner }) => owner === "proxy")) for (const code of ABSENCE) hidden.add(code);
  const shown = ({ code }: Finding): boolean => !hidden.has(code);
  const told = (repository: MarkedRepository): MarkedRepository => {
    const { heldBlobs, ...more } = isKnown ? repository : withoutGarbage(repository);
    return { ...more, heldBlobs: isKnown ? heldBlobs : undefined, findings: more.findings.filter(shown) };
  };
  return {
    ...marked,
    truthElsewhere,
    table: isKnown ? marked.table : holdAll(marked.table),
    repositories: marked.repositories.map(told),
    findings: [...marked.findings.filter(shown), ...truthElsewhere.map(toFinding)],
  };
}

/** What says that nothing needs a thing, or that a sweep would take it. */
const WITHHELD = [
  "layer-link-dangling",
  "layer-link-unreferenced",
  "tag-index-dangling",
  "upload-stale",
  "multipart-stale",
  "repository-empty",
  "referrer-orphaned",
] as const satisfies readonly FindingCode[];

/** What says that something is not there. A pull-through cache deletes the link of a manifest that has expired, and fetches it anew. */
const ABSENCE = [
  "manifest-missing",
  "tag-dangling",
  "tag-without-current",
  "blob-missing",
  "layer-link-missing",
  "child-missing",
] as const satisfies readonly FindingCode[];

/** As of OpenShift, which keeps its tags in etcd: manifests, and not one tag. A pin that is found says what is live instead. */
function tagsElsewhere({ repositories, pins }: Marked): readonly TruthElsewhere[] {
  const tags = repositories.reduce((sum, one) => sum + one.tags - one.emptyTags, 0);
  const revisions = repositories.reduce((sum, one) => sum + one.revisions, 0);
  if (revisions === 0 || tags > 0 || pins.found > 0) return [];
  return [{ owner: "unknown", evidence: `${revisions} manifests, and not one tag in the whole registry`, path: "" }];
}

function toFinding({ owner, evidence, path }: TruthElsewhere): Finding {
  return { code: owner === "unknown" ? "tags-elsewhere" : "truth-elsewhere", path, cause: { kind: "owner", evidence } };
}
