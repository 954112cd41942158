import type { Options } from "yargs";
import { POLICY_OPTIONS } from "./options.js";

/** How it is known that nobody writes: for every command that changes the storage. */
export const WRITER_OPTIONS = {
  "registry-url": {
    type: "string",
    array: true,
    nargs: 1,
    group: "Sweep:",
    describe:
      "A registry on this storage, to ask whether it is read-only; once for each replica. One that asks for a password gets it from REGCHECK_REGISTRY_USERNAME and REGCHECK_REGISTRY_PASSWORD, or REGCHECK_REGISTRY_TOKEN, in the environment",
  },
  "registry-stopped": {
    type: "boolean",
    default: false,
    group: "Sweep:",
    describe: "No registry is running on this storage",
  },
  "journal-dir": {
    type: "string",
    group: "Sweep:",
    requiresArg: true,
    describe: "Where the journal of what is removed goes [default: /var/lib/regcheck for root]",
  },
  quarantine: {
    type: "boolean",
    default: false,
    group: "Sweep:",
    describe: "Move what is removed aside, so that `regcheck restore` can undo it",
  },
} as const satisfies Record<string, Options>;

/** For every command that changes the storage: the sweep has its own words for it. */
export const DRY_RUN_OPTION = {
  type: "boolean",
  default: false,
  group: "Sweep:",
  describe: "Show what would be done, and change nothing",
} as const satisfies Options;

/** How a command that changes a storage, and has no report, tells what it did. */
const TOLD_OPTIONS = {
  format: {
    choices: ["text", "json"],
    default: "text",
    group: "Report:",
    requiresArg: true,
    describe: "How it is told what was done",
  },
  quiet: { type: "boolean", alias: "q", default: false, group: "Report:", describe: "Nothing on stdout when all went well" },
} as const satisfies Record<string, Options>;

/** To undo a repair takes links away that others may use by now: nobody may write meanwhile. */
export const RESTORE_OPTIONS = {
  "registry-url": { ...WRITER_OPTIONS["registry-url"], describe: `To undo a repair: ${WRITER_OPTIONS["registry-url"].describe}` },
  "registry-stopped": {
    ...WRITER_OPTIONS["registry-stopped"],
    describe: `To undo a repair: ${WRITER_OPTIONS["registry-stopped"].describe}`,
  },
} as const satisfies Record<string, Options>;

/** For the commands that undo a sweep, or end its quarantine. */
export const UNDO_OPTIONS = {
  "journal-dir": {
    ...WRITER_OPTIONS["journal-dir"],
    describe: "Where the runs' journals are [default: /var/lib/regcheck for root]",
  },
  "dry-run": DRY_RUN_OPTION,
  ...TOLD_OPTIONS,
} as const satisfies Record<string, Options>;

/** What is swept, and how. */
export const SWEEP_OPTIONS = {
  sweep: { type: "boolean", default: false, group: "Sweep:", describe: "Remove the garbage, if every safety rule passes" },
  "dry-run": {
    ...DRY_RUN_OPTION,
    describe: "Show what a sweep would remove and what each safety rule says; always wins over --sweep",
  },
  ...WRITER_OPTIONS,
  "purge-uploads": { type: "boolean", default: false, group: "Sweep:", describe: "Remove abandoned uploads too" },
  "prune-empty": { type: "boolean", default: false, group: "Sweep:", describe: "Remove empty repositories too" },
  "max-delete": {
    type: "string",
    default: "50%",
    group: "Sweep:",
    requiresArg: true,
    describe: "Refuse to remove more than this share of all blobs",
  },
  "max-duration": {
    type: "string",
    group: "Sweep:",
    requiresArg: true,
    describe: "End after this time (30m, 2h), at a point that is safe",
  },
  "plan-output": {
    type: "string",
    group: "Sweep:",
    requiresArg: true,
    describe: "With --dry-run: write what would be removed to this file",
  },
  plan: {
    type: "string",
    group: "Sweep:",
    requiresArg: true,
    describe: "Remove only what this file lists, as far as it is garbage still",
  },
} as const satisfies Record<string, Options>;

