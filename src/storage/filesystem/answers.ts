import type { Dirent, Stats } from "node:fs";

/** What the system said to one call: a value, or the error that the call throws. */
export type Answer<T> = { readonly value: T } | { readonly error: unknown };

/**
 * What the system has said before it was asked: each answer is for one call with that path, and is taken once. Whoever reads asks the
 * system for what is not here, so that what was asked for in advance is never more than a guess.
 */
export class Answers {
  /** By absolute path: content, as far as anybody looks at it; undefined where there is no file. */
  readonly contents = new Map<string, Answer<Uint8Array | undefined>>();
  readonly stats = new Map<string, Answer<Stats | undefined>>();
  readonly entries = new Map<string, Answer<Dirent[]>>();
  readonly names = new Map<string, Answer<string[]>>();
}

/** Takes an answer out; undefined where there is none. Throws the error that the call ended with. */
export function take<T>(answers: Map<string, Answer<T>>, path: string): { readonly value: T } | undefined {
  const answer = answers.get(path);
  if (answer === undefined) return undefined;
  answers.delete(path);
  if ("error" in answer) throw answer.error;
  return answer;
}
