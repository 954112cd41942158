import { REPOSITORIES, REVISIONS_DIRECTORY, TAGS_DIRECTORY } from "../../registry/layout.js";
import type { BucketReader } from "./bucket-reader.js";
import { endOfSection, sectionCuts } from "./digest-section.js";
import type { Cuts } from "./digest-section.js";
import type { KeyRange } from "./key-range.js";
import type { Exploration } from "./parallel-listing.js";

/** Pages in a range of which nothing is known: enough to cut it once. */
const UNKNOWN = 6;

/** What comes behind a repository's layer links. */
const TAIL = [`${REVISIONS_DIRECTORY}/`, `${TAGS_DIRECTORY}/`];

/**
 * Where the keys below `repositories/` can be cut. Names and tags are not spread evenly, and nothing says how many there are. So:
 * within links, by the uniformity of digests; between directories that a listing with a delimiter has shown; and within long rows of
 * tags or names, by the characters in which the last page's keys differ.
 *
 * No cut falls into a tag's directory or an upload's: their keys come to one reader.
 */
export class RepositorySplitter {
  /** Keys of directories that are known to be there, sorted: the first is what all of them lie in. */
  #directories: readonly string[] = [];
  /** For each directory, what is expected in it besides those in it that are known, in pages. */
  readonly #pages = new Map<string, number>();
  /** The sum of that for those before each position. */
  #sums: readonly number[] = [0];
  /** For each directory that was looked into: the key up to which its children are known, or true for all of them. */
  readonly #explored = new Map<string, string | true>();

  constructor(
    private readonly bucket: Pick<BucketReader, "list">,
    private readonly root: string,
    /** Pages in all, as far as it can be told beforehand. */
    private readonly expectedPages: number,
  ) {
    this.#add([`${root}${REPOSITORIES}/`], expectedPages);
  }

  #add(directories: readonly string[], pages: number): void {
    for (const directory of directories) this.#pages.set(directory, pages);
    this.#directories = [...this.#pages.keys()].sort();
    let sum = 0;
    this.#sums = [0, ...this.#directories.map((directory) => (sum += this.#pages.get(directory) ?? 0))];
  }

  /** See `ListingPlan.cuts`. */
  cuts(range: KeyRange): Cuts | undefined {
    const section = sectionCuts(range);
    if (section !== undefined && section.pages >= UNKNOWN) return this.#withTail(range, section);
    return this.#betweenDirectories(range);
  }

  /** See `ListingPlan.explore`: looks into the uppermost directory that is larger than a page, and of which not all is known. */
  explore(range: KeyRange): Exploration | undefined {
    if (range.pages === 0) return range.position === "" ? this.#exploreAll(range) : undefined;
    for (const directory of this.#ancestors(range.position)) {
      if (range.firstOfPage?.startsWith(directory) !== true) break;
      const known = this.#explored.get(directory);
      if (known === true || (known !== undefined && known > range.position)) continue;
      return { pages: this.#pagesLeft(range), start: () => this.#exploreDirectory(directory, range.position) };
    }
    return undefined;
  }

  /** Before the first page is there: a request that lists nothing would be for nothing where that is also the last one. */
  #exploreAll(range: KeyRange): Exploration | undefined {
    const all = `${this.root}${REPOSITORIES}/`;
    if (this.expectedPages < UNKNOWN || this.#explored.has(all)) return undefined;
    return { pages: this.#pagesLeft(range), start: () => this.#exploreDirectory(all, "") };
  }

  async #exploreDirectory(directory: string, after: string): Promise<void> {
    this.#explored.set(directory, true);
    try {
      const page = await this.bucket.list({ prefix: directory, startAfter: after === "" ? undefined : after, delimiter: "/" });
      const last = page.prefixes.at(-1);
      if (page.isTruncated && last !== undefined) this.#explored.set(directory, last);
      const unknown = page.prefixes.filter((prefix) => !this.#pages.has(prefix));
      // One more, which holds the key that it begins behind.
      const each = (this.#pages.get(directory) ?? 0) / (unknown.length + 1);
      this.#add([directory, ...unknown], each);
    } catch {
      // It would only have helped to divide the work; if the storage has a fault, the listing itself meets it.
    }
  }

  /** From `repositories/` down to the directory that the key's repository lies in. What a repository holds is known. */
  #ancestors(key: string): string[] {
    const ancestors: string[] = [];
    for (let slash = key.indexOf("/", this.root.length + REPOSITORIES.length); slash >= 0; slash = key.indexOf("/", slash + 1)) {
      const directory = key.slice(0, slash + 1);
      if (key[slash + 1] === "_") break;
      ancestors.push(directory);
    }
    return ancestors;
  }

  /** Behind the layer links there may be more than in them: two cuts go to where the revisions and the tags begin. */
  #withTail(range: KeyRange, section: Cuts): Cuts {
    const { position, through } = range;
    const layers = position.indexOf("/_layers/");
    const behind =
      layers < 0 ? [endOfSection(position) ?? ""] : TAIL.map((directory) => position.slice(0, layers + 1) + directory);
    const tail = behind.filter((key) => through === undefined || key < through);
    return {
      pages: section.pages + tail.length,
      at: (count) => [...section.at(Math.max(0, count - tail.length)), ...tail.slice(0, count)],
    };
  }

  #betweenDirectories(range: KeyRange): Cuts | undefined {
    // Nothing lies in front of the first one.
    const from = range.position === "" ? 2 : countBefore(this.#directories, `${range.position}\0`);
    const to = this.#end(range);
    const count = to - from;
    if (count < 1) return undefined;
    return {
      pages: Math.max(UNKNOWN, this.#pagesBetween(from, to)),
      at: (wanted) => {
        const pieces = Math.min(wanted + 1, count + 1);
        return Array.from(
          { length: pieces - 1 },
          (_, i) => this.#directories[from + Math.floor(((i + 1) * count) / pieces)] ?? "",
        );
      },
    };
  }

  /** Of a range, as far as it can be told from the directories in it. */
  #pagesLeft(range: KeyRange): number {
    return this.#pagesBetween(countBefore(this.#directories, range.after), this.#end(range)) - range.pages;
  }

  #pagesBetween(from: number, to: number): number {
    return (this.#sums[to] ?? 0) - (this.#sums[from] ?? 0);
  }

  /** The position of the first directory behind the range. */
  #end({ through }: KeyRange): number {
    return through === undefined ? this.#directories.length : countBefore(this.#directories, through);
  }

  /** See `ListingPlan.guess`. */
  guess(range: KeyRange): Cuts | undefined {
    if (range.pages < 2) return undefined;
    const key = nameAhead(range);
    return key === undefined || !this.#isBetweenNames(key)
      ? undefined
      : { pages: Math.max(UNKNOWN, range.pages), at: () => [key] };
  }

  /** Whether a cut here separates whole tags, or whole repositories. */
  #isBetweenNames(key: string): boolean {
    const directory = key.slice(0, key.lastIndexOf("/") + 1);
    // The first underscore ends the repository's name: further ones are within a tag or an upload.
    const own = directory.indexOf("/_", this.root.length + REPOSITORIES.length);
    return own < 0 || directory.slice(own + 1) === `${TAGS_DIRECTORY}/`;
  }
}

