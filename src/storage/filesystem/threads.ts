import fs from "node:fs";
import os from "node:os";

/** How many threads there are, and what they do. */
export interface Threads {
  /** Threads that read what is listed, the main thread among them. */
  readonly readers: number;
  /** So many, where each call waits too briefly for anything but another thread. */
  readonly readersWhereWaiting: number;
  /** Calls under way at a time in each of `readers`, where calls wait; those beyond make one at a time. */
  readonly lanes: number;
  /** Threads that change the storage, each one object at a time. */
  readonly changers: number;
  /** Threads that read blobs to their end, each one at a time. */
  readonly verifiers: number;
  /** Whether each call may wait for a network. */
  readonly isNetwork: boolean;
}

/** Magic numbers of `statfs(2)` for filesystems behind a network, where waiting, not the processor, is the bound. */
const NETWORK_FILESYSTEMS = new Set([0x6969, 0xff534d42, 0xfe534d42, 0x517b, 0x00c36400, 0x65735546, 0x0bd00bd0, 0x5346414f]);

const MOST_THREADS = 16;
/** Each more takes 12 MB, and from here on a disk is hardly any faster. */
const READERS_WHERE_WAITING = 12;
/** As many as a file server answers at a time without a queue, by and large: libuv makes no more (`bin/regcheck.cjs`). */
const DEFAULT_CALLS = 64;
/** Of these some are waiting to be counted, while others take their place. */
const DEFAULT_LANES = 128;

/**
 * One reading thread a processor: where all is cached a second one has nothing to wait for, and compiles the same code again; where calls
 * wait, more of them are made at a time. `concurrency` is how many calls the operator says.
 */
export function threadsFor(root: string, concurrency: number | undefined): Threads {
  const isNetwork = NETWORK_FILESYSTEMS.has(fs.statfsSync(root).type);
  const processors = Math.min(MOST_THREADS, os.availableParallelism());
  const calls = concurrency ?? DEFAULT_CALLS;
  const readers = Math.min(calls, processors);
  const readersWhereWaiting = Math.max(readers, Math.min(READERS_WHERE_WAITING, Math.floor(calls / 2)));
  return {
    readers,
    readersWhereWaiting,
    lanes: concurrency === undefined ? DEFAULT_LANES : Math.floor((concurrency - (readersWhereWaiting - readers)) / readers),
    changers: concurrency ?? (isNetwork ? MOST_THREADS : processors),
    verifiers: concurrency ?? Math.min(MOST_THREADS, isNetwork ? MOST_THREADS : processors * 2),
    isNetwork,
  };
}
