import { isDigestAlgorithm, isDigestHex } from "../../registry/digest.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import {
  LAYERS_DIRECTORY,
  MANIFESTS_DIRECTORY,
  repositoryPath,
  REPOSITORIES,
  REVISIONS_DIRECTORY,
  TAGS_DIRECTORY,
  UPLOADS_DIRECTORY,
} from "../../registry/layout.js";
import { RepositoryListingBuilder } from "../listing-builder.js";
import type { LinkSection, RepositoryListing } from "../listing.js";
import type { LeafSearch } from "../storage.js";
import { listDirectory, listTopDirectory } from "./directory.js";
import type { Directory } from "./directory.js";
import { ABSENT } from "./calls.js";
import { linkContent, linkHolds } from "./read-file.js";
import { isOwnOfLink, RepositoryReader } from "./repository-reader.js";
import { isOwnOfTag, readTag } from "./scan-tag.js";
import { readUpload } from "./scan-upload.js";

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
export const VISIT_LINKS = 1024;

/** Visits `repositories/<name>`: its subdirectories, and if it is a repository, what its links say. */
export function visitRepository(root: string, name: string, leaves: LeafSearch): RepositoryVisit {
  const scan = new RepositoryScan(root, name, leaves);
  const top = scan.listTop();
  if (top === undefined) return { subdirectories: [], listing: scan.builder.build(), rest: [] };
  const subdirectories = top.directories
    .filter((entry) => !entry.startsWith("_"))
    .map((entry) => (name === "" ? entry : `${name}/${entry}`));
  const own = top.directories.filter((entry) => entry.startsWith("_"));
  scan.reader.addFiles(scan.path, top.files, (file) => name !== "" && OWN_DIRECTORIES.has(file));
  if (name === "") for (const entry of own) scan.reader.addStray(`${scan.path}/${entry}`);
  else for (const entry of own.toSorted(inReadingOrder)) scan.visitOwn(entry);
  return { subdirectories, listing: scan.builder.build(), rest: scan.rest };
}

/**
 * Tags, then revisions, then layer links: the other way round from the order in which a push writes them, so that what the first name
 * is there when its turn comes.
 */
export function inReadingOrder(one: string, other: string): number {
  return one < other ? 1 : -1;
}

/** Reads a piece of a large repository. */
export function readLinks(root: string, name: string, work: LinkWork, leaves: LeafSearch): RepositoryListing {
  const scan = new RepositoryScan(root, name, leaves);
  if (work.kind === "tags") scan.readTags(work.names);
  else scan.readSection(work.section, work.algorithm, work.names);
  return scan.builder.build();
}

const OWN_DIRECTORIES: ReadonlySet<string> = new Set([LAYERS_DIRECTORY, MANIFESTS_DIRECTORY, UPLOADS_DIRECTORY]);
const SECTIONS: Readonly<Record<LinkSection, string>> = { revisions: REVISIONS_DIRECTORY, layers: LAYERS_DIRECTORY };

class RepositoryScan {
  readonly path: string;
  readonly builder: RepositoryListingBuilder;
  readonly reader: RepositoryReader;
  readonly rest: LinkWork[] = [];
  #links = 0;

  constructor(
    root: string,
    readonly name: string,
    leaves: LeafSearch,
  ) {
    this.path = name === "" ? REPOSITORIES : repositoryPath(name);
    this.builder = new RepositoryListingBuilder(name);
    this.reader = new RepositoryReader(root, this.builder, leaves);
  }

  /** The entries of the repository's own directory, which was there when its parent was listed. */
  listTop(): Directory | undefined {
    // A registry that nobody has pushed to has no `repositories`; the notices say so if there are blobs.
    if (this.name === "") return this.reader.list(this.path, listTopDirectory);
    return this.reader.list(this.path, (path) => {
      const listed = listDirectory(path);
      if (listed === undefined) throw new Error("gone since its parent was listed");
      return listed;
    });
  }

  visitOwn(entry: string): void {
    const path = `${this.path}/${entry}`;
    if (OWN_DIRECTORIES.has(entry)) this.builder.markRepository();
    if (entry === LAYERS_DIRECTORY) this.#visitSection("layers");
    else if (entry === UPLOADS_DIRECTORY)
      for (const id of this.reader.directories(path, () => false)) readUpload(this.reader, id, `${path}/${id}`);
    else if (entry === MANIFESTS_DIRECTORY) {
      const isOwn = (name: string): boolean => name === "revisions" || name === "tags";
      for (const child of this.reader.directories(path, isOwn).toSorted(inReadingOrder)) {
        if (child === "revisions") this.#visitSection("revisions");
        else if (child === "tags") this.#visitTags(`${path}/tags`);
        else this.reader.addStray(`${path}/${child}`);
      }
    } else this.reader.addStray(path);
  }

  #visitSection(section: LinkSection): void {
    const parent = `${this.path}/${SECTIONS[section]}`;
    for (const algorithm of this.reader.directories(parent, isDigestAlgorithm)) {
      // `_layers/tarsum/…` was written by registry 2.0; nothing reads it any more.
      if (!isDigestAlgorithm(algorithm)) {
        this.reader.addStray(`${parent}/${algorithm}`);
        continue;
      }
      const names = this.reader.directories(`${parent}/${algorithm}`, (name) => isDigestHex(algorithm, name));
      this.#share(names, (some) => ({ kind: "links", section, algorithm, names: some }));
    }
  }

  #visitTags(path: string): void {
    // Whatever is called a tag there and is none: the registry does not insist on a name.
    this.#share(
      this.reader.directories(path, () => false),
      (names) => ({ kind: "tags", names }),
    );
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
    const linked: string[] = [];
    for (const hex of names) {
      if (!isDigestHex(algorithm, hex)) {
        this.reader.addStray(`${parent}/${hex}`);
        continue;
      }
      const length = this.reader.readLink(`${parent}/${hex}`);
      if (length <= ABSENT) continue;
      linked.push(`${parent}/${hex}`);
      if (algorithm === "sha256" && linkHolds(length, hex)) this.builder.addSoundLink(section, hex);
      else this.builder.addOddLink({ section, algorithm, hex, content: linkContent(length) });
    }
    this.reader.addStraysBeside(linked, isOwnOfLink);
  }

  readTags(names: readonly string[]): void {
    const parent = `${this.path}/${TAGS_DIRECTORY}`;
    const read = { tags: [], links: [] };
    for (const name of names) readTag(this.reader, name, `${parent}/${name}`, read);
    this.reader.addStraysBeside(read.tags, isOwnOfTag);
    this.reader.addStraysBeside(read.links, isOwnOfLink);
  }
}
