import pLimit from "p-limit";
import { Watch, whyStopped } from "../guard/watch.js";
import { operatorMessage } from "../errors.js";
import { digestIn } from "../registry/link.js";
import { countOf } from "../report/format.js";
import type { StorageChanges } from "../storage/changes.js";
import type { Verdict } from "../guard/guard.js";
import type { Journal, JournalHead, JournalWrite } from "../journal/journal.js";
import { NO_PUSH } from "../mark/push-times.js";
import { Digest } from "../registry/digest.js";
import { revisionLinkPath } from "../registry/layout.js";
import { splitRepositoryPath } from "../registry/parse-path.js";
import type { AfterPushes } from "../undo/after-pushes.js";
import { REPAIR_CODES } from "./codes.js";
import type { Repair } from "./plan.js";

/** Links in a batch: one line of the journal each, one sync. */
const BATCH = 100;
/** Links of a batch that are written at a time: what they cost on S3 is waiting. */
const AT_A_TIME = 16;

/** What became of a repair; `present`: the link was as it should be already. */
export interface RepairOutcome {
  readonly repair: Repair;
  readonly status: "written" | "present" | "failed";
  readonly cause?: string;
}

/** How a run of repairs went. */
export interface RepairResult {
  readonly runId: string;
  /** The journal's file. */
  readonly journal: string;
  /** In order; those that it did not come to are missing. */
  readonly outcomes: readonly RepairOutcome[];
  /** Why it ended before its end; another run does what is left. */
  readonly stopped: string | undefined;
}

/** What repairs are done with. */
export interface RepairContext {
  readonly changes: StorageChanges;
  readonly journal: Journal;
  readonly head: JournalHead;
  /** Asked again during a long run. */
  readonly judgeWriters: () => Promise<Verdict>;
  /** What tags wait for, where their time cannot be chosen. */
  readonly afterPushes: AfterPushes;
  readonly signal: AbortSignal;
}

/**
 * Writes the links, those of one code after those of the code before, so that what refers comes after what it refers to. What the
 * storage refuses is an outcome, and ends the run before the next code; what the journal's disk refuses ends it at once.
 */
export async function executeRepairs(repairs: readonly Repair[], context: RepairContext): Promise<RepairResult> {
  const { head, journal } = context;
  const run = new RepairRun(context);
  const why = await whyStopped(() => run.run(repairs));
  const stopped = journal.end({ written: run.outcomes.filter(({ status }) => status === "written").length }, why);
  return { runId: head.runId, journal: journal.file, outcomes: run.outcomes, stopped };
}

class RepairRun {
  readonly outcomes: RepairOutcome[] = [];
  readonly #watch: Watch;

  constructor(private readonly context: RepairContext) {
    this.#watch = new Watch(context);
  }

  /** Undefined when all was done, or why not. */
  async run(repairs: readonly Repair[]): Promise<string | undefined> {
    for (const code of REPAIR_CODES) {
      const some = repairs.filter((repair) => repair.code === code);
      for (let at = 0; at < some.length; at += BATCH) {
        const batch = some.slice(at, at + BATCH);
        await this.#waitForPushes(batch.filter(isOfTag));
        const reason = await this.#watch.reasonToStop();
        if (reason !== undefined) return reason;
        await this.#writeBatch(batch);
      }
      const [failed, ...more] = this.outcomes.filter(({ status }) => status === "failed");
      if (failed !== undefined) return `${countOf(more.length + 1, "link")} could not be written: ${failed.cause ?? ""}`;
    }
    return undefined;
  }

  /** Tags must not look as if they had been pushed with their manifests, whose links may have been repaired just now. */
  async #waitForPushes(tags: readonly Repair[]): Promise<void> {
    const { changes, afterPushes } = this.context;
    if (!changes.isRemote) return;
    const linked = await pLimit(AT_A_TIME).map(tags, async ({ path, content }) => {
      const [repository, digest] = [splitRepositoryPath(path)?.name, Digest.parse(content)];
      if (repository === undefined || digest === undefined) return 0;
      return (await changes.stat(revisionLinkPath(repository, digest)))?.modified ?? 0;
    });
    if (linked.length > 0) await afterPushes.wait(Math.max(...linked));
  }

  async #writeBatch(repairs: readonly Repair[]): Promise<void> {
    const { journal } = this.context;
    const prepared = await pLimit(AT_A_TIME).map(repairs, (repair) => attempt(repair, () => this.#prepare(repair)));
    const writes = prepared.flatMap((one) => ("status" in one ? [] : [one]));
    if (writes.length > 0) journal.willWrite(writes.map(({ write }) => write));
    const outcomes = await pLimit(AT_A_TIME).map(prepared, async (one) =>
      "status" in one ? one : attempt(one.repair, () => this.#write(one.repair, one.write)),
    );
    this.outcomes.push(...outcomes);
    const failed = outcomes.filter(({ status }) => status === "failed");
    journal.became(failed.map(({ repair, status, cause }) => ({ path: repair.path, status, cause })));
  }

  /** What the journal needs to know before the link is written; an outcome where it is not to be. */
  async #prepare(repair: Repair): Promise<RepairOutcome | { readonly repair: Repair; readonly write: JournalWrite }> {
    const { code, action, path, content } = repair;
    const before = await this.context.changes.read(path);
    const write = { repair, write: { code, path, content, before } };
    if (before === undefined) return action === "create" ? write : failure(repair, "it is gone since it was planned");
    if (Buffer.from(content).equals(before)) return { repair, status: "present" };
    if (action === "create" || digestIn(before) !== undefined)
      return failure(repair, "somebody has written it since it was planned");
    return write;
  }

  async #write(repair: Repair, { path, content, before }: JournalWrite): Promise<RepairOutcome> {
    const { changes } = this.context;
    const bytes = Buffer.from(content);
    const modified = isOfTag(repair) ? NO_PUSH : undefined;
    const outcome =
      before === undefined ? await changes.create(path, bytes, modified) : await changes.replace(path, before, bytes, modified);
    return outcome === "created" || outcome === "replaced"
      ? { repair, status: "written" }
      : failure(repair, "somebody has written it in the meantime");
  }
}

/** Whether what is written says what a tag names: nobody has pushed it now. */
function isOfTag({ code }: Repair): boolean {
  return code === "tag-link-invalid" || code === "tag-without-current";
}

function failure(repair: Repair, why: string): RepairOutcome {
  return { repair, status: "failed", cause: `${repair.path}: ${why}` };
}

/** What the storage refuses is an outcome. */
async function attempt<T>(repair: Repair, work: () => Promise<T>): Promise<T | RepairOutcome> {
  try {
    return await work();
  } catch (error) {
    return { repair, status: "failed", cause: operatorMessage(error) };
  }
}
