import { repositoryPath, TAGS_DIRECTORY } from "../../registry/layout.js";
import { parseOwnPath, splitRepositoryPath } from "../../registry/parse-path.js";
import type { OwnPath } from "../../registry/parse-path.js";
import { RepositoryListingBuilder } from "../listing-builder.js";
import type { RepositoryListing } from "../listing.js";
import { soundHex } from "../../registry/link.js";
import { LinkReads } from "./link-reads.js";
import type { LinkReader } from "./links.js";
import type { OpenTag, OpenUpload } from "./open-directories.js";
import type { ListedObject, ListedObjects } from "./page.js";
import type { RangeReader } from "./parallel-listing.js";
import { readTag } from "./read-tag.js";
import { ScannedObjects } from "./scanned-objects.js";
import { SoundKeys } from "./sound-keys.js";
import { addStray, strayOf, tagOfStray } from "./stray-keys.js";

type LinkPath = Extract<OwnPath, { kind: "link" }>;

/** A revision's link, a layer's, or what a tag names now. */
const READ_BY_PULLS = /\/_(?:layers|manifests\/revisions)\/[^/]+\/[^/]+\/link$|\/current\/link$/;

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
  readonly #reads: LinkReads;
  readonly #finished: RepositoryListingBuilder[] = [];

  constructor(
    private readonly links: LinkReader,
    /** Characters of the keys that come before the paths. */
    private readonly rootLength: number,
  ) {
    this.#reads = new LinkReads(links, rootLength);
  }

  async read(objects: ListedObjects, isLast: boolean): Promise<readonly RepositoryListing[]> {
    if (objects instanceof ScannedObjects && this.links.trustsListing) this.#readScanned(objects);
    else for (const object of objects) this.#read(object);
    if (isLast || (this.#objects > PART_OBJECTS && this.#tag === undefined && this.#upload === undefined)) this.#close();
    // Reading a tag's current link may bring on the links of its index.
    await this.#reads.settle();
    return this.#finished.splice(0).map((builder) => builder.build());
  }

  #readScanned(objects: ScannedObjects): void {
    let keys: SoundKeys | undefined;
    let prefix: string | undefined;
    for (let i = 0; i < objects.length;) {
      if (prefix !== this.#prefix) {
        prefix = this.#prefix;
        keys = prefix === undefined ? undefined : new SoundKeys(objects, this.rootLength, prefix);
      }
      const taken = this.#readSound(objects, keys, i);
      if (taken === 0) this.#read(objects.object(i));
      i += Math.max(1, taken);
    }
  }

  /** Takes what is sound at a glance. Returns how many objects that are. */
  #readSound({ modified }: ScannedObjects, keys: SoundKeys | undefined, i: number): number {
    const builder = this.#builder;
    if (builder === undefined || keys === undefined) return 0;
    const section = keys.link(i);
    const tag = section === undefined ? keys.tag(i) : undefined;
    if (section === undefined && (tag === undefined || tag === this.#tag?.name)) return 0;
    builder.markRepository();
    this.#turnTo(builder, undefined, undefined);
    if (section !== undefined) builder.addSoundWords(section, keys.words, modified[i] ?? 0);
    else if (tag !== undefined) builder.addSoundTag(tag, keys.words, modified[i] ?? 0);
    const taken = section === undefined ? 2 : 1;
    this.#objects += taken;
    return taken;
  }

  #read(object: ListedObject): void {
    const path = object.key.slice(this.rootLength);
    const builder = this.#builderOf(path);
    if (object.isArchived === true && READ_BY_PULLS.test(path)) this.#reads.add(this.#askArchive(builder, path, object.key));
    this.#objects++;
    if (this.#prefix === undefined) addStray(builder, strayOf(path), path, object);
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

  async #askArchive(builder: RepositoryListingBuilder, path: string, key: string): Promise<void> {
    if (await this.links.isArchived(key)) builder.addArchived(path);
  }

  #readOwn(builder: RepositoryListingBuilder, own: string, object: ListedObject): void {
    const parsed = parseOwnPath(own);
    if (parsed.kind === "link") {
      builder.markRepository();
      this.#turnTo(builder, undefined, undefined);
      this.#readLink(builder, parsed, object);
    } else this.#readOther(builder, own, parsed, object);
  }

  #readOther(builder: RepositoryListingBuilder, own: string, parsed: Exclude<OwnPath, LinkPath>, object: ListedObject): void {
    const path = `${repositoryPath(builder.name)}/${own}`;
    const isMarker = own.endsWith("/");
    if (isMarker) addStray(builder, path, path, object);
    else if (parsed.kind !== "stray" || /^_(?:layers|manifests|uploads)\//.test(own)) builder.markRepository();
    // A stray below a tag's directory still shows that there is such a tag.
    const tag = parsed.kind === "current" || parsed.kind === "index" ? parsed.tag : tagOfStray(own);
    this.#turnTo(builder, tag, parsed.kind === "upload" ? parsed.id : undefined);
    if (tag !== undefined) this.#tag ??= { name: tag, current: undefined, index: [], others: [] };
    switch (parsed.kind) {
      case "current":
        if (this.#tag !== undefined) this.#tag.current = object;
        break;
      case "index":
        this.#tag?.index.push({ path: parsed, object });
        break;
      case "upload":
        this.#addToUpload(parsed.id, parsed.file, object, isMarker);
        break;
      case "stray":
        if (!isMarker) addStray(builder, `${repositoryPath(builder.name)}/${parsed.path}`, path, object);
        this.#addToTag(own);
        break;
      case "ignored":
        this.#addToTag(own);
    }
  }

  /** Ends what the next key is no part of. */
  #turnTo(builder: RepositoryListingBuilder, tag: string | undefined, upload: string | undefined): void {
    if (this.#tag !== undefined && this.#tag.name !== tag) this.#closeTag(builder);
    if (this.#upload !== undefined && this.#upload.id !== upload) this.#closeUpload(builder);
  }

  /** Of a tag's keys, one that is neither what it names nor its history. */
  #addToTag(own: string): void {
    this.#tag?.others.push(own.slice(TAGS_DIRECTORY.length + this.#tag.name.length + 2));
  }

  #addToUpload(id: string, file: string, object: ListedObject, isMarker: boolean): void {
    const upload = (this.#upload ??= { id, isThere: false, started: undefined, objects: [], bytes: 0, modified: 0 });
    upload.objects.push({ name: file, bytes: object.size });
    if (isMarker) return;
    upload.isThere = true;
    upload.bytes += object.size;
    upload.modified = Math.max(upload.modified, object.modified);
    if (file === "startedat") upload.started = object;
  }

  #readLink(builder: RepositoryListingBuilder, { section, algorithm, hex }: LinkPath, object: ListedObject): void {
    const { modified } = object;
    if (algorithm === "sha256" && this.links.holds(object, hex)) {
      builder.addSoundLink(section, hex, modified);
      return;
    }
    this.#reads.read(builder, object, (content) => {
      if (algorithm === "sha256" && soundHex(content) === hex) builder.addSoundLink(section, hex, modified);
      else builder.addOddLink({ section, algorithm, hex, content, modified });
    });
  }

  #closeTag(builder: RepositoryListingBuilder): void {
    const open = this.#tag;
    this.#tag = undefined;
    if (open !== undefined) readTag(this.#reads, builder, open);
  }

  #closeUpload(builder: RepositoryListingBuilder): void {
    const open = this.#upload;
    this.#upload = undefined;
    if (open?.isThere !== true) return;
    const { id, started, objects, bytes, modified } = open;
    if (started === undefined) {
      builder.addUpload({ id, startedAt: undefined, objects, bytes, modified });
      return;
    }
    const read = async (): Promise<void> => {
      const outcome = await this.links.startedAt(started);
      // The push has ended since: the registry has removed all of it.
      if ("gone" in outcome) return;
      if ("fault" in outcome) this.#reads.addFault(builder, started, outcome.fault);
      builder.addUpload({ id, startedAt: "content" in outcome ? outcome.content : undefined, objects, bytes, modified });
    };
    this.#reads.add(read());
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
