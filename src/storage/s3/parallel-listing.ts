import { concurrently } from "../../concurrently.js";
import type { BucketReader } from "./bucket-reader.js";
import { noteDensity } from "./digest-section.js";
import type { Cuts } from "./digest-section.js";
import { isBefore, isOrderedAlike, KeyRange } from "./key-range.js";
import type { ListedObjects } from "./page.js";

/** What reads the keys of one range, in their order. */
export interface RangeReader<T> {
  /** Called for each page; `isLast` for the last one, which may be empty. */
  read(objects: ListedObjects, isLast: boolean): Promise<T>;
}

/** How the keys below a prefix are divided among requests under way. */
export interface ListingPlan {
  readonly prefix: string;
  /** How many pages there are, if somebody knows. */
  readonly expectedPages?: number;
  /** Where a range can be cut; undefined where nothing is known of what lies ahead. */
  readonly cuts: (range: KeyRange) => Cuts | undefined;
  /** How to ask the storage what lies ahead of a range; undefined when there is nothing to ask. */
  readonly explore?: ((range: KeyRange) => Exploration | undefined) | undefined;
  /** Where a range may be cut if there is nothing to ask. */
  readonly guess?: ((range: KeyRange) => Cuts | undefined) | undefined;
}

/** A request that shows what lies ahead of a range. */
export interface Exploration {
  /** Pages that are left, as far as it can be told. */
  readonly pages: number;
  readonly start: () => Promise<void>;
}

/** One page's yield, or why a range could not be listed to its end. */
interface PageResult<T> {
  readonly value: T;
  readonly failure?: { readonly after: string; readonly error: unknown };
}

/** No smaller pieces, in pages: the last page of each is half empty. */
const PIECE = 3;
/**
 * Requests that may be spent on dividing the work, and as many more for each page: on looking ahead, and on what the last pages of ranges
 * lack. Until its last page is there, a range may lack a whole one.
 */
const FREE_REQUESTS = 8;
const REQUESTS_PER_PAGE = 0.05;
/** Ranges that keep a processor busy: dividing them further only costs requests. */
const ENOUGH_RANGES = 8;
const MOST_RANGES = 16;
const PAGES_BEFORE_GUESSING = 2;

interface Job<T> {
  readonly range: KeyRange;
  readonly reader: RangeReader<T>;
  /** A page is under way, or its result has not been yielded yet. */
  busy: boolean;
  /** Up to which key results have been yielded. */
  given: string;
}

/** A page that was read, and what is to be noted when its result is yielded. */
interface Outcome<T> {
  readonly result: PageResult<T>;
  readonly settle: () => void;
}

/** Lists all keys below a prefix, in ranges that are cut as it becomes known where the keys are. */
export class ParallelListing<T> {
  readonly #jobs = new Set<Job<T>>();
  #pages = 0;
  #largestPage = 1;
  /** Requests that were spent on dividing the work, and on what last pages lacked. */
  #spent = 0;
  #exploring = false;

  constructor(
    private readonly bucket: Pick<BucketReader, "list" | "limit">,
    private readonly plan: ListingPlan,
    private readonly makeReader: () => RangeReader<T>,
  ) {
    this.#add(new KeyRange(plan.prefix, "", undefined));
  }

  /** Whether keys with this prefix may still come. */
  isAwaiting(prefix: string): boolean {
    const isAlike = isOrderedAlike(prefix);
    for (const { range, given } of this.#jobs) {
      const startsBefore = (isAlike ? given < prefix : isBefore(given, prefix)) || given.startsWith(prefix);
      if (startsBefore && (range.through === undefined || range.through >= prefix)) return true;
    }
    return false;
  }

  /** The yield of each page. A range that fails ends with a failure, and the others go on. */
  async *pages(): AsyncGenerator<PageResult<T>> {
    for await (const outcome of concurrently(this.bucket.limit.most, () => this.#next())) {
      if (outcome === undefined) continue;
      outcome.settle();
      yield outcome.result;
    }
  }

  #add(range: KeyRange): void {
    this.#jobs.add({ range, reader: this.makeReader(), busy: false, given: range.position });
  }

