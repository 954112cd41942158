import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { errorMessage, UsageError } from "../../../errors.js";
import { withTemporaryFiles } from "../../../temporary-directory.js";
import type { BucketReader } from "../bucket-reader.js";
import { causeOf as localCauseOf, isSystemError } from "../../../system-errors.js";
import { causeOf, openError } from "../errors.js";
import { tokenBehind } from "../page.js";
import type { InventoryFile } from "./manifest.js";
import { folderTime } from "./manifest.js";

/** A manifest of more bytes is none: a hundred thousand files of an inventory are some 30 MB. */
const MAX_MANIFEST_BYTES = 256 * 1024 ** 2;
const MANIFEST = "manifest.json";
const CHECKSUM = "manifest.checksum";

/** A `manifest.json`, found. */
export interface FoundManifest {
  readonly name: string;
  readonly text: string;
  /** By the name of its folder. */
  readonly folderTime: number | undefined;
}

/** Where an inventory lies: a bucket, or a directory that somebody has copied it to. */
export interface InventorySource {
  /** The manifest that was named, or the newest whole one below the folder that was. Throws a `UsageError`. */
  findManifest(): Promise<FoundManifest>;
  /**
   * A file of the inventory as one on this disk, compared with its MD5 and size; `directory` is for what has to be fetched. Throws an
   * error that says what is wrong with it, and a `UsageError` where that directory does not take it.
   */
  fetch(file: InventoryFile, directory: string): Promise<string>;
  close(): void;
}

/** An inventory in a bucket. */
export class BucketSource implements InventorySource {
  constructor(
    private readonly bucket: BucketReader,
    /** Of a manifest, or of a folder, without a slash at its end. */
    private readonly key: string,
  ) {}

  async findManifest(): Promise<FoundManifest> {
    if (this.key.endsWith(`/${MANIFEST}`) || this.key === MANIFEST) {
      const text = await this.#get(this.key);
      if (text === undefined) throw new UsageError(`--inventory ${this.#name(this.key)}: there is no such object`);
      return toFound(this.#name(this.key), text, await this.#get(this.key.replace(/manifest\.json$/, CHECKSUM)));
    }
    const folders = await this.#folders();
    for (const folder of folders.toReversed()) {
      const [text, checksum] = await Promise.all([this.#get(`${folder}${MANIFEST}`), this.#get(`${folder}${CHECKSUM}`)]);
      if (text !== undefined && checksum !== undefined && isWhole(text, checksum))
        return toFound(this.#name(`${folder}${MANIFEST}`), text, checksum);
    }
    throw noneIn(this.#name(this.key), folders.length);
  }

  async fetch(file: InventoryFile, directory: string): Promise<string> {
    const target = path.join(directory, "file");
    const found = await this.bucket.read(file.key, async (body) => {
      const hash = crypto.createHash("md5");
      let length = 0;
      const descriptor = withTemporaryFiles(() => fs.openSync(target, "w", 0o600));
      try {
        for await (const chunk of body as AsyncIterable<Buffer>) {
          length += chunk.length;
          hash.update(chunk);
          withTemporaryFiles(() => fs.writeFileSync(descriptor, chunk));
        }
      } finally {
        fs.closeSync(descriptor);
      }
      return { length, md5: hash.digest("hex") };
    });
    if (found === undefined) throw new Error("it is missing");
    compare(file, found.length, found.md5);
    return target;
  }

  close(): void {
    this.bucket.close();
  }

  /** The folders below the one that was named, whose names are dates: in order, so the last one is the newest. */
  async #folders(): Promise<readonly string[]> {
    const prefix = this.key === "" ? "" : `${this.key}/`;
    const folders: string[] = [];
    try {
      for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
        const page = await this.bucket.list({ prefix, delimiter: "/", token });
        folders.push(...page.prefixes.filter((folder) => folderTime(folder.slice(prefix.length, -1)) !== undefined));
        token = page.isTruncated ? tokenBehind(page, token) : undefined;
      }
    } catch (error) {
      throw openError(error, `--inventory ${this.#name(this.key)}`, undefined);
    }
    return folders.sort();
  }

  async #get(key: string): Promise<string | undefined> {
    try {
      return (await this.bucket.get(key, MAX_MANIFEST_BYTES))?.toString("utf8");
    } catch (error) {
      throw new UsageError(`--inventory ${this.#name(key)}: ${causeOf(error)}`, { cause: error });
    }
  }

  #name(key: string): string {
    return `s3://${this.bucket.name}/${key}`;
  }
}

/** An inventory on this disk, as `aws s3 sync` leaves it: the data beside the manifest, beside its folder, or in it. */
export class DirectorySource implements InventorySource {
  #directory = "";

