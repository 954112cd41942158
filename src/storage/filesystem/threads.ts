import fs from "node:fs";
import os from "node:os";

/** How many threads there are: at most `most`, of which those beyond `atOnce` start if the others wait for a disk. */
export interface Threads {
  readonly most: number;
  readonly atOnce: number;
  /** Whether each call may wait for a network: the main thread, which hears of signals, makes none then. */
  readonly isNetwork: boolean;
}

/** Magic numbers of `statfs(2)` for filesystems behind a network, where waiting, not the processor, is the bound. */
const NETWORK_FILESYSTEMS = new Set([0x6969, 0xff534d42, 0xfe534d42, 0x517b, 0x00c36400, 0x65735546, 0x0bd00bd0, 0x5346414f]);

const MOST_THREADS = 16;

/**
 * Of themselves, one thread a processor where all is cached: a second costs 0.2 s of compiling the same code again, and has nothing to
 * wait for. Where a disk has to be waited for, two are a third faster (`test/bench`): the pool sees to that. 16 on a network filesystem.
 * Each takes 12 MB. `concurrency` is what the operator says instead.
 */
export function threadsFor(root: string, concurrency: number | undefined): Threads {
  const isNetwork = NETWORK_FILESYSTEMS.has(fs.statfsSync(root).type);
  const [most, atOnce] = concurrency === undefined ? defaults(isNetwork) : [concurrency, concurrency];
  return { most, atOnce, isNetwork };
}

function defaults(isNetwork: boolean): readonly [most: number, atOnce: number] {
  if (isNetwork) return [MOST_THREADS, MOST_THREADS];
  const processors = Math.min(MOST_THREADS, os.availableParallelism());
  return [Math.min(MOST_THREADS, processors * 2), processors];
}