  #next(): Promise<Outcome<T> | undefined> | undefined {
    const idle = this.#idle();
    if (idle !== undefined) return this.#run(idle);
    if (this.#jobs.size >= Math.min(ENOUGH_RANGES, this.bucket.limit.current)) return undefined;
    const budget = this.#budget;
    if (budget < 1) return undefined;
    const { cuts, guess } = this.plan;
    if (this.#cut(cuts, budget)) return this.#next();
    const exploring = budget < 2 ? undefined : this.#explore();
    return exploring ?? (guess !== undefined && this.#mayGuess && this.#cut(guess, budget) ? this.#next() : undefined);
  }

  #idle(): Job<T> | undefined {
    for (const job of this.#jobs) if (!job.busy) return job;
    return undefined;
  }

  async #run(job: Job<T>): Promise<Outcome<T>> {
    job.busy = true;
    const { range, reader } = job;
    const end = (): void => void this.#jobs.delete(job);
    try {
      const { objects, isLast } = await range.next(this.bucket);
      this.#pages++;
      this.#largestPage = Math.max(this.#largestPage, objects.length);
      if (isLast) this.#spent += 1 - objects.length / this.#largestPage;
      noteDensity(range, objects);
      const result = { value: await reader.read(objects, isLast) };
      const goOn = (): void => {
        job.given = range.position;
        job.busy = false;
      };
      return { result, settle: isLast ? end : goOn };
    } catch (error) {
      const failure = { after: range.position, error };
      return { result: { value: await reader.read([], true), failure }, settle: end };
    }
  }

  /** Requests that may be spent on dividing the work by now. */
  get #budget(): number {
    let known = this.#pages;
    for (const { range } of this.#jobs) known += this.plan.cuts(range)?.pages ?? 0;
    const pages = Math.max(known, this.plan.expectedPages ?? 0, 1);
    return Math.floor(FREE_REQUESTS + REQUESTS_PER_PAGE * pages - this.#spent - this.#jobs.size);
  }

  /** Cuts the range with the most left to list, of those that can be cut, into as many pieces as there are slots for. */
  #cut(cutsOf: (range: KeyRange) => Cuts | undefined, budget: number): boolean {
    const free = Math.min(MOST_RANGES, this.bucket.limit.current) - this.#jobs.size;
    const candidates: { readonly range: KeyRange; readonly cuts: Cuts }[] = [];
    for (const { range } of this.#jobs) {
      const cuts = cutsOf(range);
      if (cuts !== undefined && cuts.pages >= 2 * PIECE) candidates.push({ range, cuts });
    }
    candidates.sort((a, b) => b.cuts.pages - a.cuts.pages);
    return candidates.some(({ range, cuts }) =>
      this.#cutAt(range, cuts.at(Math.min(free, budget, Math.floor(cuts.pages / PIECE) - 1))),
    );
  }

  #cutAt(range: KeyRange, keys: readonly string[]): boolean {
    const { position, through } = range;
    const inside = keys.filter((key) => isOrderedAlike(key) && key > position && (through === undefined || key < through));
    if (inside.length === 0) return false;
    const ends = [...inside.slice(1), through];
    range.through = inside[0];
    for (const [i, after] of inside.entries()) {
      const piece = new KeyRange(range.prefix, after, ends[i]);
      piece.density = range.density;
      this.#add(piece);
    }
    return true;
  }

  get #mayGuess(): boolean {
    return !this.#exploring && this.#pages >= PAGES_BEFORE_GUESSING;
  }

  /** Looks ahead where the most is left. */
  #explore(): Promise<undefined> | undefined {
    if (this.#exploring) return undefined;
    const found = Array.from(this.#jobs, ({ range }) => this.plan.explore?.(range)).filter((look) => look !== undefined);
    const [first] = found.sort((a, b) => b.pages - a.pages);
    if (first === undefined) return undefined;
    this.#spent++;
    this.#exploring = true;
    return first.start().then(() => {
      this.#exploring = false;
      return undefined;
    });
  }
}
