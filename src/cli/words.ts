import fs from "node:fs";
import type { Options } from "yargs";
import { UsageError } from "../errors.js";
import { showUrl } from "../show-url.js";
import { nearest } from "./did-you-mean.js";

/** Options by name, without their dashes. */
export type OptionTable = Readonly<Record<string, Options>>;

/** What the words of a command line are held against. */
export interface CommandLine {
  /** All options of all commands. */
  readonly options: OptionTable;
  readonly commands: ReadonlySet<string>;
  /** Options that mean something when they are given more than once. */
  readonly repeatable: ReadonlySet<string>;
}

const SWITCH_VALUES: ReadonlySet<string> = new Set(["true", "false"]);

/**
 * The words for yargs, once there is no doubt what each of them means. By itself yargs takes any value of a switch but `true` for no, the last
 * of two switches that contradict each other, a name with a dot for part of another, and drops what follows `--`: each time something
 * else would be done than what is written. Throws a `UsageError`.
 */
export function readWords(words: readonly string[], commandLine: CommandLine): string[] {
  return new Reader(words, commandLine).read();
}

class Reader {
  readonly #names: ReadonlyMap<string, string>;
  readonly #given = new Set<string>();
  readonly #positionals: string[] = [];
  readonly #read: string[] = [];
  /** The check, or a sweep, was named by a word. */
  #named = false;

  constructor(
    private readonly words: readonly string[],
    private readonly commandLine: CommandLine,
  ) {
    this.#names = spellings(commandLine.options);
  }

  read(): string[] {
    const { words } = this;
    let at = 0;
    while (at < words.length && words[at] !== "--") at += this.#take(words[at] ?? "", words[at + 1]);
    for (const word of words.slice(at + 1)) this.#takeOperand(word);
    if (this.#command === undefined && this.#positionals.length > 0 && this.#given.has("storage"))
      throw new UsageError(`the storage is given twice: as ${showUrl(this.#positionals[0] ?? "")} and as --storage`);
    return this.#read;
  }

  get #command(): string | undefined {
    const [first] = this.#positionals;
    return first !== undefined && !this.#named && this.commandLine.commands.has(first) ? first : undefined;
  }

  /** Takes a word, and the next one where that is its value. Returns how many these are. */
  #take(word: string, next: string | undefined): 1 | 2 {
    if (!word.startsWith("-") || word === "-") return this.#takePositional(word);
    const [spelling, value] = splitAtEquals(word);
    const { name, isSwitch } = this.#optionOf(spelling);
    if (isSwitch) return this.#takeSwitch(word, name, value, next);
    // An option whose value may be left out would take the next word for it, which is the storage.
    if (value === undefined && name === "verify") return this.#push("--verify=1/1");
    const takesNext = value === undefined && next !== undefined && (next === "-" || !next.startsWith("-"));
    refuseQuotes(name, value ?? (takesNext ? next : ""));
    this.#push(word);
    if (!takesNext) return 1;
    this.#push(next);
    return 2;
  }

  #takePositional(word: string): 1 {
    if (this.#positionals.length === 0) {
      // The check has no name of its own, and a sweep is an option of it; people type them all the same.
      if (word === "check" && !this.#named) return this.#name();
      if (word === "sweep" && !this.#named && !this.#given.has("sweep")) {
        this.#given.add("sweep");
        this.#push("--sweep");
        return this.#name();
      }
      this.#refuseMisspelt(word);
    }
    this.#positionals.push(word);
    return this.#push(word);
  }

  #name(): 1 {
    this.#named = true;
    return 1;
  }

  /** A storage is a path: a lone word that is nearly a command, and no directory, is one that was mistyped. */
  #refuseMisspelt(word: string): void {
    if (this.#named || this.commandLine.commands.has(word) || !/^[a-z]+$/.test(word) || fs.existsSync(word)) return;
    const meant = nearest(word, [...this.commandLine.commands, "check", "sweep"]);
    if (meant !== undefined) throw new UsageError(`${word}: no such command, and no such directory: did you mean ${meant}?`);
  }

  /** The option that is written so, which is given now. */
  #optionOf(spelling: string): { readonly name: string; readonly isSwitch: boolean } {
    const name = this.#names.get(spelling);
    const option = name === undefined ? undefined : this.commandLine.options[name];
    if (name === undefined || option === undefined) throw this.#unknownOption(spelling);
    if (this.#given.has(name) && !this.commandLine.repeatable.has(name))
      throw new UsageError(`--${name} is given twice: give it once`);
    this.#given.add(name);
    return { name, isSwitch: option.type === "boolean" };
  }

  #unknownOption(spelling: string): UsageError {
    const meant = nearest(spelling, this.#names.keys());
    return new UsageError(
      `Unknown argument: ${spelling.replace(/^--/, "")}${meant === undefined ? "" : `: did you mean ${meant}?`}`,
    );
  }

  #takeSwitch(word: string, name: string, value: string | undefined, next: string | undefined): 1 {
    if (value !== undefined && !SWITCH_VALUES.has(value))
      throw new UsageError(`--${name}=${value}: a switch is on when it is given; after = only true and false are understood`);
    // yargs takes such a word for the switch's value: it may as well be the storage.
    if (value === undefined && next !== undefined && SWITCH_VALUES.has(next))
      throw new UsageError(`--${name} ${next}: write --${name}=${next}`);
    return this.#push(word);
  }

  /** What follows `--` is no option and no command, whatever it looks like. */
  #takeOperand(word: string): void {
    const isStorage = this.#command === undefined;
    if (word.startsWith("-") && !isStorage) throw new UsageError(`${word}: what stands there does not begin with a dash`);
    this.#positionals.push(word);
    this.#push(isStorage && /^[^/.]/.test(word) && !/^s3:\/\//i.test(word) ? `./${word}` : word);
  }

  #push(word: string): 1 {
    this.#read.push(word);
    return 1;
  }
}

/** From each way to write an option to its name: with two dashes, or one and a letter. */
function spellings(options: OptionTable): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [name, { alias = [] }] of Object.entries(options)) {
    for (const spelling of [name, ...(typeof alias === "string" ? [alias] : alias)])
      names.set(spelling.length === 1 ? `-${spelling}` : `--${spelling}`, name);
  }
  return names;
}

function splitAtEquals(word: string): readonly [string, string | undefined] {
  const at = word.indexOf("=");
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

/** yargs takes quotes off that no shell has: as of a list of arguments in YAML. Whether they are part of the name, nobody can tell. */
function refuseQuotes(name: string, value: string): void {
  if (/^(?:"[^]*"|'[^]*')$/.test(value)) throw new UsageError(`--${name} ${value}: write the value without quotes`);
}
