import { OperatorError } from "../errors.js";
import { LOCK, OWN, QUARANTINE } from "../registry/layout.js";
import type { StoredObject } from "./changes.js";

/** What regcheck itself keeps in a storage, beside the registry's own. */
export interface OwnData {
  /** What sweeps have moved aside, by run. */
  readonly quarantine: ReadonlyMap<string, QuarantinedRun>;
  /** When the lock was written that is there now, in seconds since 1970; undefined where there is none. */
  readonly lockedAt: number | undefined;
  /** Of all the rest: what tells this storage from another one. */
  readonly otherBytes: number;
  /** Why the rest is not known, if it is not. */
  readonly fault: string | undefined;
}

/** What a quarantine holds of one run, the copy of its journal included. */
export interface QuarantinedRun {
  readonly objects: number;
  readonly bytes: number;
  /** Whether there is anything but the copy of its journal: in a bucket that keeps versions there is not. */
  readonly hasMoved: boolean;
}

/** Lists what regcheck keeps; what cannot be listed is a fault in the result. */
export async function surveyOwn(storage: { list(directory: string): AsyncIterable<StoredObject> }): Promise<OwnData> {
  const quarantine = new Map<string, QuarantinedRun>();
  let lockedAt: number | undefined;
  let otherBytes = 0;
  try {
    for await (const { path, bytes, modified } of storage.list(OWN)) {
      if (path === LOCK) lockedAt = modified;
      const runId = path.startsWith(`${QUARANTINE}/`) ? path.slice(QUARANTINE.length + 1).split("/", 1)[0] : undefined;
      if (runId === undefined && path !== LOCK) otherBytes += bytes;
      if (runId === undefined) continue;
      const known = quarantine.get(runId) ?? { objects: 0, bytes: 0, hasMoved: false };
      const hasMoved = known.hasMoved || !path.startsWith(`${QUARANTINE}/${runId}/journal/`);
      quarantine.set(runId, { objects: known.objects + 1, bytes: known.bytes + bytes, hasMoved });
    }
    return { quarantine, lockedAt, otherBytes, fault: undefined };
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return { quarantine, lockedAt, otherBytes, fault: error.message };
  }
}
