/** A change to the program that makes it less safe, and the unit tests that must notice. */
export interface Mutant {
  /** Below `src/` and `dist/`, without an extension. */
  readonly file: string;
  /** What stands there once, in the program as it was built. */
  readonly search: string;
  readonly replace: string;
  /** Below `test/`. */
  readonly tests: readonly string[];
}

/** What decides whether something is live, whether a sweep may begin or go on, and in which order things go. */
export const MUTANTS: readonly Mutant[] = [
  // Liveness
  {
    file: "mark/policy",
    search: "modified > policy.now - policy.grace",
    replace: "modified >= policy.now - policy.grace",
    tests: ["mark/policy"],
  },
  { file: "mark/policy", search: "(VARIANT_BITS[variant] | HELD)", replace: "VARIANT_BITS[variant]", tests: ["mark/policy"] },
  {
    file: "mark/policy",
    search: "REVISION_ROOT = VARIANT_BITS.asIs | VARIANT_BITS.withDropDanglingTags",
    replace: "REVISION_ROOT = VARIANT_BITS.withDropDanglingTags",
    tests: ["fixtures"],
  },
  { file: "mark/finding", search: "(HOLDING_CODES.has(code) && holds !== false)", replace: "false", tests: ["fixtures"] },
  {
    file: "undo/link-targets",
    search: " || !(await exists(this.changes, link)) ? link",
    replace: " ? link",
    tests: ["undo/link-targets"],
  },
  { file: "storage/s3/links", search: "!this.always && object.size", replace: "object.size", tests: ["storage/s3/links"] },
  // Guard
  { file: "guard/roots", search: "changed.push(...before.keys());", replace: "", tests: ["guard/roots"] },
  {
    file: "guard/roots",
    search: "if (before.get(listing.name) !== fingerprintOf(listing))",
    replace: "if (false)",
    tests: ["guard/roots"],
  },
  { file: "guard/roots", search: "faults.push(...listing.faults);", replace: "", tests: ["guard/roots"] },
  {
    file: "mark/fingerprint",
    search: "for (let entry = 0; entry < indexTag.length; entry++)",
    replace: "for (let entry = 0; entry < 0; entry++)",
    tests: ["mark/fingerprint"],
  },
  { file: "mark/fingerprint", search: "of uploads)", replace: "of [])", tests: ["mark/fingerprint"] },
  { file: "mark/fingerprint", search: "of oddLinks)", replace: "of [])", tests: ["mark/fingerprint"] },
  { file: "guard/probe", search: "if (status < 200 || status >= 300)", replace: "if (false)", tests: ["guard/probe"] },
  {
    file: "guard/probe",
    search: "if (methods.some((method) => !READS.has(method)))",
    replace: "if (false)",
    tests: ["guard/guard"],
  },
  {
    file: "guard/watch",
    search: "return verdict.passed ? undefined",
    replace: "return true ? undefined",
    tests: ["guard/watch"],
  },
  { file: "guard/watch", search: "< PROBE_INTERVAL", replace: "< 2 * PROBE_INTERVAL", tests: ["guard/watch"] },
  { file: "guard/watch", search: "if (signal.aborted)", replace: "if (false)", tests: ["guard/watch"] },
  { file: "guard/guard", search: "if (marked.complete && first === undefined)", replace: "if (true)", tests: ["sweep/safety"] },
  { file: "guard/guard", search: "share <= limit", replace: "share <= 1", tests: ["guard/guard"] },
  {
    file: "guard/change-under-guard",
    search: "for (const verdict of plan.verdicts)",
    replace: "for (const verdict of [])",
    tests: ["sweep/safety"],
  },
  { file: "guard/change-under-guard", search: "if (last !== undefined)", replace: "if (false)", tests: ["guard/writers"] },
  { file: "guard/lock", search: '=== "exists"', replace: '=== "never"', tests: ["sweep/sweep"] },
  { file: "storage/filesystem/changes", search: "stat.dev !== dev", replace: "false", tests: ["storage/filesystem/changes"] },
  // Order
  { file: "sweep/plan", search: "barrier: true", replace: "barrier: false", tests: ["sweep/order"] },
  { file: "sweep/execute", search: "if (stage.barrier)", replace: "if (false)", tests: ["sweep/order"] },
  {
    file: "sweep/execute",
    search: "if (this.#failed > 0) {",
    replace: "if (false) {",
    tests: ["sweep/s3"],
  },
];
