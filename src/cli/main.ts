#!/usr/bin/env node
import yargs from "yargs";
import { hideBin } from "yargs/helpers";
import { errorMessage, EXIT_CODES, OperatorError, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { escapeForTerminal } from "../report/escape.js";
import { REPAIR_CODES } from "../repair/codes.js";
import { complete } from "./completion.js";
import {
  CODES_FORMAT_OPTION,
  DRY_RUN_OPTION,
  EXPLAIN_OPTIONS,
  GLOBAL_OPTIONS,
  POLICY_OPTIONS,
  PURGE_OPTIONS,
  REPAIR_OPTIONS,
  REPORT_OPTIONS,
  RESTORE_OPTIONS,
  STORAGE_OPTION,
  STORAGE_OPTIONS,
  SWEEP_OPTIONS,
  UNDO_OPTIONS,
  VERIFY_OPTIONS,
  WRITER_OPTIONS,
} from "./options.js";
import { spellOutVerify } from "./parse-values.js";
import { listenForSignals } from "./signals.js";
import { TOOL } from "./tool.js";

/** Parses the command line and runs the command it names. */
async function main(): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODES.clean;
  const signal = listenForSignals();
  await yargs(spellOutVerify(hideBin(process.argv)))
    .scriptName(TOOL.name)
    .usage("$0 [storage]\n\nChecks the storage of a container registry. Never writes to it, except to sweep.")
    .command(
      "$0 [storage]",
      "check a registry's storage",
      (command) =>
        command
          .positional("storage", {
            type: "string",
            describe: "The registry's rootdirectory, such as /var/lib/registry, or s3://bucket/rootdirectory",
          })
          .options({ ...STORAGE_OPTIONS, ...POLICY_OPTIONS, ...VERIFY_OPTIONS, ...REPORT_OPTIONS, ...SWEEP_OPTIONS }),
      async (args) => {
        if (args.sweep || args.dryRun) {
          const { runSweep } = await import("./sweep-command.js");
          exitCode = await runSweep(args, signal);
        } else {
          refuseSweepOptions(args);
          const { runCheck } = await import("./check-command.js");
          exitCode = await runCheck(args, signal);
        }
      },
    )
    .command(
      "explain <reference>",
      "say why something is alive, garbage or missing",
      (command) =>
        command
          .positional("reference", {
            type: "string",
            demandOption: true,
            describe: "repository:tag, repository@digest, or a digest or its first 6 hex or more",
          })
          .options({ storage: STORAGE_OPTION, ...STORAGE_OPTIONS, ...POLICY_OPTIONS, ...EXPLAIN_OPTIONS }),
      async (args) => {
        const { runExplain } = await import("./explain-command.js");
        exitCode = await runExplain(args, signal);
      },
    )
    .command(
      "untag <tag..>",
      "remove tags and nothing else; their manifests stay",
      (command) =>
        command
          .positional("tag", { type: "string", array: true, demandOption: true, describe: "repository:tag" })
          .options({ storage: STORAGE_OPTION, ...STORAGE_OPTIONS, ...WRITER_OPTIONS, "dry-run": DRY_RUN_OPTION }),
      async (args) => {
        const { runUntag } = await import("./untag-command.js");
        exitCode = await runUntag(args, signal);
      },
    )
    .command(
      "repair <code..>",
      "rewrite links whose content the storage proves; shows what it would do, unless --apply is given",
      (command) =>
        command
          .positional("code", {
            type: "string",
            array: true,
            demandOption: true,
            describe: `Findings to repair: ${REPAIR_CODES.join(", ")}`,
          })
          .options({ storage: STORAGE_OPTION, ...STORAGE_OPTIONS, ...REPAIR_OPTIONS }),
      async (args) => {
        const { runRepair } = await import("./repair-command.js");
        exitCode = await runRepair(args, signal);
      },
    )
    .command(
      "restore <run>",
      "put back what a sweep with --quarantine has moved, or undo a repair",
      (command) =>
        command
          .positional("run", { type: "string", describe: "The run, as the sweep has named it" })
          .options({ storage: STORAGE_OPTION, ...STORAGE_OPTIONS, ...UNDO_OPTIONS, ...RESTORE_OPTIONS }),
      async (args) => {
        const { runRestore } = await import("./undo-command.js");
        exitCode = await runRestore(args, signal);
      },
    )
    .command(
      "purge [run]",
      "free the space of a quarantine for good",
      (command) =>
        command.positional("run", { type: "string", describe: "The run, as the sweep has named it" }).options({
          storage: STORAGE_OPTION,
          ...STORAGE_OPTIONS,
          ...UNDO_OPTIONS,
          ...PURGE_OPTIONS,
        }),
      async (args) => {
        const { runPurge } = await import("./undo-command.js");
        exitCode = await runPurge(args, signal);
      },
    )
    .command(
      "codes",
      "list the codes of findings, with what they mean and what to do",
      (command) => command.options({ format: CODES_FORMAT_OPTION }),
      async ({ format }) => {
        const { runCodes } = await import("./codes-command.js");
        await runCodes(format);
      },
    )
    .completion("completion", "print a script for completion in bash or zsh: source <(regcheck completion)", complete)
    .example("$0 /var/lib/registry", "what is broken, what is garbage, how many bytes")
    .example("$0 s3://bucket --endpoint https://s3.example.com", "the same on S3")
    .example("kubectl get pods -A -o json | $0 --delete-untagged --keep -", "what runs in a cluster is no garbage")
    .example("$0 --config /etc/distribution/config.yml --format json", "the same for programs")
    .epilogue(
      "Exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage, 3 scan incomplete, 4 sweep refused, 5 sweep stopped half-way, 70 internal error, 130 and 143 stopped by a signal.",
    )
    .options(GLOBAL_OPTIONS)
    .strict()
    .version(TOOL.version)
    .check(refuseTwice)
    .check(refuseEmpty)
    .fail((message, error) => {
      // What yargs itself dislikes comes as an error of its own kind, or as none.
      if (error instanceof Error && error.name !== "YError") throw error;
      throw new UsageError(`${oneLine(message)} (regcheck --help lists what there is)`);
    })
    .parseAsync();
  return exitCode;
}

