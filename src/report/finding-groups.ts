import { effectOf, FINDING_CODES, holdsRepository } from "../mark/finding.js";
import type { Finding, FindingCode } from "../mark/finding.js";
import { consequenceOf, severityOf } from "./catalogue.js";
import { formatCount } from "./format.js";
import { SEVERITIES } from "./severity.js";
import type { Severity } from "./severity.js";

/** Findings that are told together: those of one code and one severity. */
export interface FindingGroup {
  readonly code: FindingCode;
  readonly severity: Severity;
  count: number;
  /** Of these, those that a baseline does not have. */
  newCount: number;
  /** Of these, those that hold their repository back. */
  holding: number;
}

/** The groups of findings that are added one by one. */
export class FindingGroups {
  readonly #groups = new Map<string, FindingGroup>();

  /** Counts the finding. Returns its group. */
  add(finding: Finding, isNew: boolean): FindingGroup {
    const group = this.of(finding);
    group.count++;
    if (isNew) group.newCount++;
    if (holdsRepository(finding)) group.holding++;
    return group;
  }

  /** The group of the finding, with what was added to it until now. */
  of(finding: Finding): FindingGroup {
    const severity = severityOf(finding);
    const key = `${finding.code} ${severity}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group = { code: finding.code, severity, count: 0, newCount: 0, holding: 0 };
    this.#groups.set(key, group);
    return group;
  }

  /** The groups by code and then by severity, worst first. */
  inOrder(): FindingGroup[] {
    return [...this.#groups.values()].sort(
      (a, b) =>
        FINDING_CODES.indexOf(a.code) - FINDING_CODES.indexOf(b.code) ||
        SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity),
    );
  }
}

/** What a group means for a sweep: where not all of it holds a repository back, how much of it does. */
export function consequenceIn({ code, count, holding }: FindingGroup): string | undefined {
  if (effectOf(code) !== "holds" || holding === count) return consequenceOf(code);
  if (holding === 0) return undefined;
  return `${formatCount(holding)} of these ${holding === 1 ? "holds its repository" : "hold their repositories"} back from a sweep`;
}
