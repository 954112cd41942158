import path from "node:path";
import type { OpenedStorage, StorageArguments } from "./open-storage.js";

type Named = StorageArguments & { readonly journalDir: string | undefined };

/**
 * What `regcheck restore RUN` and `purge RUN` have to be given besides the run, so that they find its journal and its storage from any
 * directory, as words of a shell with a blank before them. A directory stands in the journal; a bucket needs its endpoint and credentials
 * again. A config has these, and says where its registry answers, though nobody has named it: the two do not look in its usual place.
 */
export function undoArguments(args: Named, { configFile }: Pick<OpenedStorage, "configFile">): string {
  return wordsOf({ ...args, storage: undefined, config: configFile });
}

/** What names the storage again, in the same form. */
export function storageArguments(args: StorageArguments): string {
  return wordsOf({ ...args, journalDir: undefined });
}

function wordsOf(args: Named): string {
  const { storage, config, endpoint, region, forcePathStyle, journalDir } = args;
  const named = { storage, config: resolved(config), endpoint, region, "journal-dir": resolved(journalDir) };
  const words = Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, quote(value)]));
  if (forcePathStyle === true) words.push("--force-path-style");
  return words.map((word) => ` ${word}`).join("");
}

function resolved(file: string | undefined): string | undefined {
  return file === undefined ? undefined : path.resolve(file);
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