/** What may be given more than once; yargs has each name in both spellings. */
const MANY: ReadonlySet<string> = new Set(["_", "code", "keep", "registry-url", "registryUrl", "tag"]);

/** yargs makes a list of an option that is given twice: which of them was meant, nobody can tell. */
function refuseTwice(args: Readonly<Record<string, unknown>>): true {
  for (const [name, value] of Object.entries(args))
    if (Array.isArray(value) && !MANY.has(name)) throw new UsageError(`--${name} is given twice: give it once`);
  return true;
}

/** As of `regcheck "$STORAGE"` where the variable is not set: an empty path is the current directory to some, and nothing to others. */
function refuseEmpty(args: Readonly<Record<string, unknown>>): true {
  const name = Object.keys(args).find((key) => args[key] === "");
  if (name !== undefined) throw new UsageError(`${name === "storage" || name === "run" ? `the ${name}` : `--${name}`} is empty`);
  return true;
}

/** Options that do nothing without a sweep: whoever gives them expects one. */
function refuseSweepOptions(args: Readonly<Record<string, unknown>>): void {
  const given = Object.entries(SWEEP_OPTIONS).find(([name, option]) => {
    const value = args[name];
    return value !== undefined && value !== ("default" in option ? option.default : undefined);
  });
  if (given !== undefined) throw new UsageError(`--${given[0]} goes with --sweep or --dry-run`);
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
  process.stderr.write(`regcheck: ${escapeForTerminal(errorMessage(error))}\n`);
  if (process.argv.includes("--debug") && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
  else if (!isExpected)
    process.stderr.write("regcheck: this is a bug in regcheck: please report it with the output of --debug\n");
  return isExpected ? error.exitCode : EXIT_CODES.internal;
}

/**
 * What cannot be written has an exit code of its own, whatever the command came to. A reader that goes away (`| head`) has read what it
 * wants; and where stderr fails, the exit code must say all.
 */
function listenForWriteErrors(): void {
  process.stderr.on("error", () => {});
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") process.exitCode ??= report(new UsageError(`writing to stdout failed: ${error.message}`));
  });
}

listenForWriteErrors();
const exitCode = await main().catch(report);
process.exitCode ??= exitCode;
