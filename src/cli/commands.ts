import type { Argv, Options } from "yargs";
import { UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { REPAIR_CODES } from "../repair/codes.js";
import {
  DRY_RUN_OPTION,
  POLICY_UNTAG_OPTIONS,
  PURGE_OPTIONS,
  REPAIR_OPTIONS,
  RESTORE_OPTIONS,
  RUNS_OPTIONS,
  SWEEP_OPTIONS,
  UNDO_OPTIONS,
  UNLOCK_OPTIONS,
  WRITER_OPTIONS,
} from "./change-options.js";
import {
  CODES_OPTIONS,
  EXPLAIN_OPTIONS,
  EXPORT_OPTIONS,
  GLOBAL_OPTIONS,
  INVENTORY_OPTIONS,
  MANIFESTS_OPTIONS,
  POLICY_OPTIONS,
  UPLOAD_OPTIONS,
  REPEATABLE_OPTIONS,
  REPORT_OPTIONS,
  RETENTION_OPTIONS,
  STORAGE_OPTION,
  STORAGE_OPTIONS,
  VERIFY_OPTIONS,
  YARGS_OPTIONS,
} from "./options.js";
import { tellingFailure } from "./failed-run.js";
import { isTagGlob } from "../untag/tag-globs.js";
import type { CommandLine } from "./words.js";

/** What a command is run with, besides its arguments. */
export interface CommandContext {
  readonly signal: AbortSignal;
  /** Takes what the command came to. */
  readonly done: (exitCode: ExitCode) => void;
}

/** Declares a command. What it does is loaded when it is run. */
type Declare = (cli: Argv, context: CommandContext) => Argv;

/** All options of the check, and of the sweep that follows one. */
export const CHECK_OPTIONS = {
  ...STORAGE_OPTIONS,
  ...INVENTORY_OPTIONS,
  ...POLICY_OPTIONS,
  ...UPLOAD_OPTIONS,
  ...RETENTION_OPTIONS,
  ...VERIFY_OPTIONS,
  ...REPORT_OPTIONS,
  ...SWEEP_OPTIONS,
} as const satisfies Record<string, Options>;

/** Where the storage is, for the commands whose own words are no storage. */
const NAMED_STORAGE_OPTIONS = { storage: STORAGE_OPTION, ...STORAGE_OPTIONS } as const satisfies Record<string, Options>;

/** The options of each command. */
export const OPTIONS_OF = {
  check: CHECK_OPTIONS,
  explain: { ...NAMED_STORAGE_OPTIONS, ...POLICY_OPTIONS, ...RETENTION_OPTIONS, ...EXPLAIN_OPTIONS },
  export: { ...STORAGE_OPTIONS, ...INVENTORY_OPTIONS, ...POLICY_OPTIONS, ...EXPORT_OPTIONS },
  manifests: { ...STORAGE_OPTIONS, ...MANIFESTS_OPTIONS },
  untag: {
    ...NAMED_STORAGE_OPTIONS,
    ...WRITER_OPTIONS,
    grace: POLICY_OPTIONS.grace,
    "dry-run": DRY_RUN_OPTION,
    ...POLICY_UNTAG_OPTIONS,
  },
  repair: { ...NAMED_STORAGE_OPTIONS, ...REPAIR_OPTIONS },
  restore: { ...NAMED_STORAGE_OPTIONS, ...UNDO_OPTIONS, ...RESTORE_OPTIONS },
  purge: { ...NAMED_STORAGE_OPTIONS, ...UNDO_OPTIONS, ...PURGE_OPTIONS },
  runs: { ...STORAGE_OPTIONS, ...RUNS_OPTIONS },
  unlock: { ...STORAGE_OPTIONS, ...UNLOCK_OPTIONS },
  codes: CODES_OPTIONS,
} as const satisfies Record<string, Record<string, Options>>;

const STORAGE = {
  type: "string",
  describe: "The registry's rootdirectory, such as /var/lib/registry, or s3://bucket/rootdirectory",
} as const;

const RUN = { type: "string", describe: "The run, as the sweep has named it" } as const;

/** The check, which is what is done without the name of a command; and the sweep, which is a check first. */
export const declareCheck: Declare = (cli, { signal, done }) =>
  cli.command(
    "$0 [storage]",
    "check a registry's storage",
    (command) => command.positional("storage", STORAGE).options(OPTIONS_OF.check),
    (args) =>
      tellingFailure(args, async () => {
        if (args.sweep || args.dryRun) {
          if (args.policy !== undefined)
            throw new UsageError(
              "a sweep removes no tags: run regcheck untag --policy FILE --apply first, then sweep without --policy",
            );
          const { runSweep } = await import("./sweep-command.js");
          done(await runSweep(args, signal));
        } else {
          refuseSweepOptions(args);
          const { runCheck } = await import("./check-command.js");
          done(await runCheck(args, signal));
        }
      }),
  );

const declareExplain: Declare = (cli, { signal, done }) =>
  cli.command(
    "explain <reference>",
    "say why something is alive, garbage or missing",
    (command) =>
      command
        .positional("reference", {
          type: "string",
          demandOption: true,
          describe: "repository:tag, repository@digest, or a digest or its first 6 hex or more",
        })
        .options(OPTIONS_OF.explain),
    async (args) => {
      const { runExplain } = await import("./explain-command.js");
      done(await runExplain(args, signal));
    },
  );

const declareExport: Declare = (cli, { signal, done }) =>
  cli.command(
    "export <out> [storage]",
    "write the registry's state as Parquet tables, for DuckDB, Spark, Trino or Athena",
    (command) =>
      command
        .positional("out", { type: "string", demandOption: true, describe: "A new folder for the tables" })
        .positional("storage", STORAGE)
        .options(OPTIONS_OF.export),
    async (args) => {
      const { runExport } = await import("./export-command.js");
      done(await runExport(args, signal));
    },
  );

const declareManifests: Declare = (cli, { signal, done }) =>
  cli.command(
    "manifests [storage]",
    "read a bucket's manifests into the cache of later checks, in parts, by several processes or machines",
    (command) => command.positional("storage", STORAGE).options(OPTIONS_OF.manifests),
    async (args) => {
      const { runManifests } = await import("./manifests-command.js");
      done(await runManifests(args, signal));
    },
  );

const declareUntag: Declare = (cli, { signal, done }) =>
  cli.command(
    "untag [tag..]",
    "remove tags and nothing else; their manifests stay; by a glob, or with --policy [storage] by a policy file, show which would go",
    (command) =>
      command
        .positional("tag", {
          type: "string",
          array: true,
          describe: "repository:tag, or a glob of it; with --policy, the storage",
        })
        .options(OPTIONS_OF.untag),
    async ({ tag = [], policy, ...args }) => {
      if (policy !== undefined) {
        const { runPolicyUntag } = await import("./policy-untag-command.js");
        done(await runPolicyUntag({ ...args, policy }, tag, signal));
        return;
      }
      refusePolicyOptions(args, tag);
      if (tag.length === 0) throw new UsageError("name the tags to remove, as repository:tag, or give --policy FILE");
      const { runUntag } = await import("./untag-command.js");
      done(await runUntag({ ...args, tag }, signal));
    },
  );

const declareRepair: Declare = (cli, { signal, done }) =>
  cli.command(
    "repair [code..]",
    "rewrite links whose content the storage proves; shows what it would do, unless --apply is given; without a code, what there is",
    (command) =>
      command
        .positional("code", {
          type: "string",
          array: true,
          describe: `Findings to repair: ${REPAIR_CODES.join(", ")}`,
        })
        .options(OPTIONS_OF.repair),
    async ({ code = [], ...args }) => {
      const { runRepair } = await import("./repair-command.js");
      done(await runRepair({ ...args, code }, signal));
    },
  );

const declareRestore: Declare = (cli, { signal, done }) =>
  cli.command(
    "restore [run]",
    "put back what a sweep with --quarantine has moved, or undo a repair; without a run, list the runs",
    (command) => command.positional("run", RUN).options(OPTIONS_OF.restore),
    async (args) => {
      const { runRestore } = await import("./restore-command.js");
      done(await runRestore(args, signal));
    },
  );

const declarePurge: Declare = (cli, { signal, done }) =>
  cli.command(
    "purge [run]",
    "free the space of a quarantine for good",
    (command) => command.positional("run", RUN).options(OPTIONS_OF.purge),
    async (args) => {
      const { runPurge } = await import("./purge-command.js");
      done(await runPurge(args, signal));
    },
  );

const declareRuns: Declare = (cli, { signal, done }) =>
  cli.command(
    "runs [storage]",
    "list what sweeps, untags and repairs were done, and what became of them",
    (command) => command.positional("storage", STORAGE).options(OPTIONS_OF.runs),
    async (args) => {
      const { runRuns } = await import("./runs-command.js");
      done(await runRuns(args, signal));
    },
  );

const declareUnlock: Declare = (cli, { signal, done }) =>
  cli.command(
    "unlock [storage]",
    "remove the lock that a killed run has left",
    (command) => command.positional("storage", STORAGE).options(OPTIONS_OF.unlock),
    async (args) => {
      const { runUnlock } = await import("./unlock-command.js");
      done(await runUnlock(args, signal));
    },
  );

const declareCodes: Declare = (cli) =>
  cli.command(
    "codes",
    "list the codes of findings, with what they mean and what to do",
    (command) => command.options(OPTIONS_OF.codes),
    async (args) => {
      const { runCodes } = await import("./codes-command.js");
      await runCodes(args);
    },
  );

/** The commands beside the check, by name, in the order of the help. */
export const COMMANDS: Readonly<Record<string, Declare>> = {
  explain: declareExplain,
  export: declareExport,
  manifests: declareManifests,
  untag: declareUntag,
  repair: declareRepair,
  restore: declareRestore,
  purge: declarePurge,
  runs: declareRuns,
  unlock: declareUnlock,
  codes: declareCodes,
};

/** What the command line is read by. */
export const COMMAND_LINE: CommandLine = {
  options: Object.assign({}, ...Object.values(OPTIONS_OF), GLOBAL_OPTIONS, YARGS_OPTIONS),
  commands: new Set([...Object.keys(COMMANDS), "completion"]),
  repeatable: REPEATABLE_OPTIONS,
};

/** Options that do nothing without a sweep: whoever gives them expects one. */
function refuseSweepOptions(args: Readonly<Record<string, unknown>>): void {
  const given = givenOf(SWEEP_OPTIONS, args);
  if (given !== undefined) throw new UsageError(`--${given} goes with --sweep or --dry-run`);
}

/** Options that do nothing where tags are given by their names. */
function refusePolicyOptions(args: Readonly<Record<string, unknown>>, tags: readonly string[]): void {
  const { format: _format, quiet: _quiet, apply, ...others } = POLICY_UNTAG_OPTIONS;
  const given = givenOf(tags.some(isTagGlob) ? others : { apply, ...others }, args);
  if (given !== undefined) throw new UsageError(`--${given} goes with --policy${given === "apply" ? ", or with a glob" : ""}`);
}

/** The name of an option that has another value than by default. */
function givenOf(options: Readonly<Record<string, Options>>, args: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(options).find((name) => args[name] !== undefined && args[name] !== options[name]?.default);
}
