import type { RemovedIfSame } from "../changes.js";
import type { BucketWriter, ObjectVersion } from "./bucket-writer.js";
import { compareContent } from "./compare-content.js";

/**
 * Removes an object of which nothing is to stay, if its content is the one that is expected. What somebody else stores meanwhile stays: only
 * versions that were there before the content was looked at are deleted, each by its id, or else the object by its ETag.
 */
export async function removeIfSame(bucket: BucketWriter, key: string, expected: Uint8Array): Promise<RemovedIfSame> {
  const versions = await versionsBefore(bucket, key);
  const isStill = await compareContent(bucket, key, expected);
  if (isStill !== "same") return { status: isStill };
  const latest = versions.find(({ isLatest, isMarker }) => isLatest && !isMarker);
  if (latest !== undefined && versions.every(isNamed) && (await removeVersions(bucket, key, latest, versions)))
    return { status: "done" };
  const etag = latest?.etag ?? (await bucket.head(key))?.etag ?? "";
  if (await bucket.deleteMatching(key, etag)) return { status: "done" };
  const left = await compareContent(bucket, key, expected);
  if (left === "same") return { status: "failed", cause: "the server says that it is another object, and shows the same one" };
  // Of a delete that was sent twice, the first has done it.
  return { status: left === "absent" ? "done" : left };
}

/** None where the server, or a policy, does not let them be listed. */
async function versionsBefore(bucket: BucketWriter, key: string): Promise<readonly ObjectVersion[]> {
  try {
    return await bucket.versionsOf(key);
  } catch {
    return [];
  }
}

/** Whether the id is that version's alone: of what is stored while no versions are kept, the next one has the same. */
function isNamed({ versionId }: ObjectVersion): boolean {
  return versionId !== "" && versionId !== "null";
}

/** The latest goes last: none below it is seen in between. Returns whether all are gone; those that a policy keeps are to be hidden. */
async function removeVersions(
  bucket: BucketWriter,
  key: string,
  latest: ObjectVersion,
  versions: readonly ObjectVersion[],
): Promise<boolean> {
  const others = versions.filter((version) => version !== latest);
  for (const some of [others, [latest]]) {
    if (some.length === 0) continue;
    const deletions = await bucket.delete(some.map(({ versionId }) => ({ key, versionId })));
    if (deletions.some((deletion) => "failure" in deletion && deletion.code !== "NoSuchVersion")) return false;
  }
  return true;
}
