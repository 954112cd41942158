import pLimit from "p-limit";
import { operatorMessage, OperatorError } from "../errors.js";
import { Digest } from "../registry/digest.js";
import type { ChangeOutcome, StorageChanges, StoredObject } from "../storage/changes.js";
import { orderOf } from "../journal/item-kinds.js";
import { directoriesOf, quarantineOf } from "../journal/quarantine.js";
import type { JournaledRun, Removal } from "../journal/read-run.js";
import type { AfterPushes } from "./after-pushes.js";
import type { LaterRuns } from "./later-runs.js";
import { LinkTargets } from "./link-targets.js";
import { settle, settleSeen } from "./settle.js";
import type { Settlement } from "./settle.js";
import { takenAnew } from "./taken-anew.js";
import { unhide } from "./unhide.js";
import { lackingManifests } from "./whole-images.js";

/** Objects that are read or looked for at a time. */
const AT_A_TIME = 16;

const NOWHERE =
  "it is neither in the storage nor in the quarantine of this run: if a later run has taken it, restore that one first";

/** Puts back what one run has removed, a batch at a time: each object by what has become of it since. */
export class Restorer {
  restored = 0;
  present = 0;
  readonly warnings: { path: string; cause: string }[] = [];
  readonly problems: { path: string; cause: string }[] = [];
  readonly #targets: LinkTargets;
  readonly #manifests: Removal[] = [];
  /** When the last link of a manifest came back, in seconds since 1970. */
  #lastBack = 0;

  constructor(
    private readonly run: JournaledRun,
    private readonly isHidden: boolean,
    private readonly changes: StorageChanges,
    private readonly later: LaterRuns,
    private readonly afterPushes: AfterPushes | undefined,
  ) {
    this.#targets = new LinkTargets(changes, (object) => (isHidden ? undefined : this.#placeOf(object)));
  }

  async restoreBatch(removals: readonly Removal[]): Promise<void> {
    if (removals[0]?.kind === "directory") {
      for (const { path } of removals) await this.#makeDirectory(path);
      return;
    }
    const ready = await this.#ready(removals);
    if (this.isHidden) {
      const outcomes = await unhide(ready, beginningOf(this.run), this.changes);
      await pLimit(AT_A_TIME).map(ready, (removal, i) => this.#afterUnhiding(removal, outcomes[i]));
      return;
    }
    const contents = await pLimit(AT_A_TIME).map(ready, (removal) => this.#nearHexOf(removal, this.#placeOf(removal.path)));
    if (ready[0]?.kind === "tag") await this.afterPushes?.wait(Math.max(this.#lastBack, this.#targets.lastLinked));
    const outcomes = await this.changes.move(
      ready.map(({ path }) => ({ from: this.#placeOf(path), to: path })),
      orderOf(ready),
    );
    for (const [i, removal] of ready.entries()) {
      const outcome = outcomes[i];
      if (outcome?.status !== "done") continue;
      this.#compare(removal, contents[i]);
      this.#measure(removal, outcome);
    }
    await pLimit(AT_A_TIME).map(ready, (removal, i) => this.#afterMoving(removal, outcomes[i]));
    const moved = outcomes.filter(({ status }) => status === "done").map(({ path }) => path);
    await this.changes.pruneDirectories(directoriesOf(moved), "any order");
  }

  /** When all is back: whether each manifest has what it needs. */
  async lookForLacking(): Promise<void> {
    for (const warning of await lackingManifests(this.#manifests, this.#targets)) this.warnings.push(warning);
  }

  #placeOf(object: string): string {
    return `${quarantineOf(this.run.head.runId)}/${object}`;
  }

  /** Those whose targets are there. Where something is lost, manifests are asked one after the other: an index comes after its parts. */
  async #ready(removals: readonly Removal[]): Promise<readonly Removal[]> {
    const ready = await this.#withTargets(removals, AT_A_TIME);
    const isLossy = this.problems.length > 0 && removals[0]?.kind === "revision";
    return isLossy ? this.#withTargets(ready, 1) : ready;
  }

  async #withTargets(removals: readonly Removal[], atATime: number): Promise<readonly Removal[]> {
    const isReady = await pLimit(atATime).map(removals, async (removal) => {
      // Delete markers tell by themselves whose they are.
      const anew = this.isHidden ? undefined : await takenAnew(removal.path, this.later, this.changes);
      if (anew !== undefined) {
        this.#fail(removal, anew);
        return false;
      }
      const missing = await this.#targets.missing(removal);
      if (missing === undefined) return true;
      const cause = `not put back: it names ${missing}, which is gone`;
      const there = await this.changes.stat(removal.path);
      if (there === undefined) this.#fail(removal, cause);
      else await this.#leave(removal, there.bytes, cause, false);
      return false;
    });
    return removals.filter((_, i) => isReady[i]);
  }

  #fail(removal: Removal, cause: string): void {
    this.problems.push({ path: removal.path, cause });
    this.#targets.lose(removal);
  }

  async #makeDirectory(directory: string): Promise<void> {
    try {
      if (await this.changes.makeDirectory(directory)) this.restored++;
      else this.present++;
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      this.problems.push({ path: directory, cause: error.message });
    }
  }

  /** Warns of a blob that is back and is not what its digest says; links are small and their content is known by what reads them. */
  #compare(removal: Removal, hex: string | undefined): void {
    const digest = digestOf(removal);
    if (hex === undefined || digest === undefined || hex === digest.hex) return;
    const cause = `it is back, but its content has the digest ${digest.algorithm}:${hex}: so it was before the sweep, unless the quarantine is damaged`;
    this.warnings.push({ path: removal.path, cause });
  }

  /** Warns of a blob that has another size than the run saw: all that can be told of a copy in a bucket without reading it. */
  #measure(removal: Removal, { bytes }: ChangeOutcome): void {
    if (removal.kind !== "blob" || bytes === undefined || bytes === removal.bytes) return;
    const cause = `it is back, but it has ${bytes} bytes, and had ${removal.bytes} when it was removed: the quarantine is damaged`;
    this.warnings.push({ path: removal.path, cause });
  }

  /**
   * The same, only where that takes no request. From a bucket every blob that comes back would be downloaded, for a warning alone: the
   * bucket has copied it whole (the copy is of the ETag and the size that were asked for), or never moved it where it keeps versions.
   * What was damaged before is found by `--verify`, as anywhere.
   */
  #nearHexOf(removal: Removal, at: string): Promise<string | undefined> {
    return this.changes.isRemote ? Promise.resolve(undefined) : this.#hexOf(removal, at);
  }

  /** The hash of a blob's content; undefined where there is none, and for what is no blob. */
  async #hexOf(removal: Removal, at: string): Promise<string | undefined> {
    const digest = digestOf(removal);
    return digest && this.changes.digest(at, digest.algorithm);
  }

  async #afterUnhiding(removal: Removal, outcome: ChangeOutcome | undefined): Promise<void> {
    if (outcome?.status !== "done") this.#fail(removal, outcome?.cause ?? "no answer");
    else if (outcome.found === "same") await this.#leave(removal, outcome.bytes, "", true);
    else {
      this.#compare(removal, await this.#nearHexOf(removal, removal.path));
      this.#count(removal, outcome);
    }
  }

