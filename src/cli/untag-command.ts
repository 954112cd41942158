import { EXIT_CODES } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { escapeForTerminal } from "../report/escape.js";
import { wrapLines } from "../report/wrap.js";
import type { SweepResult } from "../sweep/execute.js";
import { formatSwept } from "../sweep/format.js";
import { defaultJournalDirectory } from "../journal/journal.js";
import { parseTagReference, untag } from "../untag.js";
import type { Untagged } from "../untag.js";
import { tagPath } from "../registry/layout.js";
import { complainOfLock, endOf } from "./ends.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { StorageArguments } from "./open-storage.js";
import { parseTimeSpan } from "./parse-values.js";
import { undoArguments } from "./undo-arguments.js";
import { writerOptions } from "./sweep-command.js";
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
    const done = await withChanges(opened, args.dryRun, (changes) => untag({ storage, changes }, references, options));
    const { untagged, result } = done;
    const layout = textOptions(process.stdout);
    const lines = untagged.map((one) => escapeForTerminal(sentence(one, outcomeOf(one, result))));
    process.stdout.write(
      wrapLines(lines, layout)
        .map((line) => `${line}\n`)
        .join(""),
    );
    if (result === undefined) return EXIT_CODES.clean;
    process.stdout.write(
      formatSwept({ result }, layout, { hasRedis: opened.config?.redis ?? false, undoArguments: undoArguments(args) }),
    );
    complainOfLock(done);
    return endOf(done, signal) ?? EXIT_CODES.clean;
  } finally {
    await opened.storage.close();
  }
}

/** What is said of a tag by how it went; without a result it is still to go. */
function outcomeOf({ repository, tag, stray }: Untagged, result: SweepResult | undefined) {
  if (result === undefined) {
    const held = stray && `it holds ${stray}`;
    return { going: "would be removed", staying: "would name no manifest any more, but would still be listed", held };
  }
  const held = result.standing.first.find(({ directory }) => directory === tagPath(repository, tag))?.cause;
  const going = result.stopped === undefined ? "is removed" : "was to be removed";
  return { going, staying: "names no manifest any more, but is still listed", held };
}

/** What has become of a tag and its manifest, which need not be there. */
function sentence(
  { repository, tag, digest, isLinked, otherTags, parents }: Untagged,
  { going, staying, held }: { readonly going: string; readonly staying: string; readonly held: string | undefined },
): string {
  const name = `${repository}:${tag} ${held === undefined ? going : `${staying}, for its directory stays: ${held}`}`;
  if (digest === undefined) return `${name}; it named no manifest`;
  if (!isLinked) return `${name}; the repository has no ${digest} any more`;
  if (otherTags.length > 0) return `${name}; ${digest} still has the tags ${otherTags.join(", ")}`;
  if (parents.length > 0) return `${name}; ${digest} is still part of ${parents.join(", ")}`;
  return `${name}; ${digest} has no other tag: it can be pulled by digest until a sweep with --delete-untagged`;
}
