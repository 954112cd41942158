import type { TruthElsewhere } from "../mark/marked.js";
import { BLOBS, REPOSITORIES } from "../registry/layout.js";
import type { OwnerKind } from "../registry/owners.js";
import type { StorageMarkers } from "../storage/storage.js";

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

/** What people call those who decide. */
export const OWNERS: Readonly<Record<OwnerKind, string>> = {
  gitlab: "GitLab's database",
  harbor: "Harbor's database",
  openshift: "OpenShift",
  proxy: "The upstream of this pull-through cache",
};
