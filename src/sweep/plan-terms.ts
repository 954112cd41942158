import { ABANDONED_AGE } from "../mark/policy.js";
import type { Policy } from "../mark/policy.js";
import type { PlanOptions } from "./plan.js";

/** What was asked for when a plan was made. Its names are those of the plan's file. */
export interface PlanTerms extends PlanOptions {
  readonly deleteUntagged: boolean;
  readonly dropDanglingTags: boolean;
  /** Seconds. */
  readonly grace: number;
  /** Seconds. */
  readonly uploadsOlderThan: number;
  /** A glob; undefined for all. */
  readonly repository: string | undefined;
}

/** What a sweep that is planned with these options takes. */
export function planTerms(
  { deleteUntagged, dropDanglingTags, grace, uploadsOlderThan = ABANDONED_AGE }: Policy,
  { purgeUploads, pruneEmpty }: PlanOptions,
  repository: string | undefined,
): PlanTerms {
  return { deleteUntagged, dropDanglingTags, grace, uploadsOlderThan, purgeUploads, pruneEmpty, repository };
}

/** Undefined where they are not whole, as in the plan of an older version. */
export function parseTerms(value: unknown): PlanTerms | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const of: Readonly<Record<string, unknown>> = { ...value };
  const { deleteUntagged, dropDanglingTags, purgeUploads, pruneEmpty, grace, uploadsOlderThan, repository } = of;
  if (typeof deleteUntagged !== "boolean" || typeof dropDanglingTags !== "boolean") return undefined;
  if (typeof purgeUploads !== "boolean" || typeof pruneEmpty !== "boolean") return undefined;
  if (typeof grace !== "number" || typeof uploadsOlderThan !== "number") return undefined;
  if (repository !== undefined && typeof repository !== "string") return undefined;
  return { deleteUntagged, dropDanglingTags, purgeUploads, pruneEmpty, grace, uploadsOlderThan, repository };
}

/** The options of a plan without which a run takes less than it, as they are given. */
export function lackingOptions(plan: PlanTerms, run: PlanTerms): readonly string[] {
  const options: string[] = [];
  if (plan.deleteUntagged && !run.deleteUntagged) options.push("--delete-untagged");
  if (plan.dropDanglingTags && !run.dropDanglingTags) options.push("--drop-dangling-tags");
  if (plan.purgeUploads && !run.purgeUploads) options.push("--purge-uploads");
  if (plan.pruneEmpty && !run.pruneEmpty) options.push("--prune-empty");
  if (plan.grace < run.grace) options.push(`--grace ${timeSpan(plan.grace)}`);
  if (plan.purgeUploads && plan.uploadsOlderThan < run.uploadsOlderThan)
    options.push(`--uploads-older-than ${timeSpan(plan.uploadsOlderThan)}`);
  if (run.repository !== undefined && plan.repository !== run.repository)
    options.push(plan.repository === undefined ? "no --repository" : `--repository ${plan.repository}`);
  return options;
}

const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
] as const;

/** As an option takes it. */
function timeSpan(seconds: number): string {
  const [unit, size] = UNITS.find(([, length]) => seconds > 0 && seconds % length === 0) ?? ["s", 1];
  return `${seconds / size}${unit}`;
}
