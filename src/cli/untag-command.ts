import { EXIT_CODES } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { escapeForTerminal } from "../report/escape.js";
import { wrapLines } from "../report/wrap.js";
import { formatSwept } from "../sweep/format.js";
import { defaultJournalDirectory } from "../journal/journal.js";
import { parseTagReference, untag } from "../untag.js";
import type { Untagged } from "../untag.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { StorageArguments } from "./open-storage.js";
import { parseTimeSpan } from "./parse-values.js";
import { undoArguments } from "./undo-arguments.js";
import { stoppedExitCode, writerOptions } from "./sweep-command.js";
import type { WriterArguments } from "./sweep-command.js";
import { textOptions } from "./write-report.js";

/** The command line of `regcheck untag`, parsed. */
export interface UntagArguments extends StorageArguments, WriterArguments {
  readonly tag: readonly string[];
  readonly dryRun: boolean;
  readonly grace: string;
}

/** Removes tags and says what becomes of their manifests. */
export async function runUntag(args: UntagArguments, signal: AbortSignal): Promise<ExitCode> {
  const references = [...new Set(args.tag)].map(parseTagReference);
  const opened = await openStorage(args);
  try {
    const options = {
      writers: writerOptions(args, opened),
      owners: opened.owners,
      grace: parseTimeSpan("grace", args.grace),
      quarantine: args.quarantine,
      journalDirectory: args.journalDir ?? defaultJournalDirectory(),
      dryRun: args.dryRun,
      signal,
    };
    const { storage } = opened;
    const { untagged, result } = await withChanges(opened, (changes) => untag({ storage, changes }, references, options));
    const layout = textOptions(process.stdout);
    const lines = untagged.map((one) => escapeForTerminal(sentence(one, args.dryRun)));
    process.stdout.write(
      wrapLines(lines, layout)
        .map((line) => `${line}\n`)
        .join(""),
    );
    if (result === undefined) return EXIT_CODES.clean;
    process.stdout.write(
      formatSwept({ result }, layout, { hasRedis: opened.config?.redis ?? false, undoArguments: undoArguments(args) }),
    );
    return result.stopped === undefined ? EXIT_CODES.clean : stoppedExitCode(signal);
  } finally {
    await opened.storage.close();
  }
}

/** What has become of a tag's manifest, which need not be there. */
function sentence({ repository, tag, digest, isLinked, otherTags, parents }: Untagged, dryRun: boolean): string {
  const name = `${repository}:${tag}${dryRun ? " would be removed" : " is removed"}`;
  if (digest === undefined) return `${name}; it named no manifest`;
  if (!isLinked) return `${name}; the repository has no ${digest} any more`;
  if (otherTags.length > 0) return `${name}; ${digest} still has the tags ${otherTags.join(", ")}`;
  if (parents.length > 0) return `${name}; ${digest} is still part of ${parents.join(", ")}`;
  return `${name}; ${digest} has no other tag: it can be pulled by digest until a sweep with --delete-untagged`;
}
