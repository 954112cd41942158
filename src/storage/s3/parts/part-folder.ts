import fs from "node:fs";
import path from "node:path";
import { replaceFile } from "../../../durable-files.js";
import { UsageError } from "../../../errors.js";
import { CacheSegment, listSegments } from "../cache-segment.js";
import type { Part } from "./part.js";

/** Written last: a folder without it holds a part that was not finished. */
const PART_FILE = "part.json";
const SCHEMA_VERSION = "1.0";
const FOLDER = /^part-(0|[1-9]\d{0,4})-of-([1-9]\d{0,4})$/;

/** What a part is of. */
export interface PartStorage {
  readonly location: string;
  /** Host and port; undefined on AWS. */
  readonly server: string | undefined;
}

/** A folder that is named as the one of a part. */
export interface PartFolder extends Part {
  readonly name: string;
  readonly directory: string;
}

/** What `part.json` says of a finished part. */
export interface FinishedPart extends Part {
  readonly storage: PartStorage;
  /** The part's segments: names within the folder, and bytes. */
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

export function partFolder(cache: string, { part, parts }: Part): PartFolder {
  const name = `part-${part}-of-${parts}`;
  return { part, parts, name, directory: path.join(cache, name) };
}

/** The folders of parts in a cache's directory, by number. Throws the system's error. */
export function listPartFolders(cache: string): PartFolder[] {
  const names = fs.readdirSync(cache, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const folders = names.flatMap(({ name }) => {
    const [, part, parts] = FOLDER.exec(name) ?? [];
    return part === undefined || parts === undefined ? [] : [partFolder(cache, { part: Number(part), parts: Number(parts) })];
  });
  return folders.sort((a, b) => a.parts - b.parts || a.part - b.part);
}

/** From here on the folder's part counts as not finished. Throws a `UsageError` where it has one of another storage. */
export function beginPart(folder: PartFolder, storage: PartStorage): void {
  const file = path.join(folder.directory, PART_FILE);
  if (fs.existsSync(file)) {
    const finished = parsePartFile(fs.readFileSync(file, "utf8"));
    if (finished !== undefined) refuseOther(folder, finished.storage, storage);
  }
  fs.rmSync(file, { force: true });
}

/** Throws a `UsageError` where a folder's part is `of` another storage than the one that is meant. */
export function refuseOther({ directory }: PartFolder, of: PartStorage, meant: PartStorage): void {
  const other = otherStorage(of, meant);
  if (other !== undefined) throw new UsageError(`${directory} is a part ${other}`);
}

/** Of which storage something is, and of which not; undefined where it is of the one that is meant. */
export function otherStorage(of: PartStorage, meant: PartStorage): string | undefined {
  if (of.location === meant.location && of.server === meant.server) return undefined;
  return `of ${describe(of)}, not of ${describe(meant)}`;
}

/** Says that the folder has its whole part. A segment of another version of regcheck is none of it: what it holds was read again. */
export function finishPart(folder: PartFolder, storage: PartStorage, manifests: number): void {
  const { directory, part, parts } = folder;
  const files = listSegments(directory).flatMap((file) => partSegment(file) ?? []);
  const content = {
    schemaVersion: SCHEMA_VERSION,
    part,
    parts,
    storage,
    finishedAt: new Date().toISOString(),
    manifests,
    files,
  };
  replaceFile(path.join(directory, PART_FILE), (descriptor) => {
    fs.writeFileSync(descriptor, `${JSON.stringify(content, undefined, 2)}\n`);
  });
}

/** A segment's name, and bytes; undefined where it is damaged, or of another version. */
export function partSegment(file: string): FinishedPart["files"][number] | undefined {
  const segment = CacheSegment.open(file);
  segment?.close();
  return segment && { name: path.basename(file), bytes: segment.bytes };
}

/** What the folder's `part.json` says; undefined where there is none: the part is not finished. Throws a `UsageError`. */
export function readPartFile(folder: PartFolder): FinishedPart | undefined {
  const file = path.join(folder.directory, PART_FILE);
  if (!fs.existsSync(file)) return undefined;
  const parsed = parsePartFile(fs.readFileSync(file, "utf8"));
  if (parsed === undefined)
    throw new UsageError(`${file}: it is cut short, or not what regcheck manifests --part writes: ${again(folder)}`);
  if (parsed.part !== folder.part || parsed.parts !== folder.parts)
    throw new UsageError(`${file} is part ${parsed.part}/${parsed.parts}, which its folder does not say: rename the folder`);
  return parsed;
}

/** What to do about a part that is of no use. */
export function again({ part, parts }: Part): string {
  return `run regcheck manifests --part ${part}/${parts} again`;
}

function describe({ location, server }: PartStorage): string {
  return server === undefined ? location : `${location} on ${server}`;
}

function parsePartFile(text: string): FinishedPart | undefined {
  const { part, parts, storage, files } = fieldsOf(parseJson(text));
  const of = parseStorage(storage);
  if (!isCount(part) || !isCount(parts) || of === undefined || !Array.isArray(files)) return undefined;
  const named = files.flatMap((file) => {
    const { name, bytes } = fieldsOf(file);
    return typeof name === "string" && path.basename(name) === name && isCount(bytes) ? [{ name, bytes }] : [];
  });
  return named.length === files.length ? { part, parts, storage: of, files: named } : undefined;
}

export function parseStorage(storage: unknown): PartStorage | undefined {
  const { location, server } = fieldsOf(storage);
  if (typeof location !== "string" || (server !== undefined && typeof server !== "string")) return undefined;
  return { location, server };
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
