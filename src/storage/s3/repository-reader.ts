import { REPOSITORIES, repositoryPath } from "../../registry/layout.js";
import { parseOwnPath, splitRepositoryPath } from "../../registry/parse-path.js";
import type { OwnPath } from "../../registry/parse-path.js";
import { RepositoryListingBuilder } from "../listing.js";
import type { RepositoryListing } from "../listing.js";
import { sha256Of } from "./links.js";
import type { LinkReader } from "./links.js";
import type { ListedObject } from "./page.js";
import type { RangeReader } from "./parallel-listing.js";

type LinkPath = Extract<OwnPath, { kind: "link" }>;
type IndexPath = Extract<OwnPath, { kind: "index" }>;

/** A tag whose keys are coming in. */
interface OpenTag {
  readonly name: string;
  current: ListedObject | undefined;
  readonly index: { readonly path: IndexPath; readonly object: ListedObject }[];
}

/** An upload whose keys are coming in. */
interface OpenUpload {
  readonly id: string;
  started: ListedObject | undefined;
  bytes: number;
  modified: number;
}

/** Objects after which a part of a large repository is packed: 100 bytes a key become 36. */
const PART_OBJECTS = 20_000;

/**
 * Turns the keys of one range, in their order, into listings: a repository's keys come together, and within it a tag's or an upload's.
 * What lies in several ranges comes in several parts, under the same name; what belongs to no repository under "".
 */
export class RepositoryReader implements RangeReader<readonly RepositoryListing[]> {
  #builder: RepositoryListingBuilder | undefined;
  /** What the keys of the builder's repository begin with; undefined where the last key belonged to none. */
  #prefix: string | undefined;
  #objects = 0;
  #tag: OpenTag | undefined;
  #upload: OpenUpload | undefined;
  #lastStray = "";
  readonly #reads: Promise<void>[] = [];
  readonly #finished: RepositoryListingBuilder[] = [];

  constructor(
    private readonly links: LinkReader,
    /** Characters of the keys that come before the paths. */
    private readonly rootLength: number,
  ) {}

