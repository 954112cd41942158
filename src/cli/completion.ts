import type { Options } from "yargs";
import { defaultJournalDirectory } from "../journal/journal.js";
import { listRuns } from "../journal/read-run.js";
import { REPAIR_CODES } from "../repair/codes.js";
import { CHECK_OPTIONS, COMMANDS } from "./commands.js";
import { GLOBAL_OPTIONS, VERIFY_OPTIONS } from "./options.js";

/** What may be offered with the check. */
const OPTIONS: Readonly<Record<string, Options>> = { ...CHECK_OPTIONS, ...GLOBAL_OPTIONS };
const NAMES: readonly string[] = [...Object.keys(COMMANDS), "completion"];

/**
 * What may stand for the word that is being typed. yargs completes commands that are named, but knows nothing of the options of the
 * default command, and would offer it as `$0`. Where nothing fits, the shell goes on with names of files.
 */
export function complete(
  current: string,
  _: unknown,
  completeByYargs: (onCompleted: (error: Error | null, words: readonly string[] | undefined) => void) => void,
  done: (words: string[]) => void,
): void {
  const words = process.argv.slice(process.argv.indexOf("--get-yargs-completions") + 2);
  if (["restore", "purge"].includes(words[0] ?? "") && words.length === 2 && !current.startsWith("-"))
    done(runsHere().filter((run) => run.startsWith(current)));
  else if (words.indexOf("repair") >= 0 && words.indexOf("repair") < words.length - 1 && !current.startsWith("-"))
    done(REPAIR_CODES.filter((code) => code.startsWith(current)));
  else if (words.some((word, i) => NAMES.includes(word) && i < words.length - 1))
    completeByYargs((_error, offered) => done([...(offered ?? [])]));
  else done(checkWords(current, words.at(-2)).filter((word) => word.startsWith(current)));
}

function runsHere(): readonly string[] {
  try {
    return listRuns(defaultJournalDirectory());
  } catch {
    // Whoever completes a word is told nothing.
    return [];
  }
}

/** Words for the default command: the values of the option before, or options, or commands. */
function checkWords(current: string, previous = ""): string[] {
  const option = previous.startsWith("--") ? OPTIONS[previous.slice(2)] : undefined;
  if (option?.choices !== undefined) return option.choices.map(String);
  // The value of `--verify` is no word of its own.
  if (option !== undefined && option.type !== "boolean" && option !== VERIFY_OPTIONS.verify) return [];
  if (!current.startsWith("-")) return [...NAMES];
  return [...Object.keys(OPTIONS), "help", "version"].map((name) => `--${name}`);
}
