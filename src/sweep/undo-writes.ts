import path from "node:path";
import { errorMessage, OperatorError } from "../errors.js";
import type { StorageChanges } from "../storage/changes.js";
import { giveWay } from "../until-aborted.js";
import type { JournalWrite } from "./journal.js";
import type { Restored } from "./undo.js";

/**
 * Undoes what a repair has written, last first: a rewritten link holds what it held, a new one goes. A link that does not hold what
 * the repair wrote is somebody else's by now, and stays. Safe to repeat.
 */
export async function undoWrites(
  writes: readonly JournalWrite[],
  changes: StorageChanges,
  signal?: AbortSignal,
): Promise<Restored> {
  let restored = 0;
  let present = 0;
  const problems: { readonly path: string; readonly cause: string }[] = [];
  for (const write of writes.toReversed()) {
    await giveWay(signal);
    const outcome = await undo(write, changes);
    if (outcome === "restored") restored++;
    else if (outcome === "present") present++;
    else problems.push({ path: write.path, cause: outcome.cause });
  }
  return { restored, present, problems };
}

/** How many links `undoWrites` would change. Changes nothing. */
export async function countUndoable(writes: readonly JournalWrite[], changes: StorageChanges): Promise<number> {
  let count = 0;
  for (const write of writes) if (stateOf(write, await changes.read(write.path)) === "repaired") count++;
  return count;
}

type Problem = { readonly cause: string };
const CHANGED: Problem = { cause: "somebody has changed it since it was repaired: left as it is" };

/** What has become of a link: as the repair left it, as it was before (undone already, or never written), or neither. */
function stateOf({ before, content }: JournalWrite, now: Uint8Array | undefined): "repaired" | "present" | Problem {
  if (now === undefined) return before === undefined ? "present" : { cause: "it is gone since it was repaired" };
  if (before !== undefined && Buffer.from(before).equals(now)) return "present";
  return Buffer.from(content).equals(now) ? "repaired" : CHANGED;
}

async function undo(write: JournalWrite, changes: StorageChanges): Promise<"restored" | "present" | Problem> {
  const { path: link, before, content } = write;
  try {
    const state = stateOf(write, await changes.read(link));
    if (state !== "repaired") return state;
    if (before === undefined) return await remove(link, changes);
    return (await changes.replace(link, Buffer.from(content), before)) === "replaced" ? "restored" : CHANGED;
  } catch (error) {
    if (error instanceof OperatorError) return { cause: errorMessage(error) };
    throw error;
  }
}

async function remove(link: string, changes: StorageChanges): Promise<"restored" | Problem> {
  const [outcome] = await changes.remove([link]);
  if (outcome?.status === "failed") return { cause: outcome.cause ?? "it could not be removed" };
  // The directory was made for the link alone.
  await changes.pruneDirectories([path.posix.dirname(link)]);
  return "restored";
}
