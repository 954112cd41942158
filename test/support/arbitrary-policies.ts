import fc from "fast-check";
import type { OraclePolicyEntry } from "./retention-oracle.js";

/** What random policies are about: names of repositories and tags, and time spans. */
export interface PolicyWords {
  readonly repositories: readonly string[];
  readonly tags: readonly string[];
  readonly spans: readonly string[];
}

/** Random policy files, as data. All of them are accepted. */
export function arbitraryPolicies({ repositories, tags, spans }: PolicyWords): fc.Arbitrary<readonly OraclePolicyEntry[]> {
  const some = (words: readonly string[]): fc.Arbitrary<string[]> =>
    fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 2 });
  const prefixes = (words: readonly string[]): readonly string[] => words.map((word) => word.replace(/\*.*/, "") || "a");
  const selector = {
    repositories: some([...repositories, "**", "*"]),
    packageNamePrefixes: some(prefixes(repositories)),
    tags: some([...tags, "**"]),
    tagPrefixes: some(prefixes(tags)),
  };
  const condition = fc.record(
    { ...selector, olderThan: fc.constantFrom(...spans), newerThan: fc.constantFrom(...spans) },
    { requiredKeys: [] },
  );
  const deletes = condition
    .filter(
      ({ tags: globs, tagPrefixes, olderThan }) => globs !== undefined || tagPrefixes !== undefined || olderThan !== undefined,
    )
    .map((of) => ({ action: { type: "Delete" as const }, condition: of }));
  const keeps = condition
    .filter((of) => Object.keys(of).length > 0)
    .map((of) => ({ action: { type: "Keep" as const }, condition: of }));
  const recent = fc
    .record(
      { ...selector, keepCount: fc.integer({ min: 1, max: 3 }), orderBy: fc.constantFrom("pushed" as const, "semver" as const) },
      { requiredKeys: ["keepCount"] },
    )
    .map((of) => ({ action: { type: "Keep" as const }, mostRecentVersions: of }));
  const policy = fc.oneof({ weight: 3, arbitrary: deletes }, keeps, recent);
  return fc.array(policy, { minLength: 1, maxLength: 4 }).map((all) => all.map((one, i) => ({ ...one, name: `policy-${i}` })));
}
