import { defaultJournalDirectory } from "../journal/journal.js";

/** Where the journals of a command are: by `--journal-dir`, or where they are without. */
export function journalDirectoryOf({ journalDir }: { readonly journalDir?: string | undefined }): string {
  return journalDir ?? defaultJournalDirectory();
}