  async #afterMoving(removal: Removal, outcome: ChangeOutcome | undefined): Promise<void> {
    if (outcome?.status === "done") {
      this.#targets.gain(removal);
      if (removal.kind === "revision") this.#lastBack = this.afterPushes?.now ?? 0;
      this.#count(removal, outcome);
    } else if (outcome?.found === "other") await this.#settle(removal, outcome);
    else if (outcome?.status !== "absent") this.#fail(removal, outcome?.cause ?? "no answer");
    // Not in the quarantine: it is back already, or the sweep was killed before it came to it, and a later one may have taken it.
    else await this.#compareSize(removal, await this.changes.stat(removal.path));
  }

  /** A blob that is there, and nowhere else, may be another than the run took: an empty one, after a push that failed. */
  async #compareSize(removal: Removal, there: StoredObject | undefined): Promise<void> {
    if (there === undefined) {
      this.#fail(removal, NOWHERE);
      return;
    }
    this.present++;
    if (removal.kind !== "blob" || there.bytes === removal.bytes) return;
    const cause = `it is there, but it has ${there.bytes} bytes, and had ${removal.bytes} when it was removed: somebody has written it since`;
    this.warnings.push({ path: removal.path, cause });
  }

  /** Somebody has written it since: a link as he wanted it, and a blob the same content, if it is sound. Nothing of it is left in the quarantine. */
  async #settle(removal: Removal, { cause = "" }: ChangeOutcome): Promise<void> {
    const digest = digestOf(removal);
    if (digest !== undefined) {
      if ((await this.#hexOf(removal, removal.path)) !== digest.hex) {
        this.#fail(removal, `${cause}, and it is not what the digest says`);
        return;
      }
      const [removed] = await this.changes.remove([this.#placeOf(removal.path)]);
      if (removed?.status === "failed") this.problems.push({ path: removed.path, cause: removed.cause ?? "no answer" });
      this.present++;
    } else await this.#leave(removal, undefined, cause, true);
  }

  /** What is in the storage stays, unless it is a damaged link; nothing of it is left in the quarantine, unless it is nowhere else. */
  async #leave(removal: Removal, bytes: number | undefined, cause: string, isReady: boolean): Promise<void> {
    const { path } = removal;
    const settled = await this.#settled(removal, bytes, cause, isReady);
    const { warning, problem, isReplaced } = settled;
    if (warning !== undefined) this.warnings.push({ path, cause: warning });
    if (problem !== undefined) this.#fail(removal, problem);
    else if (isReplaced === true) this.#count(removal, {});
    else this.#count(removal, { found: "other" });
  }

  async #settled(removal: Removal, bytes: number | undefined, cause: string, isReady: boolean): Promise<Settlement> {
    const { path } = removal;
    if (!this.isHidden) return settle({ place: this.#placeOf(path), path, cause, isReady }, this.changes);
    try {
      return await settleSeen(removal, bytes, isReady, this.changes);
    } catch (error) {
      return { problem: operatorMessage(error) };
    }
  }

  #count(removal: Removal, { found }: Pick<ChangeOutcome, "found">): void {
    if (removal.kind === "revision") this.#manifests.push(removal);
    if (found === undefined) this.restored++;
    else this.present++;
  }
}

/** When a run began, by the clock that tells when objects were written: ours may be another. In whole seconds since 1970. */
function beginningOf({ head, startedAt }: JournaledRun): number {
  return head.storageTime ?? Math.floor(Date.parse(startedAt) / 1000);
}

function digestOf({ kind, digest }: Removal): Digest | undefined {
  return kind === "blob" && digest !== undefined ? Digest.parse(digest) : undefined;
}
