import fs from "node:fs";
import { codeOf } from "../system-errors.js";

/** When a process began: tells it from a later one with its number. */
export interface ProcessStart {
  /** Clock ticks since the start of the system. */
  readonly startTicks: number;
  /** By whose clock they are counted: the system shifts them for who asks in a time namespace of its own. */
  readonly timeNamespace: string;
}

/** Undefined where the system does not tell, as on macOS, and where there is no such process, or none that may be seen. */
export function startOfProcess(pid: number): ProcessStart | undefined {
  try {
    // Mounted from another PID namespace, it tells of other processes.
    if (fs.readlinkSync("/proc/self") !== String(process.pid)) return undefined;
    const startTicks = startIn(fs.readFileSync(`/proc/${pid}/stat`, "latin1"));
    return startTicks === undefined ? undefined : { startTicks, timeNamespace: ownTimeNamespace() };
  } catch {
    return undefined;
  }
}

/** The 22nd field. The second is the program's name in parentheses, in which there may be blanks and parentheses: the others are behind the last one. */
function startIn(stat: string): number | undefined {
  const fromThird = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fromThird[22 - 3]);
  return Number.isSafeInteger(ticks) && ticks > 0 ? ticks : undefined;
}

/** Empty for a kernel that has none (before 5.6): all clocks are one. */
function ownTimeNamespace(): string {
  try {
    return fs.readlinkSync("/proc/self/ns/time");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  }
}
