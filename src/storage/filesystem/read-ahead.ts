import { wordsToHexes, isDigestAlgorithm } from "../../registry/digest.js";
import { soundHex } from "../../registry/link.js";
import {
  BLOBS,
  blobPathOf,
  LAYERS_DIRECTORY,
  MANIFESTS_DIRECTORY,
  repositoryPath,
  REPOSITORIES,
  REVISIONS_DIRECTORY,
  TAG_CURRENT,
  TAGS_DIRECTORY,
  UPLOADS_DIRECTORY,
} from "../../registry/layout.js";
import type { LeafSearch } from "../storage.js";
import { Answers } from "./answers.js";
import type { Lanes } from "./lanes.js";
import { isListed } from "./leaves.js";
import { inReadingOrder, VISIT_LINKS } from "./scan-repository.js";
import type { LinkWork } from "./scan-repository.js";
import type { Task } from "./tasks.js";

/**
 * Asks the system for all that a task will ask it for, many calls at a time. It only guesses at that: it judges nothing, and what it does
 * not ask for the task asks for itself.
 */
export async function readAhead(root: string, task: Task, lanes: Lanes): Promise<Answers> {
  const ahead = new ReadAhead(lanes, "leaves" in task ? task.leaves : "some");
  await ahead.for(root, task);
  return ahead.answers;
}

class ReadAhead {
  readonly answers = new Answers();

  constructor(
    private readonly lanes: Lanes,
    private readonly leaves: LeafSearch,
  ) {}

  async for(root: string, task: Task): Promise<void> {
    switch (task.kind) {
      case "blobs":
        return each(task.prefixes, (prefix) => this.#prefix(`${root}/${BLOBS}/${task.algorithm}/${prefix}`));
      case "repositories":
        return each(task.names, (name) =>
          this.#repository(`${root}/${name === "" ? REPOSITORIES : repositoryPath(name)}`, name === ""),
        );
      case "links":
        return this.#work(`${root}/${repositoryPath(task.name)}`, task.work);
      case "manifests":
        return each(wordsToHexes(task.algorithm, task.digests), (hex, i) =>
          this.#content(`${root}/${blobPathOf(task.algorithm, hex)}`, task.listedBytes?.[i]),
        );
      case "contents":
        return each(task.paths, (path) => this.#content(`${root}/${path}`));
      case "modified":
        return each(task.paths, (path) => this.#stat(`${root}/${path}`));
      // Of files below a directory nobody knows the names; the others do not read what is listed.
      case "files":
      case "verify":
      case "remove":
      case "remove-with-directories":
      case "move":
      case "prune":
        return undefined;
    }
  }

  async #prefix(parent: string): Promise<void> {
    const hexes = await this.#directories(parent);
    await Promise.all([
      each(hexes, (hex) => this.#stat(`${parent}/${hex}/data`)),
      this.#leaves(hexes.map((hex) => `${parent}/${hex}`)),
    ]);
  }

  async #repository(path: string, isTop: boolean): Promise<void> {
    if (isTop) await this.#stat(path);
    // One after the other, in the order in which the task reads them.
    for (const name of (await this.#directories(path)).toSorted(inReadingOrder)) {
      if (name === LAYERS_DIRECTORY) await this.#section(`${path}/${name}`);
      else if (name === UPLOADS_DIRECTORY)
        await each(await this.#directories(`${path}/${name}`), (id) => this.#upload(`${path}/${name}/${id}`));
      else if (name === MANIFESTS_DIRECTORY) await this.#manifests(path, await this.#directories(`${path}/${name}`));
    }
  }

  async #manifests(path: string, names: readonly string[]): Promise<void> {
    const tags = `${path}/${TAGS_DIRECTORY}`;
    if (names.includes("tags")) await this.#tags(tags, (await this.#directories(tags)).slice(0, VISIT_LINKS));
    if (names.includes("revisions")) await this.#section(`${path}/${REVISIONS_DIRECTORY}`);
  }

  #work(path: string, work: LinkWork): Promise<void> {
    if (work.kind === "tags") return this.#tags(`${path}/${TAGS_DIRECTORY}`, work.names);
    const section = work.section === "layers" ? LAYERS_DIRECTORY : REVISIONS_DIRECTORY;
    return this.#links(`${path}/${section}/${work.algorithm}`, work.names);
  }

  async #section(path: string): Promise<void> {
    await each((await this.#directories(path)).filter(isDigestAlgorithm), async (algorithm) => {
      const hexes = await this.#directories(`${path}/${algorithm}`);
      await this.#links(`${path}/${algorithm}`, hexes.slice(0, VISIT_LINKS));
    });
  }

  async #links(parent: string, hexes: readonly string[]): Promise<void> {
    await Promise.all([
      each(hexes, (hex) => this.#content(`${parent}/${hex}/link`)),
      this.#leaves(hexes.map((hex) => `${parent}/${hex}`)),
    ]);
  }

  async #tags(parent: string, names: readonly string[]): Promise<void> {
    const tags = names.map((name) => `${parent}/${name}`);
    const links = await Promise.all(tags.map((tag) => this.#tag(tag)));
    await Promise.all([this.#leaves(tags), this.#leaves(links.flat())]);
  }

  /** Returns the directories of its links. */
  async #tag(path: string): Promise<string[]> {
    const content = await this.#content(`${path}/${TAG_CURRENT}`);
    if (content === undefined) return [];
    const hex = soundHex(content);
    const parent = `${path}/index/sha256`;
    const holdsOne = async (directory: string): Promise<boolean> => (await this.#stat(directory))?.nlink === 3;
    if (hex !== undefined && (await holdsOne(`${path}/index`)) && (await holdsOne(parent))) {
      await this.#content(`${parent}/${hex}/link`);
      return [`${path}/current`, `${parent}/${hex}`];
    }
    await this.#section(`${path}/index`);
    return [`${path}/current`];
  }

  async #upload(path: string): Promise<void> {
    await Promise.all([this.#stat(path), this.#content(`${path}/startedat`), this.#filesBelow(path)]);
  }

  async #filesBelow(path: string): Promise<void> {
    await each(await this.lanes.entries(this.answers, path), async (entry) => {
      if (entry.isDirectory()) await this.#filesBelow(`${path}/${entry.name}`);
      else await this.#stat(`${path}/${entry.name}`);
    });
  }

  async #leaves(directories: readonly string[]): Promise<void> {
    await each(
      directories.filter((_, i) => isListed(i, directories.length, this.leaves)),
      (directory) => this.lanes.names(this.answers, directory),
    );
  }

  async #directories(path: string): Promise<string[]> {
    const entries = await this.lanes.entries(this.answers, path);
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  #content(path: string, expected?: number): Promise<Uint8Array | undefined> {
    return this.lanes.read(this.answers, path, expected);
  }

  #stat(path: string) {
    return this.lanes.lstat(this.answers, path);
  }
}

async function each<T>(items: readonly T[], work: (item: T, i: number) => Promise<unknown>): Promise<void> {
  await Promise.all(items.map(work));
}
