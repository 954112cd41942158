import fs from "node:fs";
import { isDigestAlgorithm, isDigestHex } from "../../registry/digest.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { REPOSITORIES } from "../../registry/layout.js";
import { RepositoryListingBuilder } from "../listing.js";
import type { LinkSection, RepositoryListing } from "../listing.js";
import { counts } from "./counts.js";
import { causeOf, isAbsent, listDirectory } from "./directory.js";
import type { Directory } from "./directory.js";
import { readLink } from "./read-file.js";

/** Names of one directory whose links are still to be read, as a unit of work. */
export type LinkWork =
  | {
      readonly kind: "links";
      readonly section: LinkSection;
      readonly algorithm: DigestAlgorithm;
      readonly names: readonly string[];
    }
  | { readonly kind: "tags"; readonly names: readonly string[] };

/** What one visit to a directory below `repositories/` found. */
export interface RepositoryVisit {
  /** Directories that may be repositories, or parents of repositories. */
  readonly subdirectories: readonly string[];
  readonly listing: RepositoryListing;
  /** The rest of a repository too large for one visit, cut into pieces that threads can share. */
  readonly rest: readonly LinkWork[];
}

/** Links read in one visit; a repository with more is shared out. */
const VISIT_LINKS = 1024;

/** Visits `repositories/<name>`: its subdirectories, and if it is a repository, what its links say. */
export function visitRepository(root: string, name: string): RepositoryVisit {
  const scan = new RepositoryScan(root, name);
  const top = scan.list(scan.path);
  if (top === undefined) {
    // A registry that nobody has pushed to has no `repositories`; the notices say so if there are blobs.
    if (name !== "") scan.builder.addFault(scan.path, "gone since its parent was listed");
    return { subdirectories: [], listing: scan.builder.build(), rest: [] };
  }
  const subdirectories = top.directories
    .filter((entry) => !entry.startsWith("_"))
    .map((entry) => (name === "" ? entry : `${name}/${entry}`));
  const own = top.directories.filter((entry) => entry.startsWith("_"));
  for (const file of top.files) scan.builder.addStray(`${scan.path}/${file}`);
  if (name === "") for (const entry of own) scan.builder.addStray(`${scan.path}/${entry}`);
  else for (const entry of own.toSorted(inReadingOrder)) scan.visitOwn(entry);
  return { subdirectories, listing: scan.builder.build(), rest: scan.rest };
}

/**
 * Tags, then revisions, then layer links: the other way round from the order in which a push writes them, so that what the first name
 * is there when its turn comes.
 */
function inReadingOrder(one: string, other: string): number {
  return one < other ? 1 : -1;
}

/** Reads a piece of a large repository. */
export function readLinks(root: string, name: string, work: LinkWork): RepositoryListing {
  const scan = new RepositoryScan(root, name);
  if (work.kind === "tags") scan.readTags(work.names);
  else scan.readSection(work.section, work.algorithm, work.names);
  return scan.builder.build();
}

const SECTIONS: Readonly<Record<LinkSection, string>> = { revisions: "_manifests/revisions", layers: "_layers" };

/** A link that could not be read; the fault is noted. */
const FAULT = Symbol("fault");

class RepositoryScan {
  readonly path: string;
  readonly builder: RepositoryListingBuilder;
  readonly rest: LinkWork[] = [];
  #links = 0;

  constructor(
    readonly root: string,
    name: string,
  ) {
    this.path = name === "" ? REPOSITORIES : `${REPOSITORIES}/${name}`;
    this.builder = new RepositoryListingBuilder(name);
  }

  /** A directory's entries; undefined, with a fault unless it is merely absent, when it cannot be listed. */
  list(path: string): Directory | undefined {
    counts.list++;
    try {
      const listed = listDirectory(`${this.root}/${path}`);
      for (const name of listed?.others ?? [])
        this.builder.addFault(`${path}/${name}`, "a symbolic link or device, not followed");
      return listed;
    } catch (error) {
      this.builder.addFault(path, causeOf(error));
      return undefined;
    }
  }

