import type { AfterPushes } from "./after-pushes.js";

/** What a restore may be given. */
export interface RestoreContext {
  readonly signal?: AbortSignal | undefined;
  /** Where journals of later runs may be. */
  readonly journalDirectory?: string | undefined;
  /** What tags wait for, where their time cannot be chosen. */
  readonly afterPushes?: AfterPushes | undefined;
}

/** What a restore did. */
export interface Restored {
  /** Objects that are back. */
  readonly restored: number;
  /** Objects that were back already, had never gone, or were written anew by somebody else. */
  readonly present: number;
  /** Objects that are back, but are not what they should be; and links that somebody has written anew, with what they were. */
  readonly warnings: readonly { readonly path: string; readonly cause: string }[];
  /** Objects that could not be brought back, and why. */
  readonly problems: readonly { readonly path: string; readonly cause: string }[];
}
