import { UsageError } from "../errors.js";
import type { Finding } from "../mark/finding.js";
import { scopeOf } from "./catalogue.js";

/** Limits a report, and a sweep, to some repositories. What is live does not depend on it. */
export interface RepositoryFilter {
  /** As it was asked for. */
  readonly glob: string;
  readonly matches: (name: string) => boolean;
}

/** What a report's figures are about, for people. Not escaped. */
export function filterNote({ glob }: RepositoryFilter, shown: number, all: number): string {
  return `Only repositories that match ${glob}, ${shown} of ${all}; the totals are of the whole registry.`;
}

/** Throws a `UsageError` where nothing matches: a misspelled name would look like a sound repository. */
export function refuseNoMatch({ glob, matches }: RepositoryFilter, names: readonly string[]): void {
  if (names.length === 0 || names.some((name) => matches(name))) return;
  const alike = names
    .map((name) => ({ name, prefix: commonPrefix(name, glob) }))
    .sort((a, b) => b.prefix - a.prefix)
    .slice(0, 3)
    .map(({ name }) => name);
  throw new UsageError(
    `--repository ${glob}: matches none of the ${names.length === 1 ? "one repository" : `${names.length} repositories`}, such as ${alike.join(", ")}`,
  );
}

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/**
 * Whether a report on matching repositories has the finding: what is about one of these, about the registry as a whole, or about a blob that
 * one of these has, whatever others have it too. The last is what `isOfShown` says.
 */
export function isShown(
  { code, repository }: Pick<Finding, "code" | "repository">,
  filter: RepositoryFilter | undefined,
  isOfShown: () => boolean,
): boolean {
  if (filter === undefined || (repository !== undefined && filter.matches(repository))) return true;
  const scope = scopeOf(code);
  return scope === "registry" || (scope === "blob" && isOfShown());
}
