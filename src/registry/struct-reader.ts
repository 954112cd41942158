import { JsonReader, LIST } from "./json-reader.js";
import type { OBJECT } from "./json-reader.js";

/** The registries whose structs differ: the last of 2.x, and 3.x. */
export type RegistryVersion = "2.8" | "3.x";

/** A value of another type than the field has in the registry's structs: it cannot read such a manifest. */
export interface WrongType {
  /** The outermost field that it lies in, or one that only Docker's lists have. */
  readonly field: string;
  readonly problem: string;
  /** The versions that have the field. */
  readonly versions: readonly RegistryVersion[];
}

export const BOTH: readonly RegistryVersion[] = ["2.8", "3.x"];
export const ONLY_2: readonly RegistryVersion[] = ["2.8"];
export const ONLY_3: readonly RegistryVersion[] = ["3.x"];

/** Reads values into the types of Go's structs, and notes what has another type: that is read past, as Go does. */
export class StructReader {
  readonly wrongTypes: WrongType[] = [];
  protected readonly json: JsonReader;
  /** Where the reader is, for people: the outermost field, the item of its list, the field of that. */
  protected field = "the manifest";
  protected item = -1;
  protected inner = "";

  constructor(content: Buffer) {
    this.json = new JsonReader(content.toString("latin1"));
  }

  /** A list of strings, or an object of them; returns how many. */
  protected readStrings(kind: typeof LIST | typeof OBJECT): number {
    const json = this.json;
    let count = 0;
    if (!this.opens(kind, kind === LIST ? "a list" : "an object")) return count;
    const more = (): boolean => (kind === LIST ? json.item(count === 0) : json.member(count === 0) !== undefined);
    for (; more(); count++) this.string();
    return count;
  }

  protected string(versions = BOTH): string | undefined {
    const text = this.json.string();
    if (text === undefined && !this.json.takeNull()) this.#wrong("a string", versions);
    return text;
  }

  protected integer(): number | undefined {
    const number = this.json.integer();
    if (number === undefined && !this.json.takeNull()) this.#wrong("an integer");
    return number;
  }

  /** Begins an object or list; reads past anything else. */
  protected opens(kind: typeof LIST | typeof OBJECT, expected: string): boolean {
    if (this.json.peek() === kind) {
      this.json.open();
      return true;
    }
    if (!this.json.takeNull()) this.#wrong(expected);
    return false;
  }

  #wrong(expected: string, versions = BOTH): void {
    this.addWrong(this.json.skip(), expected, versions);
  }

  protected addWrong(value: string, expected: string, versions: readonly RegistryVersion[]): void {
    const item = this.item < 0 ? "" : `[${this.item}]`;
    const inner = this.inner === "" ? "" : `.${this.inner}`;
    this.wrongTypes.push({
      field: this.field,
      problem: `${this.field}${item}${inner} is ${shown(value)}, not ${expected}`,
      versions,
    });
  }
}

/** The beginning of a value's text, on one line. */
function shown(value: string): string {
  return value.replaceAll(/\s+/g, " ").slice(0, 80);
}