/**
 * A key among the names that may follow: some character of the last name goes half way up to the end of its kind (digits, capitals, small
 * letters), or to the range's end.
 */
function nameAhead(range: KeyRange): string | undefined {
  for (const at of guessable(range)) {
    const key = halfWayUp(range.position, at, range.through);
    if (key !== undefined) return key;
  }
  return undefined;
}

/**
 * The characters of the last name that may go up. Names that begin alike go on alike, mostly: the first guess is the character in which
 * the last page's names differ. Behind a guess, the digits before it come first: after `v15` there may be `v2` to `v9`.
 */
function guessable({ firstOfPage = "", position, through, after }: KeyRange): number[] {
  const differs = firstDifference(firstOfPage, position);
  const name = position.lastIndexOf("/", differs - 1) + 1;
  const directory = position.slice(0, name);
  if (through?.startsWith(directory) === true) return upwards(firstDifference(position, through), differs);
  if (after.length <= name || !after.startsWith(directory)) return upwards(name, differs).toReversed();
  const digits = upwards(name, after.length - 2).filter((at) => /\d/.test(position[at] ?? ""));
  return [...digits.toReversed(), ...upwards(after.length - 1, differs)];
}

function upwards(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}

/** The key up to a character that is half way between the one at `at` and the last that may follow. */
function halfWayUp(key: string, at: number, through: string | undefined): string | undefined {
  const character = key.charCodeAt(at);
  const top = KINDS.find(([low, high]) => character >= low && character <= high)?.[1];
  if (top === undefined) return undefined;
  const bound = through?.startsWith(key.slice(0, at)) === true ? Math.min(top, through.charCodeAt(at)) : top;
  const half = Math.ceil((character + bound) / 2);
  const ahead = key.slice(0, at) + String.fromCharCode(half);
  return half > character && half <= bound && (through === undefined || ahead < through) ? ahead : undefined;
}

const KINDS = ["09", "AZ", "az"].map((range): readonly [number, number] => [range.charCodeAt(0), range.charCodeAt(1)]);

function firstDifference(one: string, other: string): number {
  let at = 0;
  while (at < one.length && at < other.length && one[at] === other[at]) at++;
  return at;
}

/** How many elements sort before the key. */
function countBefore(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const half = (low + high) >>> 1;
    if ((sorted[half] ?? "") < key) low = half + 1;
    else high = half;
  }
  return low;
}
