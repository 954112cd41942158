import { EXIT_CODES, OperatorError, operatorMessage, UsageError } from "../errors.js";
import { parseGlob } from "../registry/glob.js";
import type { Matcher } from "../registry/glob.js";
import { isRepositoryName, isTagName } from "../registry/reference.js";
import type { Storage } from "../storage/storage.js";

/** Whether a word names tags by a glob: no name of a repository or a tag has these characters. */
export function isTagGlob(text: string): boolean {
  return /[*?[\]{}!]/.test(text);
}

/** A tag that a glob has found. */
interface MatchedTag {
  readonly repository: string;
  readonly tag: string;
}

/**
 * All tags that match any of the globs, `repository:tag` each: `*` stands for a part of a name, `**` for several. Throws a `UsageError` for a
 * glob that none matches, and an `OperatorError` where the repositories cannot be listed whole.
 */
export async function expandTagGlobs(storage: Storage, globs: readonly string[]): Promise<readonly MatchedTag[]> {
  const wanted = globs.map((glob) => {
    const [repository, tag, ...more] = glob.split(":");
    if (repository === undefined || tag === undefined || repository === "" || tag === "" || more.length > 0)
      throw new UsageError(`${glob}: expected a glob of repository:tag, such as 'team/app:pr-*'`);
    return { ...parseTagGlob(glob, repository, tag), glob, isMatched: false };
  });
  const found: MatchedTag[] = [];
  for await (const { name, tags, faults } of storage.repositories()) {
    const [fault] = faults;
    if (fault !== undefined)
      throw new OperatorError(`${fault.path}: ${fault.cause}. Nothing was removed.`, EXIT_CODES.incomplete);
    const here = isRepositoryName(name) ? wanted.filter((one) => one.repository(name)) : [];
    for (const tag of here.length === 0 ? [] : tags.names.filter(isTagName)) {
      const matching = here.filter((one) => one.tag(tag));
      for (const one of matching) one.isMatched = true;
      if (matching.length > 0) found.push({ repository: name, tag });
    }
  }
  const idle = wanted.find(({ isMatched }) => !isMatched);
  if (idle !== undefined) throw new UsageError(`${idle.glob}: no tag matches. Nothing was removed.`);
  return found;
}

function parseTagGlob(glob: string, repository: string, tag: string): { readonly repository: Matcher; readonly tag: Matcher } {
  try {
    return { repository: parseGlob(repository, "repository"), tag: parseGlob(tag, "tag") };
  } catch (error) {
    throw new UsageError(`${glob}: ${operatorMessage(error)}`);
  }
}