  async read(objects: readonly ListedObject[], isLast: boolean): Promise<readonly RepositoryListing[]> {
    for (const object of objects) this.#read(object);
    if (isLast || (this.#objects > PART_OBJECTS && this.#tag === undefined && this.#upload === undefined)) this.#close();
    // Reading a tag's current link may bring on the links of its index.
    while (this.#reads.length > 0) await Promise.all(this.#reads.splice(0));
    return this.#finished.splice(0).map((builder) => builder.build());
  }

  #read(object: ListedObject): void {
    const path = object.key.slice(this.rootLength);
    const builder = this.#builderOf(path);
    this.#objects++;
    if (this.#prefix === undefined) this.#addStray(builder, strayOf(path));
    else if (path.endsWith("/")) this.#addStray(builder, path);
    else this.#readOwn(builder, path.slice(this.#prefix.length - 1), object);
  }

  /** The builder for the path's repository, or for what belongs to none: such a key says nothing of those behind it. */
  #builderOf(path: string): RepositoryListingBuilder {
    if (this.#builder !== undefined && this.#prefix !== undefined && path.startsWith(this.#prefix)) return this.#builder;
    const name = splitRepositoryPath(path)?.name;
    this.#prefix = name === undefined ? undefined : `${repositoryPath(name)}/_`;
    if (this.#builder?.name !== (name ?? "")) this.#close();
    return (this.#builder ??= new RepositoryListingBuilder(name ?? ""));
  }

  #readOwn(builder: RepositoryListingBuilder, own: string, object: ListedObject): void {
    const parsed = parseOwnPath(own);
    if (parsed.kind !== "stray" || /^_(?:layers|manifests|uploads)\//.test(own)) builder.markRepository();
    // A stray below a tag's directory still shows that there is such a tag.
    const tag = parsed.kind === "current" || parsed.kind === "index" ? parsed.tag : tagOfStray(own);
    if (this.#tag !== undefined && this.#tag.name !== tag) this.#closeTag(builder);
    if (this.#upload !== undefined && (parsed.kind !== "upload" || this.#upload.id !== parsed.id)) this.#closeUpload(builder);
    if (tag !== undefined) this.#tag ??= { name: tag, current: undefined, index: [] };
    switch (parsed.kind) {
      case "link":
        this.#readLink(builder, parsed, object);
        break;
      case "current":
        if (this.#tag !== undefined) this.#tag.current = object;
        break;
      case "index":
        this.#tag?.index.push({ path: parsed, object });
        break;
      case "upload":
        this.#upload ??= { id: parsed.id, started: undefined, bytes: 0, modified: 0 };
        this.#upload.bytes += object.size;
        this.#upload.modified = Math.max(this.#upload.modified, object.modified);
        if (parsed.isStart) this.#upload.started = object;
        break;
      case "stray":
        this.#addStray(builder, `${repositoryPath(builder.name)}/${parsed.path}`);
        break;
      case "ignored":
    }
  }

  #addStray(builder: RepositoryListingBuilder, path: string): void {
    if (path !== this.#lastStray) builder.addStray(path);
    this.#lastStray = path;
  }

  #readLink(builder: RepositoryListingBuilder, { section, algorithm, hex }: LinkPath, object: ListedObject): void {
    const { modified } = object;
    if (algorithm === "sha256" && this.links.holds(object, hex)) {
      builder.addSoundLink(section, hex, modified);
      return;
    }
    this.#readContent(builder, object, (content) => {
      if (algorithm === "sha256" && sha256Of(content) === hex) builder.addSoundLink(section, hex, modified);
      else builder.addOddLink({ section, algorithm, hex, content, modified });
    });
  }

  #closeTag(builder: RepositoryListingBuilder): void {
    const open = this.#tag;
    this.#tag = undefined;
    if (open === undefined) return;
    const { name, current, index } = open;
    if (current === undefined) {
      this.#readIndex(builder, builder.addOddTag(name, undefined), index);
      return;
    }
    const entry = index.find(
      ({ path, object }) => path.algorithm === "sha256" && object.etag === current.etag && this.links.holds(current, path.hex),
    );
    if (entry !== undefined) {
      this.#readIndex(builder, builder.addTag(name, entry.path.hex), index);
      return;
    }
    this.#readContent(builder, current, (content) => {
      const hex = sha256Of(content);
      this.#readIndex(builder, hex === undefined ? builder.addOddTag(name, content) : builder.addTag(name, hex), index);
    });
  }

  #readIndex(builder: RepositoryListingBuilder, tag: number, index: OpenTag["index"]): void {
    for (const { path, object } of index) {
      const { algorithm, hex } = path;
      if (algorithm === "sha256" && this.links.holds(object, hex)) builder.addIndexEntry(tag, hex);
      else
        this.#readContent(builder, object, (content) => {
          if (algorithm === "sha256" && sha256Of(content) === hex) builder.addIndexEntry(tag, hex);
          else builder.addOddIndexEntry(tag, algorithm, hex, content);
        });
    }
  }

  #closeUpload(builder: RepositoryListingBuilder): void {
    const open = this.#upload;
    this.#upload = undefined;
    if (open === undefined) return;
    const { id, started, bytes, modified } = open;
    if (started === undefined) {
      builder.addUpload({ id, startedAt: undefined, bytes, modified });
      return;
    }
    const read = async (): Promise<void> => {
      const outcome = await this.links.startedAt(started);
      if ("fault" in outcome) builder.addFault(started.key.slice(this.rootLength), outcome.fault);
      builder.addUpload({ id, startedAt: "content" in outcome ? outcome.content : undefined, bytes, modified });
    };
    this.#reads.push(read());
  }

  #readContent(builder: RepositoryListingBuilder, object: ListedObject, use: (content: Uint8Array) => void): void {
    const read = async (): Promise<void> => {
      const outcome = await this.links.read(object);
      if ("content" in outcome) use(outcome.content);
      else builder.addFault(object.key.slice(this.rootLength), outcome.fault);
    };
    this.#reads.push(read());
  }

  #close(): void {
    const builder = this.#builder;
    if (builder === undefined) return;
    this.#closeTag(builder);
    this.#closeUpload(builder);
    this.#finished.push(builder);
    this.#builder = undefined;
    this.#objects = 0;
  }
}

function strayOf(path: string): string {
  // `repositories/_layers/…`: one finding for the directory, as on a filesystem.
  const underscore = path.indexOf("/_", REPOSITORIES.length);
  const end = underscore < 0 ? -1 : path.indexOf("/", underscore + 1);
  return end < 0 ? path : path.slice(0, end);
}

function tagOfStray(own: string): string | undefined {
  const [, tag] = /^_manifests\/tags\/([^/]+)\//.exec(own) ?? [];
  return tag;
}
