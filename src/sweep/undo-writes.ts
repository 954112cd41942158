import path from "node:path";
import { errorMessage, OperatorError } from "../errors.js";
import type { StorageChanges } from "../storage/changes.js";
import type { JournalWrite } from "./journal.js";
import type { Restored } from "./undo.js";

/**
 * Undoes what a repair has written, last first: a rewritten link holds what it held, a new one goes. A link that does not hold what
 * the repair wrote is somebody else's by now, and stays. Safe to repeat.
 */
export async function undoWrites(writes: readonly JournalWrite[], changes: StorageChanges): Promise<Restored> {
  let restored = 0;
  let present = 0;
  const problems: { readonly path: string; readonly cause: string }[] = [];
  for (const write of writes.toReversed()) {
    const outcome = await undo(write, changes);
    if (outcome === "restored") restored++;
    else if (outcome === "present") present++;
    else problems.push({ path: write.path, cause: outcome.cause });
  }
  return { restored, present, problems };
}

type Outcome = "restored" | "present" | { readonly cause: string };
const CHANGED: Outcome = { cause: "somebody has changed it since it was repaired: left as it is" };

async function undo(write: JournalWrite, changes: StorageChanges): Promise<Outcome> {
  try {
    const now = await changes.read(write.path);
    const isRepaired = now !== undefined && Buffer.from(now).equals(Buffer.from(write.content));
    if (write.before === undefined) {
      // The repair was killed before it wrote, or it is undone already.
      if (now === undefined) return "present";
      return isRepaired ? await remove(write.path, changes) : CHANGED;
    }
    if (now === undefined) return { cause: "it is gone since it was repaired" };
    if (Buffer.from(write.before).equals(now)) return "present";
    if (!isRepaired) return CHANGED;
    return (await changes.replace(write.path, now, write.before)) === "replaced" ? "restored" : CHANGED;
  } catch (error) {
    if (error instanceof OperatorError) return { cause: errorMessage(error) };
    throw error;
  }
}

async function remove(link: string, changes: StorageChanges): Promise<Outcome> {
  const [outcome] = await changes.remove([link]);
  if (outcome?.status === "failed") return { cause: outcome.cause ?? "it could not be removed" };
  // The directory was made for the link alone.
  await changes.pruneDirectories([path.posix.dirname(link)]);
  return "restored";
}
