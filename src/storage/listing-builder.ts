import { DigestList } from "../registry/digest.js";
import type { DigestAlgorithm } from "../registry/digest.js";
import type { MistakenPath } from "../registry/stray-path.js";
import type { LinkSection, OddLink, RepositoryListing, SoundLinks, StorageFault, Stray, UploadListing } from "./listing.js";

/** Collects a repository's listing, or a part of one. */
export class RepositoryListingBuilder {
  readonly #links: Record<LinkSection, { readonly digests: DigestList; readonly modified: number[] }> = {
    revisions: { digests: new DigestList("sha256"), modified: [] },
    layers: { digests: new DigestList("sha256"), modified: [] },
  };
  readonly #oddLinks: OddLink[] = [];
  readonly #tags: string[] = [];
  readonly #current = new DigestList("sha256");
  readonly #tagTimes: number[] = [];
  readonly #oddCurrent: { tag: number; content: Uint8Array | undefined }[] = [];
  readonly #indexTags: number[] = [];
  readonly #indexDigests = new DigestList("sha256");
  readonly #oddIndex: { tag: number; algorithm: DigestAlgorithm; hex: string; content: Uint8Array | undefined }[] = [];
  readonly #others: { tag: number; name: string }[] = [];
  readonly #uploads: UploadListing[] = [];
  readonly #strays: Stray[] = [];
  readonly #archived: string[] = [];
  readonly #faults: StorageFault[] = [];
  #isRepository = false;

  constructor(readonly name: string) {}

  /** Says that the registry has written here. */
  markRepository(): void {
    this.#isRepository = true;
  }

  /** `modified` is in seconds; pass it for every link of a listing or for none. */
  addSoundLink(section: LinkSection, hex: string, modified?: number): void {
    const links = this.#links[section];
    links.digests.push(hex);
    if (modified !== undefined) links.modified.push(modified);
  }

  /** The same for a digest in words. */
  addSoundWords(section: LinkSection, words: Uint32Array, modified: number): void {
    const links = this.#links[section];
    links.digests.pushWords(words);
    links.modified.push(modified);
  }

  addOddLink(link: OddLink): void {
    this.#oddLinks.push(link);
  }

  /** Returns the tag's position, which its index entries name. `modified` is in seconds; pass it for every tag of a listing or for none. */
  addTag(name: string, currentHex: string, modified?: number): number {
    this.#current.push(currentHex);
    return this.#addName(name, modified);
  }

  #addName(name: string, modified: number | undefined): number {
    if (modified !== undefined) this.#tagTimes.push(modified);
    return this.#tags.push(name) - 1;
  }

  /** A tag whose history has the digest that it names now, in words, and no other yet. */
  addSoundTag(name: string, words: Uint32Array, modified: number): void {
    this.#current.pushWords(words);
    this.#indexTags.push(this.#addName(name, modified));
    this.#indexDigests.pushWords(words);
  }

  addOddTag(name: string, content: Uint8Array | undefined, modified?: number): number {
    const tag = this.#addName(name, modified);
    this.#current.pushNothing();
    this.#oddCurrent.push({ tag, content });
    return tag;
  }

  addIndexEntry(tag: number, hex: string): void {
    this.#indexTags.push(tag);
    this.#indexDigests.push(hex);
  }

  addOddIndexEntry(tag: number, algorithm: DigestAlgorithm, hex: string, content: Uint8Array | undefined): void {
    this.#oddIndex.push({ tag, algorithm, hex, content });
  }

  /** An object below a tag's directory that is none of its links; `name` is its path from there on. */
  addTagObject(tag: number, name: string): void {
    this.#others.push({ tag, name });
  }

  addUpload(upload: UploadListing): void {
    this.#uploads.push(upload);
  }

  /** Several files of one stray directory are one stray, if they come one after the other. */
  addStray(stray: Stray): void {
    const last = this.#strays.at(-1);
    if (last?.path === stray.path) this.#strays.splice(-1, 1, ...joinStrays([last, stray]));
    else this.#strays.push(stray);
  }

  /** A link that a pull reads, and that is in an archive storage class. */
  addArchived(path: string): void {
    this.#archived.push(path);
  }

  addFault(path: string, cause: string): void {
    this.#faults.push({ path, cause });
  }

  build(): RepositoryListing {
    return {
      name: this.name,
      isRepository: this.#isRepository,
      revisions: this.#soundLinks("revisions"),
      layers: this.#soundLinks("layers"),
      oddLinks: this.#oddLinks,
      tags: {
        names: this.#tags,
        current: this.#current.toWords(),
        modified: timesOf(this.#tagTimes, this.#tags.length),
        oddCurrent: this.#oddCurrent,
        indexTag: Uint32Array.from(this.#indexTags),
        indexDigests: this.#indexDigests.toWords(),
        oddIndex: this.#oddIndex,
        others: this.#others,
      },
      uploads: this.#uploads,
      strays: this.#strays,
      ...(this.#archived.length > 0 ? { archived: this.#archived } : {}),
      faults: this.#faults,
    };
  }

  #soundLinks(section: LinkSection): SoundLinks {
    const { digests, modified } = this.#links[section];
    return { digests: digests.toWords(), modified: timesOf(modified, digests.count) };
  }
}

function timesOf(times: readonly number[], count: number): Uint32Array | undefined {
  return times.length > 0 && times.length === count ? Uint32Array.from(times) : undefined;
}

/** One stray for each path. */
export function joinStrays(strays: readonly Stray[]): Stray[] {
  const joined = new Map<string, Stray>();
  for (const { path, bytes, mistaken } of strays) {
    const before = joined.get(path);
    joined.set(path, { path, bytes: bytes + (before?.bytes ?? 0), mistaken: worse(before?.mistaken, mistaken) });
  }
  return [...joined.values()];
}

function worse(one: MistakenPath | undefined, other: MistakenPath | undefined): MistakenPath | undefined {
  return one === undefined || other?.by === "purger" ? other : one;
}
