import path from "node:path";
import { operatorMessage } from "../errors.js";
import { NO_PUSH } from "../mark/push-times.js";
import { LAYERS_DIRECTORY, MANIFESTS_DIRECTORY, repositoryPath } from "../registry/layout.js";
import { digestIn } from "../registry/link.js";
import { splitRepositoryPath } from "../registry/parse-path.js";
import type { StorageChanges, StoredObject } from "../storage/changes.js";
import { giveWay } from "../until-aborted.js";
import type { JournalWrite } from "../journal/journal.js";
import type { JournaledRun } from "../journal/read-run.js";
import type { Restored } from "./restored.js";

/**
 * Undoes what a repair has written, last first: a rewritten link holds what it held, a new one goes. Unlike what a sweep took, this is
 * something that others may rely on by now: a push skips a layer that is linked. So it needs the guard of a sweep, and nothing is undone
 * in a repository in which any link but the repair's own was written since the repair began. A link that does not hold what the repair
 * wrote is somebody else's by now, and stays. Safe to repeat.
 */
export async function undoWrites(
  { head, writes, startedAt }: Pick<JournaledRun, "head" | "writes" | "startedAt">,
  changes: StorageChanges,
  signal?: AbortSignal,
): Promise<Restored> {
  let restored = 0;
  let present = 0;
  const problems: { readonly path: string; readonly cause: string }[] = [];
  const since = Math.min(Math.floor(Date.parse(startedAt) / 1000), head.storageTime ?? Number.POSITIVE_INFINITY);
  const newcomers = await findNewcomers(writes, since, changes, signal);
  for (const write of writes.toReversed()) {
    await giveWay(signal);
    const outcome = await undo(write, newcomers.get(repositoryOf(write)), changes);
    if (outcome === "restored") restored++;
    else if (outcome === "present") present++;
    else problems.push({ path: write.path, cause: outcome.cause });
  }
  return { restored, present, warnings: [], problems };
}

/**
 * By repository, a link that was written since the repair began and is none of its own. By the storage's clock, which the links tell that
 * the repair wrote (but not those of tags, to which it gave no time), or by ours if that was behind: either way rather too much is taken for new than too little.
 */
async function findNewcomers(
  writes: readonly JournalWrite[],
  startedAt: number,
  changes: StorageChanges,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const own = new Map<string, number>(writes.map((write) => [write.path, Number.POSITIVE_INFINITY]));
  const others = new Map<string, StoredObject[]>();
  for (const repository of new Set(writes.map(repositoryOf))) {
    await giveWay(signal);
    const found: StoredObject[] = [];
    others.set(repository, found);
    for (const directory of [MANIFESTS_DIRECTORY, LAYERS_DIRECTORY]) {
      for await (const object of changes.list(`${repositoryPath(repository)}/${directory}`)) {
        if (own.has(object.path)) own.set(object.path, object.modified);
        else found.push(object);
      }
    }
  }
  let since = startedAt;
  for (const write of writes) {
    const modified = own.get(write.path) ?? since;
    // Older than the repair: by a clock that was behind ours, or because the repair did not come to it.
    if (modified !== NO_PUSH && modified < since && stateOf(write, await changes.read(write.path)) === "repaired")
      since = modified;
  }
  const newcomers = new Map<string, string>();
  for (const [repository, objects] of others) {
    for (const { path: object, modified } of objects) {
      if (modified < since || !(await holdsDigest(object, changes))) continue;
      newcomers.set(repository, object);
      break;
    }
  }
  return newcomers;
}

/** Whether a push can have written it: what undoing another repair has left names nothing. */
async function holdsDigest(object: string, changes: StorageChanges): Promise<boolean> {
  return digestIn(await changes.read(object)) !== undefined;
}

function repositoryOf(write: JournalWrite): string {
  return splitRepositoryPath(write.path)?.name ?? "";
}

type Problem = { readonly cause: string };
const CHANGED: Problem = { cause: "somebody has changed it since it was repaired: left as it is" };

/** What has become of a link: as the repair left it, as it was before (undone already, or never written), or neither. */
function stateOf({ before, content }: JournalWrite, now: Uint8Array | undefined): "repaired" | "present" | Problem {
  if (now === undefined) return before === undefined ? "present" : { cause: "it is gone since it was repaired" };
  if (before !== undefined && Buffer.from(before).equals(now)) return "present";
  return Buffer.from(content).equals(now) ? "repaired" : CHANGED;
}

async function undo(
  write: JournalWrite,
  newcomer: string | undefined,
  changes: StorageChanges,
): Promise<"restored" | "present" | Problem> {
  const { path: link, before, content } = write;
  try {
    const state = stateOf(write, await changes.read(link));
    if (state !== "repaired") return state;
    if (newcomer !== undefined)
      return { cause: `left as it is: ${newcomer} was written since the repair, and what it belongs to may need this link` };
    if (before === undefined) return await remove(link, changes);
    return (await changes.replace(link, Buffer.from(content), before)) === "replaced" ? "restored" : CHANGED;
  } catch (error) {
    return { cause: operatorMessage(error) };
  }
}

async function remove(link: string, changes: StorageChanges): Promise<"restored" | Problem> {
  const [outcome] = await changes.remove([link]);
  if (outcome?.status === "failed") return { cause: outcome.cause ?? "it could not be removed" };
  // The directory was made for the link alone.
  await changes.pruneDirectories([path.posix.dirname(link)]);
  return "restored";
}
