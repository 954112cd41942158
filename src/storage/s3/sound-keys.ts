import { noElement } from "../../element-at.js";
import { DIGEST_WORDS, readHexWords } from "../../registry/digest.js";
import { LAYERS_DIRECTORY, LINK_BYTES, REVISIONS_DIRECTORY, TAG_CURRENT, TAGS_DIRECTORY } from "../../registry/layout.js";
import type { LinkSection } from "../listing.js";
import { isAt } from "./is-at.js";
import { md5OfLink } from "./link-md5.js";
import type { ScannedObjects } from "./scanned-objects.js";

const SECTIONS = [
  { section: "layers", directory: Buffer.from(`${LAYERS_DIRECTORY}/sha256/`) },
  { section: "revisions", directory: Buffer.from(`${REVISIONS_DIRECTORY}/sha256/`) },
] as const satisfies readonly { readonly section: LinkSection; readonly directory: Buffer }[];
const TAGS = Buffer.from(`${TAGS_DIRECTORY}/`);
const CURRENT = Buffer.from(`/${TAG_CURRENT}`);
const INDEX = Buffer.from("/index/sha256/");
const LINK = Buffer.from("/link");
const HEX_LENGTH = 64;
const MD5_HEX_LENGTH = 32;
const MD5_WORDS = 4;
const SLASH = 0x2f;

/**
 * Recognises, among the objects of a page, what nearly all of a repository's are: links by sha256 that hold what their path says, by their
 * ETag, and tags with one entry in their history. It reads bytes, and makes no string but of a tag's name. What it does not recognise
 * may be anything, sound links included.
 */
export class SoundKeys {
  /** Of the link or the tag that was recognised last. */
  readonly words = new Uint32Array(DIGEST_WORDS.sha256);
  readonly #md5 = new Uint32Array(MD5_WORDS);
  readonly #etag = new Uint32Array(MD5_WORDS);

  readonly #repository: Buffer;

  /** `prefix` is what the paths of the repository begin with, up to the underscore of its own directories. */
  constructor(
    private readonly objects: ScannedObjects,
    /** Characters of the keys that come before the paths. */
    private readonly rootLength: number,
    prefix: string,
  ) {
    this.#repository = Buffer.from(prefix.slice(0, -1));
  }

  /** The section of a link, whose digest is in `words`. */
  link(i: number): LinkSection | undefined {
    const own = this.#own(i);
    if (own < 0) return undefined;
    const { bytes } = this.objects;
    const length = this.#end(i) - own;
    for (const { section, directory } of SECTIONS) {
      if (length !== directory.length + HEX_LENGTH + LINK.length || !isAt(bytes, own, directory)) continue;
      const hex = own + directory.length;
      return isAt(bytes, hex + HEX_LENGTH, LINK) && this.#readLink(hex) && this.#holds(i) ? section : undefined;
    }
    return undefined;
  }

  /** The name of a tag whose objects are this one and the next one, and whose digest is in `words`. */
  tag(i: number): string | undefined {
    const own = this.#own(i);
    const { bytes } = this.objects;
    // What may follow decides whether it is a tag of two objects.
    if (own < 0 || i + 2 >= this.objects.length || !isAt(bytes, own, TAGS)) return undefined;
    const name = own + TAGS.length;
    let slash = name;
    while (slash < this.#end(i) && bytes[slash] !== SLASH) slash++;
    if (slash === name || this.#end(i) - slash !== CURRENT.length || !isAt(bytes, slash, CURRENT)) return undefined;
    const length = slash - this.#start(i);
    const index = this.#start(i + 1) + length;
    if (!this.#isSame(i, i + 1, length) || this.#isSame(i, i + 2, length + 1)) return undefined;
    const isSound = this.#readEntry(index, this.#end(i + 1)) && this.#holds(i) && this.#holds(i + 1);
    return isSound ? bytes.toString("latin1", name, slash) : undefined;
  }

  /** Reads the digest of an entry of a tag's history, of which there is a part of the key from the slash behind the tag on. */
  #readEntry(start: number, end: number): boolean {
    const { bytes } = this.objects;
    const hex = start + INDEX.length;
    if (end !== hex + HEX_LENGTH + LINK.length) return false;
    return isAt(bytes, start, INDEX) && isAt(bytes, hex + HEX_LENGTH, LINK) && this.#readLink(hex);
  }

  /** Where the path within the repository begins; -1 where the key belongs to another one. */
  #own(i: number): number {
    const path = this.#start(i) + this.rootLength;
    return isAt(this.objects.bytes, path, this.#repository) ? path + this.#repository.length : -1;
  }

  #start(i: number): number {
    return this.objects.keyStarts[i] ?? noElement(i, this.objects.keyStarts);
  }

  #end(i: number): number {
    return this.objects.keyEnds[i] ?? noElement(i, this.objects.keyEnds);
  }

  /** Whether two keys begin with the same bytes. */
  #isSame(i: number, other: number, length: number): boolean {
    const { bytes } = this.objects;
    const one = this.#start(i);
    const two = this.#start(other);
    // Backwards: what keys differ in comes at the end.
    for (let at = length - 1; at >= 0; at--) if (bytes[one + at] !== bytes[two + at]) return false;
    return true;
  }

  #readLink(hex: number): boolean {
    const { bytes } = this.objects;
    if (!readHexWords(bytes, hex, DIGEST_WORDS.sha256, this.words, 0)) return false;
    md5OfLink(bytes, hex, this.#md5);
    return true;
  }

  /** Whether the object's size and ETag are those of a link that holds what was read last. */
  #holds(i: number): boolean {
    const { bytes, sizes, etagStarts, etagEnds } = this.objects;
    const etag = etagStarts[i] ?? 0;
    if (sizes[i] !== LINK_BYTES || (etagEnds[i] ?? 0) - etag !== MD5_HEX_LENGTH) return false;
    if (!readHexWords(bytes, etag, MD5_WORDS, this.#etag, 0)) return false;
    for (let word = 0; word < MD5_WORDS; word++) if (this.#etag[word] !== this.#md5[word]) return false;
    return true;
  }
}
