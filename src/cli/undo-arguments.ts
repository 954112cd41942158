import type { StorageArguments } from "./open-storage.js";

/**
 * What `regcheck restore RUN` and `purge RUN` have to be given besides the run, so that they find its journal and its storage, as words of
 * a shell with a blank before them. A directory stands in the journal; a bucket needs its endpoint and credentials again.
 */
export function undoArguments(args: StorageArguments & { readonly journalDir: string | undefined }): string {
  return wordsOf({ ...args, storage: undefined });
}

/** What names the storage again, in the same form. */
export function storageArguments(args: StorageArguments): string {
  return wordsOf({ ...args, journalDir: undefined });
}

function wordsOf(args: StorageArguments & { readonly journalDir: string | undefined }): string {
  const { storage, config, endpoint, region, forcePathStyle, journalDir } = args;
  const named = { storage, config, endpoint, region, "journal-dir": journalDir };
  const words = Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, quote(value)]));
  if (forcePathStyle === true) words.push("--force-path-style");
  return words.map((word) => ` ${word}`).join("");
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
