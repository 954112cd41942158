import { ASKED_LATER, formatRules } from "../guard/format.js";
import { CATALOGUE } from "../report/catalogue.js";
import { deletedBy } from "../report/finding-words.js";
import { escapeForTerminal } from "../report/escape.js";
import { countOf } from "../report/format.js";
import { wrapLines } from "../report/wrap.js";
import type { TextOptions } from "../report/wrap.js";
import type { ExitCode } from "../errors.js";
import type { Verdict } from "../guard/guard.js";
import type { RepairOutcome, RepairResult } from "./execute.js";
import { REPAIR_CODES } from "./codes.js";
import type { Repair, RepairPlan } from "./plan.js";

/** What is shown of a repair. */
interface ShownRepair extends RepairPlan {
  readonly verdicts: readonly Verdict[];
  /** Undefined where nothing was to be written, or it was a dry run. */
  readonly result: RepairResult | undefined;
  /** The rule that would refuse it, if it was not done and one would. */
  readonly refusal: Verdict | undefined;
  readonly lockLeft: string | undefined;
}

/** Each repair with what it would do or did, what cannot be repaired and why, and what each rule says; for people. */
export function formatRepair(shown: ShownRepair, dryRun: boolean, options: TextOptions, undoArguments: string): string {
  const { repairs, unrepairable, verdicts, refusal } = shown;
  const outcomes = outcomesOf(shown);
  const lines: string[] = [];
  if (repairs.length > 0) {
    lines.push(dryRun ? "Would repair (nothing was changed; --apply does it)" : "Repaired");
    for (const repair of repairs) lines.push(...repairLines(repair, dryRun, outcomes.get(repair)));
    lines.push("");
  }
  if (unrepairable.length > 0) {
    lines.push("Not repairable by regcheck");
    for (const one of unrepairable) {
      const deleted = deletedBy(one);
      lines.push(
        `  ${escapeForTerminal(one.subject)}  ${one.code}`,
        `    because ${escapeForTerminal(one.because)}`,
        `    → ${CATALOGUE[one.code].remedy}`,
        ...(deleted === undefined ? [] : [`    to delete: ${escapeForTerminal(deleted)}`]),
      );
    }
    lines.push("");
  }
  if (dryRun) lines.push(...formatRules({ work: "repair", verdicts, refusal, later: ASKED_LATER }, options.colour), "");
  lines.push(...endLines(shown, dryRun, undoArguments));
  return `${wrapLines(lines, options).join("\n")}\n`;
}

/**
 * Each code that can be repaired, with how much of it there is here and what to type next; for people. `named` is what names the storage on
 * a command line.
 */
export function formatRepairable({ repairs, unrepairable }: RepairPlan, options: TextOptions, named: string): string {
  const lines = REPAIR_CODES.flatMap((code) => {
    const can = repairs.filter((one) => one.code === code).length;
    const cannot = unrepairable.filter((one) => one.code === code).length;
    const count = can + cannot === 0 ? "none here" : `${can} of ${countOf(can + cannot, "finding")} can be repaired`;
    return [`${code}: ${count}`, `  ${CATALOGUE[code].meaning}`];
  });
  const found = REPAIR_CODES.filter((code) => repairs.some((one) => one.code === code));
  const next =
    found.length === 0
      ? "Nothing is to be repaired."
      : `To see what would be written: regcheck repair ${found.join(" ")}${escapeForTerminal(named)}`;
  return `${wrapLines([...lines, "", next], options).join("\n")}\n`;
}

function outcomesOf({ result }: ShownRepair): ReadonlyMap<Repair, RepairOutcome> {
  return new Map(result?.outcomes.map((outcome) => [outcome.repair, outcome]));
}

function repairLines(repair: Repair, dryRun: boolean, outcome: RepairOutcome | undefined): string[] {
  const { subject, code, path, content, proof, notes } = repair;
  const failures = outcome?.cause === undefined ? [] : [outcome.cause];
  return [
    `  ${escapeForTerminal(subject)}  ${code}`,
    `    ${deedOf(repair, dryRun, outcome?.status)} ${escapeForTerminal(path)}`,
    `      with ${content}: ${proof}`,
    ...[...notes, ...failures].map((note) => `    ! ${escapeForTerminal(note)}`),
  ];
}

function deedOf({ action }: Repair, dryRun: boolean, status: RepairOutcome["status"] | undefined): string {
  if (dryRun) return `would ${action}`;
  switch (status) {
    case "written":
      return action === "create" ? "created" : "rewrote";
    case "present":
      return "found as it should be";
    case "failed":
      return `FAILED to ${action}`;
    case undefined:
      return `did not come to ${action}`;
  }
}

function endLines({ repairs, unrepairable, result }: ShownRepair, dryRun: boolean, undoArguments: string): string[] {
  if (repairs.length === 0 && unrepairable.length === 0) return ["Nothing to repair: there is no finding of these codes"];
  const written = dryRun ? repairs.length : (result?.outcomes ?? []).filter(({ status }) => status === "written").length;
  const counts = [`${countOf(written, "link")} ${dryRun ? "would be written" : "written"}`];
  if (unrepairable.length > 0) counts.push(`${countOf(unrepairable.length, "finding")} not repairable by regcheck`);
  const lines = [counts.join(", ")];
  if (result === undefined) return lines;
  const { runId, journal, stopped } = result;
  lines.push(
    `  Run ${runId}, journal ${escapeForTerminal(journal)}`,
    `  Undo it with regcheck restore ${runId}${escapeForTerminal(undoArguments)}, and --registry-url or --registry-stopped as here.`,
  );
  if (stopped !== undefined)
    lines.push("", `STOPPED: ${escapeForTerminal(stopped)}. Nothing is worse than it was; run it again to finish.`);
  return lines;
}

/** The same for programs: `repair.schema.json` describes it. */
export function repairJson(shown: ShownRepair, dryRun: boolean, exitCode: ExitCode): object {
  const { repairs, unrepairable, verdicts, refusal, result, lockLeft } = shown;
  const outcomes = outcomesOf(shown);
  return {
    schemaVersion: "1.0",
    dryRun,
    repairs: repairs.map((repair) => {
      const { status, cause } = outcomes.get(repair) ?? {};
      return { ...repair, status, cause };
    }),
    unrepairable: unrepairable.map((one) => ({ ...one, remedy: CATALOGUE[one.code].remedy })),
    verdicts,
    refusedBy: refusal?.rule,
    exitCode,
    lockLeft,
    run: result && { runId: result.runId, journal: result.journal, stopped: result.stopped },
  };
}
