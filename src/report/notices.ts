import type { MarkContext } from "../mark/context.js";
import type { Marked, TruthElsewhere } from "../mark/marked.js";
import { pinsAnywhere } from "../mark/pinned.js";
import { isYoung } from "../mark/policy.js";
import { BLOBS, REPOSITORIES } from "../registry/layout.js";
import type { OwnerKind } from "../registry/owners.js";
import type { StorageMarkers } from "../storage/storage.js";
import { countOf } from "./format.js";

/** What makes the storage's links less than the whole truth: sentences for the operator, none for an ordinary registry. */
export function noticesOf(markers: StorageMarkers, truthElsewhere: readonly TruthElsewhere[], asOf?: number): readonly string[] {
  const notices: string[] = [];
  if (markers.inventory !== undefined && asOf !== undefined)
    notices.push(
      `This is as of ${new Date(asOf * 1000).toISOString()}, by the inventory ${markers.inventory.name}: what was written in the 24 hours before counts as young, and nothing is deleted on it.${markers.inventory.isStale ? " It is older than --inventory-age: is the inventory still delivered?" : ""}`,
    );
  // With a database there need not be a single link.
  if (markers.hasBlobs && !markers.hasRepositories && truthElsewhere.length === 0)
    notices.push(
      `There are blobs, but no ${REPOSITORIES}: every blob looks unreferenced. Is this the right root, and is all of it mounted?`,
    );
  if (!markers.hasBlobs && markers.hasRepositories)
    notices.push(`There are repositories, but no ${BLOBS}: every image looks broken. Is all of the storage mounted?`);
  for (const { owner, evidence } of truthElsewhere)
    notices.push(
      owner === "unknown"
        ? `There are ${evidence}: where are they kept? What --delete-untagged would take is not known (tags-elsewhere).`
        : `${OWNERS[owner]} decides what is live, not this storage (${evidence}): what is garbage cannot be told from here (truth-elsewhere).`,
    );
  return notices;
}

/** Says that nothing is garbage, or no blob, and why: for damage that may have meant any of it. */
export function noticesOfLost({ context }: Pick<Marked, "context">): readonly string[] {
  return [...noticeOfSwapped(context), ...noticeOfAnything(context)];
}

function noticeOfSwapped({ table, swappedAliases }: MarkContext): readonly string[] {
  const [first] = [...swappedAliases].sort((a, b) => a - b);
  if (first === undefined) return [];
  const others = swappedAliases.size === 1 ? "" : ` and ${countOf(swappedAliases.size - 1, "other link")}`;
  return [
    `Nothing is offered as garbage until this is mended: the link ${table.digest(first).toString()}${others} leads to other content (link-mismatch), and what else its image keeps is not known.`,
  ];
}

function noticeOfAnything(context: MarkContext): readonly string[] {
  const { table, policy, needsAnything } = context;
  const ids = [...needsAnything].sort((a, b) => a - b);
  const [first] = ids;
  if (first === undefined) return [];
  const others = ids.length === 1 ? "" : ` and ${countOf(ids.length - 1, "other manifest")}`;
  const isFresh = table.isStored(first) && isYoung(policy, table.modified(first));
  const [why, until] = isFresh
    ? ["is younger than --grace", "until its push has ended, or the grace time has"]
    : pinsAnywhere(context).has(first)
      ? ["is pinned (--keep)", "until its image is pushed again, or it is pinned no more"]
      : ["is kept", "until its image is pushed again"];
  return [
    `No blob is offered as garbage ${until}: ${table.digest(first).toString()}${others}, which ${why}, refers by another algorithm than sha256 to what no link tells the blob of, so that any blob may be it.`,
  ];
}

/** What people call those who decide. */
export const OWNERS: Readonly<Record<OwnerKind, string>> = {
  gitlab: "GitLab's database",
  harbor: "Harbor's database",
  openshift: "OpenShift",
  proxy: "The upstream of this pull-through cache",
};
