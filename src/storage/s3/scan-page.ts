import { isAscii } from "node:buffer";
import { isAt } from "./is-at.js";
import { parsePage, parseRest, secondsOf } from "./page.js";
import type { ListedPage } from "./page.js";
import { MOST_SCANNED, ScannedObjects } from "./scanned-objects.js";

/** Reads a page of a listing. Throws a `DamagedPage`. */
export function readPage(body: Buffer): ListedPage {
  const scanned = scanPage(body);
  if (scanned !== undefined) return { ...parseRest(scanned.rest), objects: scanned.objects };
  // ASCII is decoded several times as fast.
  return parsePage(isAscii(body) ? body.toString("latin1") : body.toString("utf8"));
}

/**
 * Finds the objects of a page in its bytes, where all of it has the form that nearly all have: no string is made of what may never be
 * needed as one. Undefined for any other page, sound or not: `parsePage` judges that.
 */
function scanPage(body: Buffer): { readonly objects: ScannedObjects; readonly rest: string } | undefined {
  const root = body.indexOf("<ListBucketResult");
  const end = body.lastIndexOf("</ListBucketResult>");
  if (root < 0 || end < root) return undefined;
  const scanner = new Scanner(body);
  let rest = "";
  let at = root;
  for (let open = body.indexOf(OPEN, at); open >= 0; open = body.indexOf(OPEN, at)) {
    rest += body.toString("utf8", at, open);
    at = scanner.scan(open);
    if (at < 0 || at > end) return undefined;
  }
  return { objects: scanner.objects, rest: rest + body.toString("utf8", at, end) };
}

const OPEN = Buffer.from("<Contents>");
const CLOSE = Buffer.from("/Contents>");
const KEY = Buffer.from("Key>");
const SIZE = Buffer.from("Size>");
const MODIFIED = Buffer.from("LastModified>");
const ETAG = Buffer.from("ETag>");
const STORAGE_CLASS = Buffer.from("StorageClass>");
/** Whether objects of these classes are archived, other elements tell. */
const ARCHIVES = ["GLACIER<", "DEEP_ARCHIVE<"].map((text) => Buffer.from(text));
/** How servers write a quote. */
const NAMED_QUOTE = Buffer.from("&quot;");
const NUMBERED_QUOTE = Buffer.from("&#34;");
const PLAIN_QUOTE = Buffer.from('"');
const NO_QUOTE = Buffer.alloc(0);

const LESS_THAN = 0x3c;
const AMPERSAND = 0x26;
const QUOTE = 0x22;
const SLASH = 0x2f;
const NUMBER_SIGN = 0x23;
const ZERO = 0x30;
/** No number of more digits is exact, and no object so large. */
const MOST_DIGITS = 15;

/** In place of a position: this is not as nearly all pages are. */
const UNKNOWN = -1;

/** Elements that matter, as bits. */
const HAS_KEY = 1;
const HAS_MODIFIED = 2;
const HAS_ETAG = 4;
const HAS_SIZE = 8;
const HAS_CLASS = 16;
const NEEDED = HAS_KEY | HAS_MODIFIED | HAS_SIZE;

class Scanner {
  readonly objects: ScannedObjects;
  #lastKey = 0;
  #lastKeyEnd = 0;
  /** Where the last date begins: objects of one push share it. */
  #date = 0;
  #dateEnd = 0;
  #seconds = 0;

  constructor(private readonly bytes: Buffer) {
    this.objects = new ScannedObjects(bytes);
  }

  /** Takes objects that follow each other directly, from `<Contents>` at `at` on. Returns where they end, or -1. */
  scan(at: number): number {
    const { bytes } = this;
    let behind = at;
    do {
      if (this.objects.length === MOST_SCANNED) return UNKNOWN;
      behind = this.#object(behind + OPEN.length);
    } while (behind >= 0 && isAt(bytes, behind, OPEN));
    return behind;
  }

