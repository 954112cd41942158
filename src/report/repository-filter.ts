import { UsageError } from "../errors.js";
import type { Finding, FindingCode } from "../mark/finding.js";

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
 * What is everybody's affair: a fault of the storage, and who decides what is live. A corrupt blob may have several repositories: with a
 * filter only blobs are read that one of those names which match.
 */
const OF_ALL: ReadonlySet<FindingCode> = new Set(["storage-unreadable", "truth-elsewhere", "tags-elsewhere", "blob-corrupt"]);

/** Whether a report on matching repositories has the finding. */
export function isShown(
  { code, repository }: Pick<Finding, "code" | "repository">,
  filter: RepositoryFilter | undefined,
): boolean {
  return filter === undefined || OF_ALL.has(code) || (repository !== undefined && filter.matches(repository));
}
