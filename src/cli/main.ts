#!/usr/bin/env node
import yargs from "yargs";
import { hideBin } from "yargs/helpers";
import { errorMessage, EXIT_CODES, OperatorError, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { escapeForTerminal } from "../report/escape.js";
import { POLICY_OPTIONS, REPORT_OPTIONS, STORAGE_OPTIONS } from "./options.js";
import { listenForSignals } from "./signals.js";
import { TOOL } from "./tool.js";

/** Parses the command line and runs the command it names. */
async function main(): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODES.clean;
  const signal = listenForSignals();
  await yargs(hideBin(process.argv))
    .scriptName(TOOL.name)
    .usage("$0 [storage]\n\nChecks the storage of a container registry. Never writes to it.")
    .command(
      "$0 [storage]",
      "check a registry's storage",
      (command) =>
        command
          .positional("storage", {
            type: "string",
            describe: "The registry's rootdirectory, such as /var/lib/registry, or s3://bucket/rootdirectory",
          })
          .options({ ...STORAGE_OPTIONS, ...POLICY_OPTIONS, ...REPORT_OPTIONS }),
      async (args) => {
        const { runCheck } = await import("./check-command.js");
        exitCode = await runCheck(args, signal);
      },
    )
    .example("$0 /var/lib/registry", "what is broken, what is garbage, how many bytes")
    .example("$0 s3://bucket --endpoint https://s3.example.com", "the same on S3")
    .example("$0 --config /etc/distribution/config.yml --format json", "the same for programs")
    .epilogue(
      "Exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage, 3 scan incomplete, 70 internal error, 130 and 143 stopped by a signal.",
    )
    .strict()
    .version(TOOL.version)
    .parserConfiguration({ "duplicate-arguments-array": false })
    .fail((message, error) => {
      throw error ?? new UsageError(`${oneSpelling(message)} (regcheck --help lists what there is)`);
    })
    .parseAsync();
  return exitCode;
}

/** yargs names an unknown option twice, as it was written and in camel case. */
function oneSpelling(message: string): string {
  return message.replace(/^Unknown arguments: ([a-z]+(?:-[a-z]+)+), \w+$/, "Unknown argument: $1");
}

function report(error: unknown): ExitCode {
  const isExpected = error instanceof OperatorError;
  process.stderr.write(`regcheck: ${escapeForTerminal(errorMessage(error))}\n`);
  if (process.argv.includes("--debug") && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
  else if (!isExpected)
    process.stderr.write("regcheck: this is a bug in regcheck: please report it with the output of --debug\n");
  return isExpected ? error.exitCode : EXIT_CODES.internal;
}

process.exitCode = await main().catch(report);
