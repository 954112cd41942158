import { escapeForTerminal } from "../report/escape.js";
import { withStyle } from "../report/style.js";
import { exitCodeOf } from "./guard.js";
import type { GuardedWork, Verdict } from "./guard.js";
import { RULES } from "./rules.js";
import type { RuleName } from "./rules.js";

/** Rules that a change of the whole registry is asked last. */
export const ASKED_LATER = ["links-unchanged", "can-be-recorded", "one-at-a-time"] as const satisfies readonly RuleName[];

/** What the rules said of something that was not done. */
export interface AskedRules {
  readonly work: GuardedWork;
  readonly verdicts: readonly Verdict[];
  /** The first that would have refused it. */
  readonly refusal: Verdict | undefined;
  /** Rules that are asked only where none refuses before, and of something that is to be done. */
  readonly later?: readonly (keyof typeof RULES)[];
}

/** What each rule says of a dry run, and what would refuse it. In lines. */
export function formatRules({ work, verdicts, refusal, later = [] }: AskedRules, colour: boolean): string[] {
  const lines = ["Safety rules", ...verdicts.flatMap((verdict) => formatVerdict(verdict, colour))];
  const notAsked = later.filter((rule) => !verdicts.some((one) => one.rule === rule));
  for (const rule of notAsked) lines.push(`  later    ${rule}: ${RULES[rule].replaceAll("`", "")}`);
  if (refusal !== undefined)
    lines.push("", `The ${work} would be refused by ${refusal.rule}, with the exit code ${exitCodeOf(refusal)}.`);
  return lines;
}

/** What one rule says, in a line or two. */
function formatVerdict({ rule, passed, evidence, remedy }: Verdict, colour: boolean): string[] {
  const word = passed ? "passed " : "REFUSES";
  const mark = withStyle(passed ? "green" : "red", word, { colour });
  const lines = [`  ${mark}  ${rule}: ${escapeForTerminal(evidence)}`];
  return remedy === undefined ? lines : [...lines, `           → ${escapeForTerminal(remedy)}`];
}
