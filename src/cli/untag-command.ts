import { EXIT_CODES, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { escapeForTerminal } from "../report/escape.js";
import { countOf } from "../report/format.js";
import { wrapLines } from "../report/wrap.js";
import type { TextOptions } from "../report/wrap.js";
import type { SweepResult } from "../sweep/execute.js";
import { formatSwept } from "../sweep/format.js";
import { journalDirectoryOf } from "./journal-directory.js";
import { parseTagReference, rehearseUntag, untag } from "../untag.js";
import type { NamedUntag, TagReference, Untagged } from "../untag.js";
import { tagPath } from "../registry/layout.js";
import { expandTagGlobs, isTagGlob } from "../untag/tag-globs.js";
import { untilAborted } from "../until-aborted.js";
import { formatRules } from "../guard/format.js";
import type { Verdict } from "../guard/guard.js";
import type { Locked } from "../guard/lock.js";
import { complainOfLock, endOf, refusalEnd } from "./ends.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { StorageArguments } from "./open-storage.js";
import { parseTimeSpan } from "./parse-values.js";
import { undoArguments } from "./undo-arguments.js";
import { writerOptions } from "./sweep-command.js";
import type { WriterArguments } from "./sweep-command.js";
import { textOptions, writeChange, writeToStdout } from "./write-report.js";

/** The command line of `regcheck untag`, parsed. */
export interface UntagArguments extends StorageArguments, WriterArguments {
  /** `repository:tag`, or globs. */
  readonly tag: readonly string[];
  readonly apply: boolean;
  readonly format: "text" | "json" | "ndjson";
  readonly quiet: boolean;
  readonly dryRun: boolean;
  readonly grace: string;
}

/** Removes tags and says what becomes of their manifests. */
export async function runUntag(args: UntagArguments, signal: AbortSignal): Promise<ExitCode> {
  if (args.format === "ndjson") throw new UsageError("--format ndjson goes with --policy");
  const words = [...new Set(args.tag)];
  const globs = words.filter(isTagGlob);
  const named = words.filter((word) => !isTagGlob(word)).map(parseTagReference);
  // Nobody knows what a glob takes before it is shown.
  const dryRun = args.dryRun || (globs.length > 0 && !args.apply);
  const opened = await openStorage(args, signal);
  try {
    const options = {
      writers: writerOptions(args, opened),
      owners: opened.owners,
      grace: parseTimeSpan("grace", args.grace),
      quarantine: args.quarantine,
      journalDirectory: journalDirectoryOf(args),
      signal,
    };
    const { storage } = opened;
    const matched = globs.length === 0 ? [] : await untilAborted(expandTagGlobs(storage, globs), signal);
    const references = [...named, ...matched.filter((one) => !named.some((other) => isSame(one, other)))];
    const done = await withChanges(opened, dryRun, async (changes): Promise<ShownUntag> => {
      const target = { storage, changes };
      if (!dryRun) return { ...(await untag(target, references, options)), refusal: undefined };
      const planned = await untilAborted(rehearseUntag(target, references, options), signal);
      return { ...planned, result: undefined, lockLeft: undefined };
    });
    // Without --dry-run, what a glob takes is shown before anybody has said who writes.
    const exitCode = (args.dryRun ? refusalEnd(done) : endOf(done, signal)) ?? EXIT_CODES.clean;
    if (args.quiet && !dryRun && exitCode === EXIT_CODES.clean) return exitCode;
    const context = { hasRedis: opened.config?.redis ?? false, undoArguments: undoArguments(args, opened) };
    const text =
      args.format === "json"
        ? `${JSON.stringify(jsonOf(done, dryRun, exitCode), undefined, 2)}\n`
        : textOf(done, { ...textOptions(process.stdout), isGlob: globs.length > 0, dryRun }, context);
    if (dryRun) await writeToStdout([text]);
    else await writeChange(() => [text]);
    complainOfLock(done);
    return exitCode;
  } finally {
    await opened.storage.close();
  }
}

/** What is shown of an untag that was done, or only rehearsed. */
interface ShownUntag extends NamedUntag, Locked<SweepResult | undefined> {
  readonly refusal: Verdict | undefined;
}

function jsonOf({ untagged, verdicts, refusal, result, lockLeft }: ShownUntag, dryRun: boolean, exitCode: ExitCode): object {
  return { dryRun, tags: untagged, verdicts, refusedBy: refusal?.rule, exitCode, lockLeft, sweep: result };
}

function textOf(
  { untagged, verdicts, refusal, result }: ShownUntag,
  options: TextOptions & { readonly isGlob: boolean; readonly dryRun: boolean },
  context: Parameters<typeof formatSwept>[2],
): string {
  const lastNamed = new Map(untagged.filter(isLastName).map((one) => [`${one.repository}@${one.digest}`, one]));
  const lines = untagged.map((one) => {
    const parents = one.parents.map((digest) => ({ digest, lastNamed: lastNamed.get(`${one.repository}@${digest}`) }));
    const stay = parents.filter((parent) => parent.lastNamed === undefined).map(({ digest }) => digest);
    const subjects = [one, ...parents.map((parent) => parent.lastNamed)].flatMap((some) => some?.subject ?? []);
    return escapeForTerminal(sentence(one, { stay, subjects: [...new Set(subjects)] }, outcomeOf(one, result)));
  });
  if (options.isGlob && result === undefined)
    lines.push("", `${countOf(untagged.length, "tag")} would be removed (nothing was changed); --apply removes them.`);
  if (options.dryRun)
    lines.push("", ...formatRules({ work: "untag", verdicts, refusal, later: ["can-be-recorded"] }, options.colour));
  const tags = wrapLines(lines, options).map((line) => `${line}\n`);
  return tags.join("") + (result === undefined ? "" : formatSwept({ result }, options, context));
}

function isSame(one: TagReference, other: TagReference): boolean {
  return one.repository === other.repository && one.tag === other.tag;
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

/** Whether nothing has the manifest of a removed tag any more. */
function isLastName({ isLinked, otherTags, parents }: Untagged): boolean {
  return isLinked && otherTags.length === 0 && parents.length === 0;
}

/**
 * What has become of a tag and its manifest, which need not be there; `stay` are those of its indexes that do not lose their last tags with it,
 * `subjects` what the manifest and its other indexes are about.
 */
function sentence(
  { repository, tag, digest, isDamaged, isLinked, otherTags, parents }: Untagged,
  { stay, subjects }: { readonly stay: readonly string[]; readonly subjects: readonly string[] },
  { going, staying, held }: { readonly going: string; readonly staying: string; readonly held: string | undefined },
): string {
  const name = `${repository}:${tag} ${held === undefined ? going : `${staying}, for its directory stays: ${held}`}`;
  if (isDamaged) return `${name}; its link is damaged, so what it named cannot be told`;
  if (digest === undefined) return `${name}; it named no manifest`;
  if (!isLinked) return `${name}; the repository has no ${digest} any more`;
  if (otherTags.length > 0) return `${name}; ${digest} still has the tags ${otherTags.join(", ")}`;
  if (stay.length > 0) return `${name}; ${digest} is still part of ${stay.join(", ")}`;
  const until = `it can be pulled by digest until a sweep with --delete-untagged${keptBy(subjects)}`;
  if (parents.length === 0) return `${name}; ${digest} has no other tag: ${until}`;
  return `${name}; ${digest} is part of ${parents.join(", ")}, which then ${parents.length === 1 ? "has" : "have"} no tag either: ${until}`;
}

/** Which sweeps leave what is about these. */
function keptBy(subjects: readonly string[]): string {
  if (subjects.length === 0) return "";
  return ` that ${subjects.length === 1 ? "does not keep the subject" : "keeps none of the subjects"} ${subjects.join(", ")}`;
}
