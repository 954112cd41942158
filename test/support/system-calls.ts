import path from "node:path";
import { regcheck } from "./run.js";
import type { Run } from "./run.js";

/** What befalls a run of the program at its system calls, in all of its threads. */
export type Plan =
  /** SIGKILL before (even) or after (odd) the change number `kill / 2` to anything below `root`. -1 counts them only. */
  | { readonly kill: number; readonly root: string }
  | {
      /** The function of `fs` that fails. */
      readonly call: string;
      readonly code: string;
      /** Of the path, from the storage's root on; calls with a descriptor count for the file that was opened. */
      readonly path: string;
      /** So many matching calls of a thread pass first; all others fail, or the next `times`. */
      readonly skip?: number;
      readonly times?: number;
    };

/** Changes to the storage and to the journal, which all are of the main thread. */
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
  if (plan.kill === undefined) {
    let seen = 0;
    const pattern = new RegExp(plan.path);
    wrap(plan.call, (call, file) => {
      if (!pattern.test(file) || seen++ < (plan.skip ?? 0) || seen > (plan.skip ?? 0) + (plan.times ?? Infinity)) return call();
      if (seen === (plan.skip ?? 0) + 1) writeSync(2, "INJECTED\\n");
      throw Object.assign(new Error(plan.code + ": injected, " + plan.call), { code: plan.code, syscall: plan.call, path: file });
    });
  } else if (isMainThread) {
    let point = 0;
    const step = () => {
      if (point++ === plan.kill) process.kill(process.pid, "SIGKILL");
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
    process.on("exit", () => writeSync(2, "POINTS " + point + "\\n"));
  }
`;

/** Runs the program with a plan for its system calls. */
export async function regcheckWith(
  plan: Plan,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Run & { readonly injected: boolean; readonly points: number }> {
  const run = await regcheck(args, {
    ...environment,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(PRELOAD)}`,
    REGCHECK_TEST_PLAN: JSON.stringify(plan),
  });
  const stderr = run.stderr.replace(/^(?:INJECTED|POINTS \d+)\n/gm, "");
  return {
    ...run,
    stderr,
    injected: run.stderr.includes("INJECTED\n"),
    points: Number(/POINTS (\d+)/.exec(run.stderr)?.[1] ?? 0),
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
