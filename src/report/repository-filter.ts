import type { Finding } from "../mark/finding.js";

/** Limits a report, and a sweep, to some repositories. What is live does not depend on it. */
export interface RepositoryFilter {
  /** As it was asked for. */
  readonly glob: string;
  readonly matches: (name: string) => boolean;
}

/** Whether a report on matching repositories has the finding: a fault of the storage is everybody's affair. */
export function isShown(
  { code, repository }: Pick<Finding, "code" | "repository">,
  filter: RepositoryFilter | undefined,
): boolean {
  return filter === undefined || code === "storage-unreadable" || (repository !== undefined && filter.matches(repository));
}
