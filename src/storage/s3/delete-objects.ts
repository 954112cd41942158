import { setTimeout } from "node:timers/promises";
import { slices } from "../../slices.js";
import type { ChangeOutcome } from "../changes.js";
import { deleteAction } from "./actions.js";
import type { BucketWriter, Deletion, Doomed } from "./bucket-writer.js";
import { causeOf, isDenied, lacking, nameOf } from "./errors.js";

/** S3 takes so many keys in one request. */
const KEYS_PER_DELETE = 1000;
/** Errors of single keys inside a success that may pass, and how often these keys are tried. */
const PASSING = new Set(["InternalError", "SlowDown", "ServiceUnavailable", "OperationAborted", "503"]);
const KEY_ATTEMPTS = 4;

/** An object to delete, or one of its versions. */
export interface DoomedPath {
  readonly path: string;
  readonly versionId?: string;
}

/** Where objects are deleted. */
interface Place {
  readonly bucket: BucketWriter;
  /** What comes before the paths in a key. */
  readonly root: string;
  /** Milliseconds before what has failed is tried again; twice as many each time. */
  readonly delay: number;
}

/** Deletes in batches; what fails for itself and may pass is tried again. */
export async function deleteObjects(place: Place, doomed: readonly DoomedPath[]): Promise<readonly ChangeOutcome[]> {
  const { bucket, root } = place;
  const outcomes = await bucket.limit.map(slices(doomed, KEYS_PER_DELETE), async (batch) => {
    const deletions = await deleteBatch(
      place,
      batch.map(({ path, versionId }) => ({ key: root + path, versionId })),
    );
    return batch.map(({ path, versionId }, i) => outcomeOf(path, deleteAction(versionId), deletions[i]));
  });
  return outcomes.flat();
}

async function deleteBatch({ bucket, delay }: Place, keys: readonly Doomed[]): Promise<readonly Deletion[]> {
  try {
    const deletions = [...(await bucket.delete(keys))];
    for (let attempt = 1; attempt < KEY_ATTEMPTS; attempt++) {
      const again = deletions.flatMap((deletion, i) => ("failure" in deletion && PASSING.has(deletion.code) ? [i] : []));
      if (again.length === 0) break;
      await setTimeout(delay * 2 ** attempt);
      const repeated = await bucket.delete(again.flatMap((i) => keys[i] ?? []));
      for (const [n, i] of again.entries()) deletions[i] = repeated[n] ?? deletions[i] ?? UNKNOWN;
    }
    return deletions;
  } catch (error) {
    const name = nameOf(error);
    return keys.map(({ versionId }) => ({
      code: "",
      failure: isDenied(name) ? lacking(name, deleteAction(versionId)) : causeOf(error),
    }));
  }
}

const UNKNOWN: Deletion = { code: "", failure: "unknown" };

function outcomeOf(path: string, action: string, deletion: Deletion = UNKNOWN): ChangeOutcome {
  if (!("failure" in deletion)) return { path, status: "done", deleteMarker: deletion.deleteMarker };
  if (deletion.code === "NoSuchKey" || deletion.code === "NoSuchVersion") return { path, status: "absent" };
  return { path, status: "failed", cause: isDenied(deletion.code) ? lacking(deletion.code, action) : deletion.failure };
}
