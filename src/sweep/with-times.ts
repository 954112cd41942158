import type { JournalEntry, JournalHead } from "../journal/journal.js";
import type { StorageChanges } from "../storage/changes.js";

/**
 * What is about to go, with the time of its last change where `restore` writes it again and can give it that: what an untag deletes from a
 * filesystem. A policy goes by the age of tags.
 */
export async function withTimes(
  entries: readonly JournalEntry[],
  { changes, head }: { readonly changes: StorageChanges; readonly head: JournalHead },
): Promise<readonly JournalEntry[]> {
  if (head.work !== "untag" || head.mode !== "delete" || changes.isRemote) return entries;
  return Promise.all(entries.map(async (entry) => ({ ...entry, modified: (await changes.stat(entry.path))?.modified })));
}
