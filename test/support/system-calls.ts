import fs from "node:fs";
import path from "node:path";
import { regcheck } from "./run.js";
import type { Run } from "./run.js";
import { makeTemporaryDirectory } from "./temporary.js";

/** What befalls a run of the program at its system calls, in all of its threads. */
export type Plan =
  /**
   * SIGKILL before or after one of the changes to anything below `root`: at the point number `kill`, all threads' points counted as they
   * come. Threads make it another one from run to run. -1 counts them only.
   */
  | { readonly kill: number; readonly root: string }
  | {
      /** The function of `fs` that fails. */
      readonly call: string;
      readonly code: string;
      /** Of the path, from the storage's root on; calls with a descriptor count for the file that was opened. */
      readonly path: string;
      /** So many matching calls of a thread pass first; all others fail, or the next `times` of all threads. */
      readonly skip?: number;
      readonly times?: number;
    }
  /** The first call with a path that matches sends the process a signal, and does its work. */
  | { readonly call: string; readonly path: string; readonly signal: NodeJS.Signals };

/** Changes to the storage and to the journal. */
const CHANGES = ["openSync", "writeFileSync", "fsyncSync", "mkdirSync", "linkSync", "unlinkSync", "rmdirSync", "renameSync"];

/** Loaded into every thread before the program, which knows nothing of it. */
const PRELOAD = `
  import fs from "node:fs";
  import { isMainThread } from "node:worker_threads";
  const plan = JSON.parse(process.env.REGCHECK_TEST_PLAN);
  const { writeSync } = fs;
  const opened = new Map();
  const open = fs.openSync;
  fs.openSync = (file, ...rest) => {
    const descriptor = open(file, ...rest);
    opened.set(descriptor, String(file));
    return descriptor;
  };
  const pathOf = (file) => (typeof file === "number" ? (opened.get(file) ?? "") : String(file));
  const wrap = (name, around) => {
    const original = fs[name];
    fs[name] = (file, ...rest) => around(() => original(file, ...rest), pathOf(file), rest);
  };
  if (plan.signal !== undefined) {
    let isSent = false;
    const pattern = new RegExp(plan.path);
    wrap(plan.call, (call, file) => {
      if (!isSent && pattern.test(file)) isSent = process.kill(process.pid, plan.signal);
      return call();
    });
  } else if (plan.kill === undefined) {
    let seen = 0;
    const pattern = new RegExp(plan.path);
    const failures = open(process.env.REGCHECK_TEST_POINTS, "a");
    const { fstatSync } = fs;
    const isLeft = () => writeSync(failures, "f") > 0 && fstatSync(failures).size <= plan.times;
    wrap(plan.call, (call, file) => {
      if (!pattern.test(file) || seen++ < (plan.skip ?? 0) || (plan.times !== undefined && !isLeft())) return call();
      if (seen === (plan.skip ?? 0) + 1) writeSync(2, isMainThread ? "INJECTED\\n" : "INJECTED IN A THREAD\\n");
      throw Object.assign(new Error(plan.code + ": injected, " + plan.call), { code: plan.code, syscall: plan.call, path: file });
    });
  } else {
    // A byte for each point that any thread has come to: what is appended finds its place after what the others have.
    const points = open(process.env.REGCHECK_TEST_POINTS, "a");
    const { fstatSync } = fs;
    const step = () => {
      writeSync(points, isMainThread ? "m" : "t");
      if (plan.kill >= 0 && fstatSync(points).size > plan.kill) process.kill(process.pid, "SIGKILL");
    };
    for (const name of ${JSON.stringify(CHANGES)}) {
      wrap(name, (call, file, rest) => {
        if (!file.startsWith(plan.root) || (name === "openSync" && rest[0] !== "wx")) return call();
        step();
        try {
          return call();
        } finally {
          step();
        }
      });
    }
  }
`;

/** A run with a plan. */
export interface PlannedRun extends Run {
  readonly injected: boolean;
  readonly injectedInThread: boolean;
  /** How many points it came to, and how many of them in other threads than the main one. */
  readonly points: number;
  readonly pointsInThreads: number;
}

/** Runs the program with a plan for its system calls. */
export async function regcheckWith(
  plan: Plan,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<PlannedRun> {
  const directory = makeTemporaryDirectory();
  const counter = path.join(directory, "points");
  fs.writeFileSync(counter, "");
  const run = await regcheck(args, {
    ...environment,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(PRELOAD)}`,
    REGCHECK_TEST_PLAN: JSON.stringify(plan),
    REGCHECK_TEST_POINTS: counter,
  });
  const points = fs.readFileSync(counter, "utf8");
  fs.rmSync(directory, { recursive: true });
  return {
    ...run,
    stderr: run.stderr.replace(/^INJECTED(?: IN A THREAD)?\n/gm, ""),
    injected: run.stderr.includes("INJECTED"),
    injectedInThread: run.stderr.includes("INJECTED IN A THREAD"),
    points: points.length,
    pointsInThreads: points.replaceAll("m", "").length,
  };
}

/** The command line of a sweep that takes everything that it can from a directory whose registry is stopped. */
export function sweepEverything(directory: string, journal: string, ...more: readonly string[]): string[] {
  const policy = ["--delete-untagged", "--drop-dangling-tags", "--purge-uploads", "--prune-empty", "--max-delete", "100%"];
  return [directory, "--sweep", "--registry-stopped", ...policy, "--fail-on", "never", "--journal-dir", journal, ...more];
}

/** The place of a run's journal beside a storage. */
export function journalBeside(directory: string): string {
  return path.join(path.dirname(directory), "journal");
}
