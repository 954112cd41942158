#!/usr/bin/env node
import yargs from "yargs";
import { hideBin } from "yargs/helpers";
import { errorMessage, EXIT_CODES, OperatorError, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { showUrl } from "../show-url.js";
import { COMMAND_LINE, COMMANDS, declareCheck } from "./commands.js";
import type { CommandContext } from "./commands.js";
import { complain } from "./complain.js";
import { compileLess } from "./compiler.js";
import { complete } from "./completion.js";
import { ensureHome } from "./home.js";
import { GLOBAL_OPTIONS, YARGS_OPTIONS } from "./options.js";
import { listenForSignals } from "./signals.js";
import { TOOL } from "./tool.js";
import { readWords } from "./words.js";

/** Parses the command line and runs the command it names. */
async function main(signal: AbortSignal): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODES.clean;
  const words = wordsOf(hideBin(process.argv));
  const context: CommandContext = { signal, done: (code) => (exitCode = code) };
  const cli = yargs(words).scriptName(TOOL.name).locale("en").parserConfiguration(PARSER);
  for (const declare of [declareCheck, ...Object.values(COMMANDS)]) declare(cli, context);
  await cli
    .usage("$0 [storage]\n\nChecks the storage of a container registry. Never writes to it, except to sweep.")
    .completion("completion", "print a script for completion in bash or zsh: source <(regcheck completion)", complete)
    .example("$0 /var/lib/registry", "what is broken, what is garbage, how many bytes")
    .example("$0 s3://bucket --endpoint https://s3.example.com", "the same on S3")
    .example("kubectl get pods -A -o json | $0 --delete-untagged --keep -", "what runs in a cluster is no garbage")
    .example("$0 --config /etc/distribution/config.yml --format json", "the same for programs")
    .epilogue(
      "Exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage, 3 scan incomplete, 4 sweep refused, 5 sweep stopped half-way, 70 internal error, 129, 130 and 143 stopped by a signal.",
    )
    .options(GLOBAL_OPTIONS)
    .strict()
    .version(TOOL.version)
    .alias({ help: YARGS_OPTIONS.help.alias, version: YARGS_OPTIONS.version.alias })
    .check(refuseEmpty)
    .check(refuseStorageForOther)
    .fail((message, error) => {
      // What yargs itself dislikes comes as an error of its own kind, or as none.
      if (error instanceof Error && error.name !== "YError") throw error;
      throw new UsageError(withHint(oneLine(message), words));
    })
    .parseAsync();
  return exitCode;
}

/** Names mean what they spell, and values what they say: see `readWords`. */
const PARSER = {
  "boolean-negation": false,
  "dot-notation": false,
  "parse-numbers": false,
  "parse-positional-numbers": false,
} as const;

/** The command line as yargs gets it. What a shell asks for completion is no command line yet. */
function wordsOf(words: readonly string[]): string[] {
  if (words[0] === "--get-yargs-completions") return [...words];
  try {
    return readWords(words, COMMAND_LINE);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(withHint(error.message, words), { cause: error }) : error;
  }
}

/** As of `regcheck "$STORAGE"` where the variable is not set: an empty path is the current directory to some, and nothing to others. */
function refuseEmpty(args: Readonly<Record<string, unknown>>): true {
  const name = Object.keys(args).find((key) => [args[key]].flat().includes(""));
  if (name !== undefined) throw new UsageError(`${POSITIONALS.has(name) ? `the ${name}` : `--${name}`} is empty`);
  return true;
}

/** Names of what commands take without an option. */
const POSITIONALS: ReadonlySet<string> = new Set(["storage", "run", "reference", "tag", "code", "out"]);

/** What says that a word is a storage, not a reference, tag, code or run. */
const STORAGE = /^(?:\.{0,2}\/|s3:\/\/)/i;

/** As of `regcheck untag /var/lib/registry team/app:1`: only the check, and an untag by a policy file, take the storage without its option. */
function refuseStorageForOther(args: Readonly<Record<string, unknown>>): true {
  const others = args["policy"] === undefined ? ["tag"] : [];
  const words = ["reference", ...others, "code", "run"].flatMap((name) => args[name]);
  const storage = words.filter((word) => typeof word === "string").find((word) => STORAGE.test(word));
  if (storage !== undefined) throw new UsageError(`${showUrl(storage)}: ${STORAGE_HINT}`);
  return true;
}

const STORAGE_HINT = "a command other than the check takes the storage as --storage DIRECTORY or --storage s3://BUCKET";

/** Where to read on, for what the command line has too much or too little of. */
function withHint(message: string, words: readonly string[]): string {
  const command = words.find((word) => Object.hasOwn(COMMANDS, word));
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(", ") ?? [];
  // An unknown option is named without its dashes: a word that stands there as it is was one too many.
  const isWord = command !== undefined && unknown.some((word) => words.includes(word));
  const hint = isWord ? `: ${STORAGE_HINT}` : "";
  return `${message}${hint} (regcheck ${command === undefined ? "" : `${command} `}--help lists what there is)`;
}

/** yargs names an unknown option twice, as it was written and in camel case, and spreads a bad choice over lines. */
function oneLine(message: string): string {
  return message
    .replace(/^Unknown arguments: ([a-z]+(?:-[a-z]+)+), \w+$/, "Unknown argument: $1")
    .replace(/^Invalid values:\n/, "")
    .replace(/^ {2}Argument: (.*), Given: "?(.*?)"?, Choices: (.*)$/gm, "--$1 $2: expected one of $3")
    .replaceAll("\n", "; ");
}

function report(error: unknown): ExitCode {
  const isExpected = error instanceof OperatorError;
  complain(errorMessage(error));
  if (process.argv.includes("--debug") && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
  else if (!isExpected) complain("this is a bug in regcheck: please report it with the output of --debug");
  return isExpected ? error.exitCode : EXIT_CODES.internal;
}

/**
 * What cannot be written has an exit code of its own, whatever the command came to. A reader that goes away (`| head`) has read what it
 * wants; and where stderr fails, the exit code must say all.
 */
function listenForWriteErrors(): void {
  process.stderr.on("error", () => {});
  let isTold = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || isTold) return;
    isTold = true;
    // The command may have come to its end before.
    process.exitCode = report(new UsageError(`writing to stdout failed: ${error.message}`));
  });
}

/**
 * Ends the process once all is written: after a signal, whatever is left under way (a connection, a timer, a thread) was given up, and must
 * not keep it.
 */
async function exit(): Promise<void> {
  // Of a terminal that has gone, the signal has told.
  process.stdout.removeAllListeners("error").on("error", () => {});
  for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write("", resolve));
  process.exit();
}

listenForWriteErrors();
ensureHome();
compileLess();
const signal = listenForSignals();
const exitCode = await main(signal).catch(report);
process.exitCode ??= exitCode;
if (signal.aborted) await exit();