  #object(start: number): number {
    const { bytes, objects } = this;
    const i = objects.length;
    let has = 0;
    for (let at = start; ;) {
      const open = this.#lessThan(at);
      if (open < 0) return UNKNOWN;
      at = open + 1;
      const element = this.#elementAt(at);
      if (element === 0) {
        if (!isAt(bytes, at, CLOSE)) continue;
        if ((has & NEEDED) !== NEEDED) return UNKNOWN;
        if ((has & HAS_ETAG) === 0) objects.etagEnds[i] = objects.etagStarts[i] = 0;
        objects.length = i + 1;
        return at + CLOSE.length;
      }
      // The first of two counts, but it takes another parser to say so.
      if ((has & element) !== 0) return UNKNOWN;
      has |= element;
      at = this.#take(element, at, i);
      if (at < 0) return UNKNOWN;
    }
  }

  /** Which element has its name at `at`; 0 for one that does not matter, and for the end of any. */
  #elementAt(at: number): number {
    const { bytes } = this;
    switch (bytes[at] ?? 0) {
      case 0x4b:
        return isAt(bytes, at, KEY) ? HAS_KEY : 0;
      case 0x4c:
        return isAt(bytes, at, MODIFIED) ? HAS_MODIFIED : 0;
      case 0x45:
        return isAt(bytes, at, ETAG) ? HAS_ETAG : 0;
      case 0x53:
        return isAt(bytes, at, SIZE) ? HAS_SIZE : isAt(bytes, at, STORAGE_CLASS) ? HAS_CLASS : 0;
      default:
        return 0;
    }
  }

  /** Takes an element whose name is at `at`. Returns where to go on, or -1. */
  #take(element: number, at: number, i: number): number {
    switch (element) {
      case HAS_KEY:
        return this.#behind(this.#key(at + KEY.length, i), KEY);
      case HAS_MODIFIED:
        return this.#behind(this.#modified(at + MODIFIED.length, i), MODIFIED);
      case HAS_ETAG:
        return this.#behind(this.#etag(at + ETAG.length, i), ETAG);
      case HAS_SIZE:
        return this.#behind(this.#size(at + SIZE.length, i), SIZE);
      default:
        return this.#storageClass(at + STORAGE_CLASS.length);
    }
  }

  /** Where the end tag of an element ends whose value does. */
  #behind(end: number, name: Buffer): number {
    return end < 0 || this.bytes[end + 1] !== SLASH ? UNKNOWN : end + 2 + name.length;
  }

  // Each of these takes a value, and returns where it ends, or -1.

  /** Compares the key with the one before it while it is read: most of both is the same. */
  #key(start: number, i: number): number {
    const { bytes, objects } = this;
    let at = start;
    let before = this.#lastKey;
    while (before < this.#lastKeyEnd && bytes[at] === bytes[before]) {
      at++;
      before++;
    }
    const isBehind = bytes[at] !== LESS_THAN && (before === this.#lastKeyEnd || (bytes[at] ?? 0) > (bytes[before] ?? 0));
    if (i > 0 && !isBehind) objects.isAscending = false;
    for (; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === LESS_THAN) break;
      if (byte < 0x20 || byte >= 0x7f || byte === AMPERSAND) return UNKNOWN;
    }
    this.#lastKey = objects.keyStarts[i] = start;
    this.#lastKeyEnd = objects.keyEnds[i] = at;
    return at;
  }

  #modified(start: number, i: number): number {
    const { bytes } = this;
    const end = start + this.#dateEnd - this.#date;
    if (!this.#isLastDate(start) || bytes[end] !== LESS_THAN) {
      const behind = this.#lessThan(start);
      if (behind < 0) return UNKNOWN;
      const seconds = secondsOf(bytes.toString("latin1", start, behind));
      if (Number.isNaN(seconds)) return UNKNOWN;
      this.#date = start;
      this.#dateEnd = behind;
      this.#seconds = seconds;
    }
    this.objects.modified[i] = this.#seconds;
    return start + this.#dateEnd - this.#date;
  }

  #isLastDate(start: number): boolean {
    const { bytes } = this;
    if (this.#dateEnd === 0) return false;
    for (let at = this.#date, own = start; at < this.#dateEnd; at++, own++) if (bytes[at] !== bytes[own]) return false;
    return true;
  }

  #etag(start: number, i: number): number {
    const { bytes, objects } = this;
    const quote = this.#quoteAt(start);
    const from = start + quote.length;
    let to = from;
    for (; to < bytes.length; to++) {
      const byte = bytes[to] ?? 0;
      if (byte === LESS_THAN || byte === AMPERSAND || byte === QUOTE || byte >= 0x7f) break;
    }
    const end = to + quote.length;
    // What ends with other quotes than it begins with, or has some within, is for another parser.
    if (bytes[end] !== LESS_THAN || !isAt(bytes, to, quote)) return UNKNOWN;
    objects.etagStarts[i] = from;
    objects.etagEnds[i] = to;
    return end;
  }

  #quoteAt(start: number): Buffer {
    const { bytes } = this;
    if (bytes[start] !== AMPERSAND) return bytes[start] === QUOTE ? PLAIN_QUOTE : NO_QUOTE;
    return bytes[start + 1] === NUMBER_SIGN ? NUMBERED_QUOTE : NAMED_QUOTE;
  }

  #size(start: number, i: number): number {
    const { bytes } = this;
    let size = 0;
    let at = start;
    for (; bytes[at] !== LESS_THAN; at++) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9 || at - start === MOST_DIGITS) return UNKNOWN;
      size = size * 10 + digit;
    }
    if (at === start) return UNKNOWN;
    this.objects.sizes[i] = size;
    return at;
  }

  #storageClass(start: number): number {
    return ARCHIVES.some((name) => isAt(this.bytes, start, name)) ? UNKNOWN : start;
  }

  #lessThan(start: number): number {
    const { bytes } = this;
    for (let at = start; at < bytes.length; at++) if (bytes[at] === LESS_THAN) return at;
    return UNKNOWN;
  }
}