  visitOwn(entry: string): void {
    const path = `${this.path}/${entry}`;
    if (entry === "_layers" || entry === "_uploads" || entry === "_manifests") this.builder.markRepository();
    if (entry === "_layers") this.#visitSection("layers");
    else if (entry === "_uploads") this.#visitUploads(path);
    else if (entry === "_manifests") {
      for (const child of this.#directories(path).toSorted(inReadingOrder)) {
        if (child === "revisions") this.#visitSection("revisions");
        else if (child === "tags") this.#visitTags(`${path}/tags`);
        else this.builder.addStray(`${path}/${child}`);
      }
    } else this.builder.addStray(path);
  }

  /** The directories in `path`; files there are strays. */
  #directories(path: string): readonly string[] {
    const listed = this.list(path);
    for (const file of listed?.files ?? []) this.builder.addStray(`${path}/${file}`);
    return listed?.directories ?? [];
  }

  #visitSection(section: LinkSection): void {
    const parent = `${this.path}/${SECTIONS[section]}`;
    for (const algorithm of this.#directories(parent)) {
      // `_layers/tarsum/…` was written by registry 2.0; nothing reads it any more.
      if (!isDigestAlgorithm(algorithm)) {
        this.builder.addStray(`${parent}/${algorithm}`);
        continue;
      }
      const names = this.#directories(`${parent}/${algorithm}`);
      this.#share(names, (some) => ({ kind: "links", section, algorithm, names: some }));
    }
  }

  #visitTags(path: string): void {
    this.#share(this.#directories(path), (names) => ({ kind: "tags", names }));
  }

  /** Reads what fits into this visit and leaves the rest to others. */
  #share(names: readonly string[], toWork: (names: readonly string[]) => LinkWork): void {
    for (let at = 0; at < names.length; at += VISIT_LINKS) {
      const work = toWork(names.slice(at, at + VISIT_LINKS));
      this.#links += work.names.length;
      if (this.#links > VISIT_LINKS) this.rest.push(work);
      else if (work.kind === "tags") this.readTags(work.names);
      else this.readSection(work.section, work.algorithm, work.names);
    }
  }

  readSection(section: LinkSection, algorithm: DigestAlgorithm, names: readonly string[]): void {
    const parent = `${this.path}/${SECTIONS[section]}/${algorithm}`;
    for (const hex of names) {
      if (!isDigestHex(algorithm, hex)) {
        this.builder.addStray(`${parent}/${hex}`);
        continue;
      }
      const content = this.#readLink(`${parent}/${hex}`);
      if (content === undefined || content === FAULT) continue;
      if (algorithm === "sha256" && isSound(content, hex)) this.builder.addSoundLink(section, hex);
      else this.builder.addOddLink({ section, algorithm, hex, content: Uint8Array.from(content) });
    }
  }

  readTags(names: readonly string[]): void {
    const parent = `${this.path}/_manifests/tags`;
    for (const name of names) this.#readTag(name, `${parent}/${name}`);
  }

  #readTag(name: string, path: string): void {
    const content = this.#readLink(`${path}/current`);
    if (content === FAULT) return;
    const hex = content === undefined ? undefined : sha256Of(content);
    const tag =
      hex === undefined
        ? this.builder.addOddTag(name, content === undefined ? undefined : Uint8Array.from(content))
        : this.builder.addTag(name, hex);
    if (hex !== undefined && this.#isOnlyIndexEntry(`${path}/index/sha256`, hex)) {
      this.builder.addIndexEntry(tag, hex);
      return;
    }
    for (const algorithm of this.#directories(`${path}/index`)) {
      const parent = `${path}/index/${algorithm}`;
      if (isDigestAlgorithm(algorithm)) this.#readIndex(tag, algorithm, parent);
      else this.builder.addStray(parent);
    }
  }

  /**
   * Whether the index holds the sound link to `hex` and no other entry: true of every tag that was never moved. The number of links of
   * a directory is 2 + its subdirectories where a filesystem counts them, which saves two `readdir` a tag; where it does not (btrfs,
   * overlays), the directory is listed. Manifests are always sha256: no other algorithm is looked for beside it.
   */
  #isOnlyIndexEntry(parent: string, hex: string): boolean {
    counts.head++;
    try {
      if (fs.lstatSync(`${this.root}/${parent}`, { throwIfNoEntry: false })?.nlink !== 3) return false;
      counts.get++;
      const content = readLink(`${this.root}/${parent}/${hex}/link`);
      return content !== undefined && isSound(content, hex);
    } catch {
      // Listing it says what is wrong.
      return false;
    }
  }

  #readIndex(tag: number, algorithm: DigestAlgorithm, parent: string): void {
    for (const hex of this.#directories(parent)) {
      if (!isDigestHex(algorithm, hex)) {
        this.builder.addStray(`${parent}/${hex}`);
        continue;
      }
      const content = this.#readLink(`${parent}/${hex}`);
      if (content === undefined || content === FAULT) continue;
      if (algorithm === "sha256" && isSound(content, hex)) this.builder.addIndexEntry(tag, hex);
      else this.builder.addOddIndexEntry(tag, algorithm, hex, Uint8Array.from(content));
    }
  }

  /** The content of `<directory>/link`. A directory without one is legal: deleting a manifest leaves it (`linkedblobstore.go`). */
  #readLink(directory: string): Buffer | typeof FAULT | undefined {
    counts.get++;
    try {
      const content = readLink(`${this.root}/${directory}/link`);
      if (content === undefined) this.#listStrays(directory);
      return content;
    } catch (error) {
      this.builder.addFault(`${directory}/link`, causeOf(error));
      return FAULT;
    }
  }

  /** A crash between writing `link.<uuid>.tmp` and renaming it leaves a directory without a link, and the file. */
  #listStrays(directory: string): void {
    const listed = this.list(directory);
    for (const file of listed?.files ?? []) this.builder.addStray(`${directory}/${file}`);
  }

  #visitUploads(path: string): void {
    for (const id of this.#directories(path)) this.#readUpload(id, `${path}/${id}`);
  }

  /** What an upload's directory holds. It goes when the upload is finished, its files first: what is gone is no fault. */
  #readUpload(id: string, path: string): void {
    const own = this.#stat(path);
    if (own === undefined) return;
    let bytes = 0;
    let modified = 0;
    const pending = [path];
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      const listed = this.list(directory);
      for (const child of listed?.directories ?? []) pending.push(`${directory}/${child}`);
      for (const file of listed?.files ?? []) {
        const found = this.#stat(`${directory}/${file}`);
        bytes += found?.bytes ?? 0;
        modified = Math.max(modified, found?.modified ?? 0);
      }
    }
    const startedAt = this.#readStartedAt(`${path}/startedat`);
    this.builder.addUpload({ id, startedAt, bytes, modified: modified === 0 ? own.modified : modified });
  }

  /** Size and time of a file or directory; `undefined` when there is none, or when it could not be told, which is a fault. */
  #stat(path: string): { readonly bytes: number; readonly modified: number } | undefined {
    counts.head++;
    try {
      const { size, mtimeMs } = fs.lstatSync(`${this.root}/${path}`);
      return { bytes: size, modified: Math.floor(mtimeMs / 1000) };
    } catch (error) {
      if (!isAbsent(error)) this.builder.addFault(path, causeOf(error));
      return undefined;
    }
  }

  #readStartedAt(path: string): string | undefined {
    counts.get++;
    try {
      return readLink(`${this.root}/${path}`)?.toString("latin1");
    } catch (error) {
      this.builder.addFault(path, causeOf(error));
      return undefined;
    }
  }
}

function isSound(content: Buffer, hex: string): boolean {
  return content.length === 71 && content.toString("latin1", 7, 71) === hex && content.toString("latin1", 0, 7) === "sha256:";
}

function sha256Of(content: Buffer): string | undefined {
  if (content.length !== 71 || content.toString("latin1", 0, 7) !== "sha256:") return undefined;
  const hex = content.toString("latin1", 7, 71);
  return isDigestHex("sha256", hex) ? hex : undefined;
}
