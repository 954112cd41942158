import fs from "node:fs";
import os from "node:os";

/** How many threads there are: at most `most`, of which those beyond `atOnce` start if the others wait for a disk. */
export interface Threads {
  readonly most: number;
  readonly atOnce: number;
}

/** Magic numbers of `statfs(2)` for filesystems behind a network, where waiting, not the processor, is the bound. */
const NETWORK_FILESYSTEMS = new Set([0x6969, 0xff534d42, 0xfe534d42, 0x517b, 0x00c36400, 0x65735546, 0x0bd00bd0, 0x5346414f]);

const MOST_THREADS = 16;

/**
 * One thread a processor where all is cached: a second costs 0.2 s of compiling the same code again, and has nothing to wait for. Where
 * a disk has to be waited for, two are a third faster (`test/bench`): the pool sees to that. 16 on a network filesystem. Each takes 12 MB.
 */
export function defaultThreads(root: string): Threads {
  const isNetwork = NETWORK_FILESYSTEMS.has(fs.statfsSync(root).type);
  if (isNetwork) return { most: MOST_THREADS, atOnce: MOST_THREADS };
  const processors = Math.min(MOST_THREADS, os.availableParallelism());
  return { most: Math.min(MOST_THREADS, processors * 2), atOnce: processors };
}
