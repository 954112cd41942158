import fs from "node:fs";
import type { Dirent, Stats } from "node:fs";
import { MAX_LINK_BYTES } from "../../registry/layout.js";
import { isAbsent } from "../../system-errors.js";
import type { Answer, Answers } from "./answers.js";
import { READ_FLAGS } from "./calls.js";

/** Larger files are left to whoever reads them: nearly all manifests are smaller. */
const BUFFER_BYTES = 64 * 1024;

/** One call under way, with the memory that it reads into. */
interface Lane {
  readonly buffer: Buffer;
}

/**
 * Calls of the system that wait at the same time, so many at most, without a thread of JavaScript for each: libuv makes them in threads
 * of its own. A call costs several times as much as a synchronous one: only worth it where calls wait.
 */
export class Lanes {
  readonly #free: Lane[] = [];
  readonly #queue: ((lane: Lane) => void)[] = [];
  #made = 0;

  /** `closingWaits`: whether closing a file may wait as other calls do. */
  constructor(
    private readonly most: number,
    private readonly closingWaits: boolean,
  ) {}

  /** Whether one more call can be under way. */
  get hasFree(): boolean {
    return this.#made - this.#free.length < this.most;
  }

  /** Whether more calls are wanted than can be under way. */
  get isFull(): boolean {
    return this.#queue.length > 0;
  }

  /** Reads a file from its beginning, as `readInto` does: `expected` bytes are taken for all that there is. */
  read(answers: Answers, path: string, expected = Number.NaN): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      this.#take((lane) => {
        const end = (answer: Answer<Uint8Array | undefined> | undefined): void => {
          this.#release(lane);
          if (answer !== undefined) answers.contents.set(path, answer);
          resolve(answer !== undefined && "value" in answer ? answer.value : undefined);
        };
        fs.open(path, READ_FLAGS, (error, file) => {
          if (error === null) readAll(file, { lane, length: 0, expected }, (answer) => this.#close(file, () => end(answer)));
          else end(isAbsent(error) ? { value: undefined } : { error });
        });
      });
    });
  }

  lstat(answers: Answers, path: string): Promise<Stats | undefined> {
    return this.#call(path, answers.stats, (done) => {
      fs.lstat(path, (error, stats) => (error !== null && isAbsent(error) ? done(null, undefined) : done(error, stats)));
    });
  }

  async entries(answers: Answers, path: string): Promise<Dirent[]> {
    return (await this.#call<Dirent[]>(path, answers.entries, (done) => fs.readdir(path, { withFileTypes: true }, done))) ?? [];
  }

  async names(answers: Answers, path: string): Promise<string[]> {
    return (await this.#call<string[]>(path, answers.names, (done) => fs.readdir(path, done))) ?? [];
  }

  /** A file that was only read is closed whatever the system says of it. */
  #close(file: number, done: () => void): void {
    if (this.closingWaits) {
      fs.close(file, done);
      return;
    }
    try {
      fs.closeSync(file);
    } catch {
      // As above.
    }
    done();
  }

  #call<T>(
    path: string,
    answers: Map<string, Answer<T>>,
    call: (done: (error: unknown, value: T) => void) => void,
  ): Promise<T | undefined> {
    return new Promise((resolve) => {
      this.#take((lane) => {
        call((error, value) => {
          this.#release(lane);
          answers.set(path, error === null ? { value } : { error });
          resolve(error === null ? value : undefined);
        });
      });
    });
  }

  #take(use: (lane: Lane) => void): void {
    const lane = this.#free.pop() ?? (this.#made < this.most ? this.#make() : undefined);
    if (lane === undefined) this.#queue.push(use);
    else use(lane);
  }

  #make(): Lane {
    this.#made++;
    return { buffer: Buffer.allocUnsafeSlow(BUFFER_BYTES) };
  }

  #release(lane: Lane): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#free.push(lane);
    else next(lane);
  }
}

/** Reads to the end of an open file; no answer where the buffer is too small for it. */
function readAll(file: number, read: Reading, done: (answer: Answer<Uint8Array> | undefined) => void): void {
  const { lane, length, expected } = read;
  const { buffer } = lane;
  fs.read(file, buffer, length, buffer.length - length, null, (error, more) => {
    const all = length + more;
    if (error !== null) done({ error });
    else if (all === buffer.length) done(undefined);
    // Only a read of nothing is the end, but for links, and for what is as long as it was.
    else if (more > 0 && all > MAX_LINK_BYTES && all !== expected) readAll(file, { lane, length: all, expected }, done);
    else done({ value: Uint8Array.from(buffer.subarray(0, all)) });
  });
}

/** How far a file was read. */
interface Reading {
  readonly lane: Lane;
  readonly length: number;
  readonly expected: number;
}
