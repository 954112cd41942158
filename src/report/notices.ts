import { BLOBS, DATABASE_MARKER, PROXY_STATE, REPOSITORIES } from "../registry/layout.js";
import type { StorageMarkers } from "../storage/storage.js";

/** What makes the storage's links less than the whole truth: sentences for the operator, none for an ordinary registry. */
export function noticesOf(markers: StorageMarkers): readonly string[] {
  const notices: string[] = [];
  if (markers.hasBlobs && !markers.hasRepositories)
    notices.push(
      `There are blobs, but no ${REPOSITORIES}: every blob looks unreferenced. Is this the right root, and is all of it mounted?`,
    );
  if (!markers.hasBlobs && markers.hasRepositories)
    notices.push(`There are repositories, but no ${BLOBS}: every image looks broken. Is all of the storage mounted?`);
  if (markers.database)
    notices.push(
      `${DATABASE_MARKER} says that this registry keeps its metadata in a database (GitLab): what is garbage cannot be told from the storage alone.`,
    );
  if (markers.proxyState)
    notices.push(
      `${PROXY_STATE} says that this is a pull-through cache: the registry deletes and fetches by itself, even when it is read-only.`,
    );
  return notices;
}
