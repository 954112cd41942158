import { REPOSITORIES, TAGS_DIRECTORY } from "../../registry/layout.js";
import type { BucketReader } from "./bucket-reader.js";
import { endOfSection, sectionCuts } from "./digest-section.js";
import type { Cuts } from "./digest-section.js";
import type { KeyRange } from "./key-range.js";

/**
 * Where the keys below `repositories/` can be cut. Names and tags are not spread evenly, and nothing says how many there are. So:
 * within links, by the uniformity of digests; between directories that a listing with a delimiter has shown; and within long rows of
 * tags or names, by the characters in which the last page's keys differ.
 *
 * No cut falls into a tag's directory or an upload's: their keys come to one reader.
 */
export class RepositorySplitter {
  /** Keys of directories that are known to be there, sorted. */
  #directories: string[] = [];
  /** For each directory that was looked into: the key up to which its children are known, or true for all of them. */
  readonly #explored = new Map<string, string | true>();

  constructor(
    private readonly bucket: BucketReader,
    private readonly root: string,
    /** Keys in a repository on average, as far as it is known. */
    private readonly keysPerRepository: () => number,
  ) {}

  /** See `ListingPlan.cuts`. */
  cuts(range: KeyRange): Cuts | undefined {
    const section = sectionCuts(range);
    if (section !== undefined && section.pages >= 3) return this.#withTail(range, section);
    return this.#betweenDirectories(range) ?? this.#withinNames(range);
  }

  /** See `ListingPlan.explore`: looks into the uppermost directory of which not all is known. */
  explore(range: KeyRange): Promise<void> | undefined {
    if (range.pages === 0) return undefined;
    for (const directory of this.#ancestors(range.position)) {
      const known = this.#explored.get(directory);
      if (known === true || (known !== undefined && known > range.position)) continue;
      return this.#exploreDirectory(directory, range.position);
    }
    return undefined;
  }

  async #exploreDirectory(directory: string, after: string): Promise<void> {
    this.#explored.set(directory, true);
    try {
      const page = await this.bucket.list({ prefix: directory, startAfter: after, delimiter: "/" });
      const last = page.prefixes.at(-1);
      if (page.isTruncated && last !== undefined) this.#explored.set(directory, last);
      this.#directories = [...new Set([...this.#directories, ...page.prefixes])].sort();
    } catch {
      // It would only have helped to divide the work; if the storage has a fault, the listing itself meets it.
    }
  }

  /** From `repositories/` down to the repository that the key belongs to, and its `_manifests/`. */
  #ancestors(key: string): string[] {
    const ancestors: string[] = [];
    for (let slash = key.indexOf("/", this.root.length + REPOSITORIES.length); slash >= 0; slash = key.indexOf("/", slash + 1)) {
      const directory = key.slice(0, slash + 1);
      if (/\/_(?!manifests\/$)/.test(directory)) break;
      ancestors.push(directory);
    }
    return ancestors;
  }

  /** Behind the section there may be more than in it: one cut goes to its end. */
  #withTail(range: KeyRange, section: Cuts): Cuts {
    const end = endOfSection(range.position);
    if (end === undefined || (range.through !== undefined && range.through <= end)) return section;
    return { pages: section.pages + 1, at: (count) => [...section.at(count - 1), end] };
  }

  #betweenDirectories(range: KeyRange): Cuts | undefined {
    const from = lowerBound(this.#directories, range.position);
    const to = range.through === undefined ? this.#directories.length : lowerBound(this.#directories, range.through);
    const count = to - from;
    if (count < 1) return undefined;
    return {
      pages: Math.max(3, (count * this.keysPerRepository()) / 1000),
      at: (wanted) => {
        const pieces = Math.min(wanted + 1, count + 1);
        return Array.from(
          { length: pieces - 1 },
          (_, i) => this.#directories[from + Math.floor(((i + 1) * count) / pieces)] ?? "",
        );
      },
    };
  }

  #withinNames(range: KeyRange): Cuts | undefined {
    const { firstOfPage: first, position: last } = range;
    if (first === undefined || range.pages < 2) return undefined;
    const key = middle(first, last, range.through);
    return key === undefined || !this.#isBetweenNames(key) ? undefined : { pages: Math.max(3, range.pages), at: () => [key] };
  }

  /** Whether a cut here separates whole tags, or whole repositories. */
  #isBetweenNames(key: string): boolean {
    const directory = key.slice(0, key.lastIndexOf("/") + 1);
    return directory.endsWith(`/${TAGS_DIRECTORY}/`) || !directory.includes("/_");
  }
}

/**
 * A key between the last of a page and the names that may follow: the first character in which the page's keys differ goes half way up
 * to the end of its kind (digits, capitals, small letters). Names that begin alike go on alike, mostly.
 */
function middle(first: string, last: string, through: string | undefined): string | undefined {
  let differs = 0;
  while (differs < last.length && first[differs] === last[differs]) differs++;
  const directory = last.lastIndexOf("/", differs - 1) + 1;
  for (let at = differs; at >= directory; at--) {
    const character = last.charCodeAt(at);
    const top = KINDS.find(([low, high]) => character >= low && character <= high)?.[1];
    if (top === undefined) continue;
    const bound = through?.startsWith(last.slice(0, at)) === true ? Math.min(top, through.charCodeAt(at)) : top;
    const half = Math.ceil((character + bound) / 2);
    if (half > character && half <= bound) {
      const key = last.slice(0, at) + String.fromCharCode(half);
      if (through === undefined || key < through) return key;
    }
  }
  return undefined;
}

const KINDS = ["09", "AZ", "az"].map((range): readonly [number, number] => [range.charCodeAt(0), range.charCodeAt(1)]);

/** The first index whose element is greater than the key. */
function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const half = (low + high) >>> 1;
    if ((sorted[half] ?? "") <= key) low = half + 1;
    else high = half;
  }
  return low;
}
