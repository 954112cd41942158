/** The content is no JSON, or none that the registry reads. */
export class NotJson extends Error {
  constructor(message = "the manifest is not JSON") {
    super(message);
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
export const LIST = 0x5b;
export const OBJECT = 0x7b;
const LIST_END = 0x5d;
const OBJECT_END = 0x7d;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;

/** Go's decoder refuses what is nested deeper (`encoding/json`, `maxNestingDepth`). */
const MAX_DEPTH = 10_000;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const INTEGER = /^-?[0-9]+$/;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** What `encoding/json` takes for the same letter, besides the case (`foldName`): the long s and the sign of Kelvin. */
function fold(name: string): string {
  return Buffer.from(name, "latin1").toString().replaceAll("\u017F", "s").toLowerCase();
}

/** The names that a struct of the registry has, and how its decoder finds them: as they are written, or else without regard to case. */
export class FieldNames {
  readonly #folded: ReadonlyMap<string, string>;
  readonly #names: readonly string[];

  /** The most frequent ones first: a few comparisons take less than it takes to hash a name. */
  constructor(...names: readonly string[]) {
    this.#names = names;
    this.#folded = new Map(names.map((name) => [fold(name), name]));
  }

  /** The field that a name in a manifest means; undefined if it means none. */
  find(name: string): string | undefined {
    for (const field of this.#names) if (field === name) return field;
    return this.#folded.get(fold(name));
  }
}

/**
 * Reads JSON the way in which Go's `encoding/json` fills the structs of a registry, which is what decides whether a manifest is served:
 * `JSON.parse` does not tell of a name that comes twice, or is spelled otherwise, nor 1.0 from 1. It reads bytes as Latin-1, for all that
 * has a meaning in a manifest is ASCII. No depth of nesting makes it recurse deeper than its caller.
 */
export class JsonReader {
  #at = 0;
  #depth = 0;

  constructor(private readonly text: string) {}

  /** Throws unless all has been read. */
  end(): void {
    if (!Number.isNaN(this.#next())) throw new NotJson();
  }

  /** The first character of the next value; not a number at the end. */
  peek(): number {
    return this.#next();
  }

  /** Whether `null` comes next, or something that is no JSON. */
  isNull(): boolean {
    return this.#next() === LETTER_N;
  }

  /** Reads `null` if that comes next. */
  takeNull(): boolean {
    if (!this.isNull()) return false;
    this.#literal("null");
    return true;
  }

  /** Begins the object or list that comes next. */
  open(): void {
    if (++this.#depth > MAX_DEPTH) throw new NotJson(`the manifest nests more than ${MAX_DEPTH} objects and lists`);
    this.#at++;
  }

  /** The name of the next member, or undefined after the last one; `isFirst` right after `open`. */
  member(isFirst: boolean): string | undefined {
    return this.#goesOn(isFirst, OBJECT_END) ? this.#name() : undefined;
  }

  /** Whether a list has one more item. */
  item(isFirst: boolean): boolean {
    return this.#goesOn(isFirst, LIST_END);
  }

  /** The string that comes next, as bytes in Latin-1; undefined if it is none, which is left unread. */
  string(): string | undefined {
    return this.#next() === QUOTE ? this.#string() : undefined;
  }

  /** The integer of 64 bits that comes next, undefined if the value is none, which is left unread. */
  integer(): number | undefined {
    const begin = this.#skipSpace();
    NUMBER.lastIndex = begin;
    const [number] = NUMBER.exec(this.text) ?? [];
    if (number === undefined || !INTEGER.test(number)) return undefined;
    if (number.length > 18 && BigInt.asIntN(64, BigInt(number)) !== BigInt(number)) return undefined;
    this.#at = begin + number.length;
    return Number(number);
  }

  /** Reads what comes next if it matches a sticky pattern. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#skipSpace();
    const match = pattern.exec(this.text) ?? undefined;
    if (match !== undefined) this.#at = pattern.lastIndex;
    return match;
  }

  /** Reads the next value, whatever it is, and returns the beginning of its text. */
  skip(): string {
    const begin = this.#skipSpace();
    const ends: number[] = [];
    do {
      const code = this.#next();
      if (code === OBJECT || code === LIST) {
        ends.push(code === OBJECT ? OBJECT_END : LIST_END);
        this.open();
        if (this.#enters(true, ends)) continue;
      } else this.#scalar(code);
      while (ends.length > 0 && !this.#enters(false, ends));
    } while (ends.length > 0);
    return this.text.slice(begin, Math.min(this.#at, begin + 200));
  }

  /** Goes on to the next value of the innermost of the open objects and lists, or closes it. */
  #enters(isFirst: boolean, ends: number[]): boolean {
    const end = ends.at(-1) ?? LIST_END;
    if (this.#goesOn(isFirst, end)) {
      if (end === OBJECT_END) this.#name();
      return true;
    }
    ends.pop();
    return false;
  }

  #goesOn(isFirst: boolean, end: number): boolean {
    const code = this.#next();
    if (code === end) {
      this.#at++;
      this.#depth--;
      return false;
    }
    if (isFirst) return true;
    if (code !== COMMA) throw new NotJson();
    this.#at++;
    return true;
  }

  #name(): string {
    if (this.#next() !== QUOTE) throw new NotJson();
    const name = this.#string();
    if (this.#next() !== COLON) throw new NotJson();
    this.#at++;
    return name;
  }

  #string(): string {
    const { text } = this;
    const begin = this.#at + 1;
    let at = begin;
    for (let code = text.charCodeAt(at); code !== QUOTE; code = text.charCodeAt(++at)) {
      // Not a number at the end of the text, too.
      if (!(code >= 0x20)) throw new NotJson();
      if (code === BACKSLASH) return this.#escapedString(begin);
    }
    this.#at = at + 1;
    return text.slice(begin, at);
  }

  #escapedString(begin: number): string {
    const { text } = this;
    let at = begin;
    for (let code = text.charCodeAt(at); code !== QUOTE; code = text.charCodeAt(at)) {
      if (!(code >= 0x20)) throw new NotJson();
      if (code !== BACKSLASH) at++;
      else {
        ESCAPE.lastIndex = at;
        if (!ESCAPE.test(text)) throw new NotJson();
        at = ESCAPE.lastIndex;
      }
    }
    this.#at = at + 1;
    return unescape(text.slice(begin, at));
  }

  #scalar(code: number): void {
    if (code === QUOTE) this.#string();
    else if (code === LETTER_T) this.#literal("true");
    else if (code === LETTER_F) this.#literal("false");
    else if (code === LETTER_N) this.#literal("null");
    else {
      NUMBER.lastIndex = this.#at;
      if (!NUMBER.test(this.text)) throw new NotJson();
      this.#at = NUMBER.lastIndex;
    }
  }

  #literal(word: string): void {
    if (!this.text.startsWith(word, this.#at)) throw new NotJson();
    this.#at += word.length;
  }

  #next(): number {
    return this.text.charCodeAt(this.#skipSpace());
  }

  #skipSpace(): number {
    const { text } = this;
    let at = this.#at;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code > 0x20 || (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09)) return (this.#at = at);
      at++;
    }
  }
}

/** The bytes of a string whose escapes are well formed. */
function unescape(raw: string): string {
  const text: unknown = JSON.parse(`"${Buffer.from(raw, "latin1").toString()}"`);
  return typeof text === "string" ? Buffer.from(text).toString("latin1") : raw;
}
