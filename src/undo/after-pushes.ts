import { WITHIN_A_PUSH } from "../mark/push-times.js";
import type { StorageChanges } from "../storage/changes.js";

/** Seconds: storages tell times in whole ones, of which either may be cut. */
const APART = WITHIN_A_PUSH + 2;

/**
 * In a bucket a tag that is put back has the present time. It is told from one that was pushed by its manifest's link, which a push writes just
 * before it; where that was written just now as well, by a restore or a repair, the tag has to wait.
 */
export class AfterPushes {
  readonly #begun = performance.now();

  constructor(
    private readonly changes: Pick<StorageChanges, "pass">,
    /** By the storage's clock, in seconds since 1970; undefined in a rehearsal, and nobody waits in one. */
    private readonly storageTime: number | undefined,
    private readonly signal: AbortSignal,
  ) {}

  /** The time by the storage's clock, or somewhat less. */
  get now(): number | undefined {
    return this.storageTime && this.storageTime + Math.floor((performance.now() - this.#begun) / 1000);
  }

  /**
   * Returns when a tag can be put back whose manifest's link was written at `linked`, in seconds since 1970; at once where the storage lets
   * the time of a tag be chosen. Throws the signal's reason.
   */
  async wait(linked: number): Promise<void> {
    const { now } = this;
    if (now === undefined) return;
    // What has a time from the future has that for another reason, and is not waited for.
    const seconds = Math.min(APART, linked + APART - now);
    if (seconds > 0) await this.changes.pass(seconds * 1000, this.signal);
  }
}