  constructor(private readonly named: string) {}

  async findManifest(): Promise<FoundManifest> {
    try {
      return this.#find();
    } catch (error) {
      throw isSystemError(error) ? new UsageError(`--inventory ${this.named}: ${localCauseOf(error)}`, { cause: error }) : error;
    }
  }

  #find(): FoundManifest {
    if (!isDirectory(this.named)) return this.#read(this.named);
    const folders = fs
      .readdirSync(this.named)
      .filter((folder) => folderTime(folder) !== undefined)
      .sort();
    for (const folder of folders.toReversed()) {
      const file = path.join(this.named, folder, MANIFEST);
      const checksum = readIfThere(path.join(this.named, folder, CHECKSUM));
      const text = readIfThere(file);
      if (text !== undefined && checksum !== undefined && isWhole(text, checksum)) return this.#read(file);
    }
    throw noneIn(this.named, folders.length);
  }

  async fetch(file: InventoryFile): Promise<string> {
    const name = path.basename(file.key);
    const places = ["..", ".", "../data", "data"].map((place) => path.join(this.#directory, place, name));
    const found = places.find((place) => fs.existsSync(place));
    if (found === undefined) throw new Error("it is missing: expected it in the folder data beside the manifest's");
    const hash = crypto.createHash("md5");
    let bytes = 0;
    for await (const chunk of fs.createReadStream(found, { highWaterMark: 1024 ** 2 }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    compare(file, bytes, hash.digest("hex"));
    return found;
  }

  close(): void {
    // There is nothing to close.
  }

  #read(file: string): FoundManifest {
    this.#directory = path.dirname(path.resolve(file));
    try {
      return toFound(file, fs.readFileSync(file, "utf8"), readIfThere(path.join(this.#directory, CHECKSUM)));
    } catch (error) {
      throw error instanceof UsageError ? error : new UsageError(`--inventory ${file}: ${errorMessage(error)}`);
    }
  }
}

function toFound(name: string, text: string, checksum: string | undefined): FoundManifest {
  if (checksum !== undefined && !isWhole(text, checksum))
    throw new UsageError(`--inventory ${name}: its MD5 is not the one in ${CHECKSUM}: it is damaged, or not yet whole`);
  return { name, text, folderTime: folderTime(name.split("/").at(-2) ?? "") };
}

function isWhole(text: string, checksum: string): boolean {
  return crypto.hash("md5", text, "hex") === checksum.trim().toLowerCase();
}

function noneIn(name: string, folders: number): UsageError {
  const found = folders === 0 ? "none of its folders has a date for a name" : `none of its ${folders} is whole`;
  return new UsageError(
    `--inventory ${name}: no inventory in it (${found}): expected a manifest.json, or the folder of an inventory's configuration`,
  );
}

function compare({ size, md5 }: InventoryFile, bytes: number, found: string): void {
  if (size !== undefined && size !== bytes)
    throw new Error(`it has ${bytes} bytes instead of the ${size} that the manifest says`);
  if (found !== md5) throw new Error("its MD5 is not the one that the manifest says");
}

function isDirectory(file: string): boolean {
  return fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function readIfThere(file: string): string | undefined {
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined;
}
