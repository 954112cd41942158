import fs from "node:fs";
import path from "node:path";
import { UsageError } from "../errors.js";
import { hasUtf8 } from "../report/ascii.js";
import type { TextOptions } from "../report/wrap.js";
import { replaceFile } from "../durable-files.js";
import { causeOf } from "../system-errors.js";

/** How text is laid out for where it goes: colour and a width for a terminal, neither for a pipe or a file; ASCII where the locale is C. */
export function textOptions(stream: NodeJS.WriteStream | undefined): TextOptions {
  const isTerminal = stream?.isTTY === true;
  const colour = isTerminal && (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb";
  return { colour, width: isTerminal ? widthOf(stream) : undefined, ascii: !hasUtf8(process.env) };
}

/** Undefined where the terminal does not know it, as a serial line or a container's, which say 0. */
function widthOf({ columns }: NodeJS.WriteStream): number | undefined {
  return columns === 0 ? undefined : columns;
}

/**
 * Writes pieces of text to stdout at its own pace, until the end or until it fails; returns whether all of it was written. Of an error its own
 * listener is told: a reader that goes away (`| head`) is none.
 */
export async function writeToStdout(pieces: Iterable<string>): Promise<boolean> {
  const write = fs.fstatSync(process.stdout.fd).isFile() ? writeToFile : writeToPipe;
  for (const chunk of inChunks(pieces)) if (!(await write(chunk))) return false;
  return true;
}

/** Prints what a command has changed. Where stdout fails, it goes to stderr: what was changed, and the way back, must be known. */
export async function writeChange(make: () => Iterable<string> | Promise<Iterable<string>>): Promise<void> {
  if (await writeToStdout(await make())) return;
  for (const piece of await make()) process.stderr.write(piece);
}

/** A stream takes the part of a text that a disk still had room for as the whole. */
async function writeToFile(chunk: string): Promise<boolean> {
  try {
    fs.writeFileSync(process.stdout.fd, chunk);
    return true;
  } catch (error) {
    process.stdout.emit("error", error);
    return false;
  }
}

function writeToPipe(chunk: string): Promise<boolean> {
  return new Promise((resolve) => process.stdout.write(chunk, (error) => resolve(error === undefined || error === null)));
}

/** A file that an option names. */
export interface OutputFile {
  /** Without its dashes. */
  readonly option: string;
  readonly path: string;
}

/** Refuses what cannot be written to, before hours of work are done for it. Throws a `UsageError`. */
export function checkOutputFile(file: OutputFile): void {
  try {
    const stat = fs.statSync(file.path, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) throw new Error("it is a directory: expected a file");
    // Writing to one that nobody reads would block the process, and with it its signals.
    if (stat?.isFIFO() === true) throw new Error("it is a pipe: leave the option out, and pipe what is printed");
    const target = targetOf(file.path);
    if (target !== undefined && (stat?.isFile() ?? true)) fs.accessSync(path.dirname(target), fs.constants.W_OK);
    else fs.accessSync(file.path, fs.constants.W_OK);
  } catch (error) {
    throw failure(file, error);
  }
}

/** Refuses files of which one would replace another. Throws a `UsageError`. */
export function checkDistinct(files: readonly OutputFile[]): void {
  const names = files.map(nameOf);
  for (const [i, { option, path: name }] of files.entries()) {
    const other = files[names.indexOf(names[i] ?? "")];
    if (other === undefined || other === files[i]) continue;
    throw new UsageError(`--${option} ${name}: --${other.option} names it too, and one would replace the other`);
  }
}

/** What a file is known by, however it is named. */
function nameOf({ path: name }: OutputFile): string {
  try {
    return targetOf(name) ?? path.resolve(name);
  } catch {
    return path.resolve(name);
  }
}

/**
 * Writes a file so that a reader sees the old one or the new one, never a part, with the mode of the old one. Where the operator has made
 * a symbolic link, it stays and what it leads to is replaced; a device, and what a process has open (`/dev/stdout`), is written to. Throws a `UsageError` that names the option and the file.
 */
export function writeOutputFile(file: OutputFile, pieces: Iterable<string>): void {
  checkOutputFile(file);
  try {
    const stat = fs.statSync(file.path, { throwIfNoEntry: false });
    const target = targetOf(file.path);
    if (target !== undefined && (stat?.isFile() ?? true))
      replaceFile(target, (descriptor) => writeAll(descriptor, pieces, stat?.mode));
    else writeInto(file.path, pieces);
  } catch (error) {
    throw failure(file, error);
  }
}

function failure({ option, path: name }: OutputFile, error: unknown): UsageError {
  return new UsageError(`--${option} ${name}: ${causeOf(error)}`);
}

/** What the file holds that a report is about to replace; undefined if there is none, or it cannot be read or is no ordinary file. */
export function readIfFile(file: string): string | undefined {
  try {
    return fs.statSync(file).isFile() ? fs.readFileSync(file, "utf8") : undefined;
  } catch {
    return undefined;
  }
}

function writeAll(descriptor: number, pieces: Iterable<string>, mode?: number): void {
  for (const chunk of inChunks(pieces)) fs.writeFileSync(descriptor, chunk);
  if (mode !== undefined) fs.fchmodSync(descriptor, mode & 0o7777);
}

/** The links of the system: below them are devices and what processes have open, which may have no name any more. */
const SYSTEM_LINKS = /^\/(?:dev(?!\/shm\/)|proc)\//;
/** As many symbolic links as Linux follows. */
const MAX_LINKS = 40;

/** What a file's name leads to by symbolic links, though it may not be there yet; undefined where that is open already, by the system's links. */
function targetOf(name: string): string | undefined {
  let target = path.resolve(name);
  for (let links = 0; links < MAX_LINKS; links++) {
    const directory = fs.realpathSync(path.dirname(target));
    target = path.join(directory, path.basename(target));
    if (SYSTEM_LINKS.test(target)) return undefined;
    if (fs.lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return target;
    target = path.resolve(directory, fs.readlinkSync(target));
  }
  throw new Error("it is a symbolic link to itself");
}

function writeInto(file: string, pieces: Iterable<string>): void {
  // What stdout was redirected to with `>>` keeps what it has.
  const descriptor = fs.openSync(file, "a");
  try {
    writeAll(descriptor, pieces);
  } finally {
    fs.closeSync(descriptor);
  }
}

const CHUNK_CHARACTERS = 64 * 1024;

/** Joins small pieces, so that a million findings are not a million writes. */
function* inChunks(pieces: Iterable<string>): Generator<string> {
  let chunk = "";
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = "";
  }
  if (chunk !== "") yield chunk;
}