/** Tags that go by a policy file, not by their names. */
export const POLICY_UNTAG_OPTIONS = {
  policy: {
    type: "string",
    group: "Policy:",
    requiresArg: true,
    describe: "Show which tags go by the cleanup policies in this file (YAML or JSON), and why; --apply removes them",
  },
  keep: {
    ...POLICY_OPTIONS.keep,
    describe:
      "With --policy: tags stay whose image, or a manifest or config in it, has its digest anywhere in this file; - for stdin",
  },
  apply: {
    type: "boolean",
    default: false,
    group: "Policy:",
    describe: "With --policy or a glob: remove the tags that are shown",
  },
  "plan-output": {
    ...SWEEP_OPTIONS["plan-output"],
    group: "Policy:",
    describe: "With --policy: write the tags that would go to this file",
  },
  plan: {
    ...SWEEP_OPTIONS.plan,
    group: "Policy:",
    describe: "With --policy: only the tags in this file go, as far as they still name the same and the policies let them",
  },
  "max-untag": {
    type: "string",
    default: "50%",
    group: "Policy:",
    requiresArg: true,
    describe: "With --policy: refuse to remove more than this share of all tags",
  },
  "allow-unused": {
    type: "boolean",
    default: false,
    group: "Policy:",
    describe: "With --policy: a Keep policy may select no tag at all",
  },
  "allow-empty": {
    type: "boolean",
    default: false,
    group: "Policy:",
    describe: "With --policy: a repository may lose its last tag",
  },
  format: {
    choices: ["text", "json", "ndjson"],
    default: "text",
    group: "Report:",
    requiresArg: true,
    describe: "How the tags are written (ndjson: with --policy)",
  },
  quiet: {
    type: "boolean",
    alias: "q",
    default: false,
    group: "Report:",
    describe: "No progress, and nothing at all when tags were removed and all went well",
  },
} as const satisfies Record<string, Options>;

/** What is repaired is said by codes; a repair removes nothing, so there is nothing to quarantine. */
export const REPAIR_OPTIONS = {
  apply: {
    type: "boolean",
    default: false,
    group: "Repair:",
    describe: "Write the links; without it, only show what would be written",
  },
  "dry-run": {
    ...DRY_RUN_OPTION,
    group: "Repair:",
    describe: "Write nothing, which is the default; always wins over --apply",
  },
  "registry-url": { ...WRITER_OPTIONS["registry-url"], group: "Repair:" },
  "registry-stopped": { ...WRITER_OPTIONS["registry-stopped"], group: "Repair:" },
  "journal-dir": {
    ...WRITER_OPTIONS["journal-dir"],
    group: "Repair:",
    describe: "Where the journal of what is written goes [default: /var/lib/regcheck for root]",
  },
  grace: POLICY_OPTIONS.grace,
  format: {
    choices: ["text", "json"],
    default: "text",
    group: "Report:",
    requiresArg: true,
    describe: "How the repairs are written",
  },
  quiet: {
    type: "boolean",
    alias: "q",
    default: false,
    group: "Report:",
    describe: "No progress, and nothing at all when links were written and all went well",
  },
} as const satisfies Record<string, Options>;

/** Which runs are listed, and how. */
export const RUNS_OPTIONS = {
  "journal-dir": UNDO_OPTIONS["journal-dir"],
  format: { ...TOLD_OPTIONS.format, describe: "How the runs are written" },
  quiet: { ...TOLD_OPTIONS.quiet, describe: "Only the names of the runs" },
} as const satisfies Record<string, Options>;

/** A lock goes only where nobody writes. */
export const UNLOCK_OPTIONS = {
  "registry-url": WRITER_OPTIONS["registry-url"],
  "registry-stopped": WRITER_OPTIONS["registry-stopped"],
  "dry-run": DRY_RUN_OPTION,
  ...TOLD_OPTIONS,
} as const satisfies Record<string, Options>;

/** Which quarantines are emptied. */
export const PURGE_OPTIONS = {
  "older-than": { type: "string", group: "Sweep:", requiresArg: true, describe: "All runs older than this (7d)" },
} as const satisfies Record<string, Options>;
