import type { RepositoryListingBuilder } from "../listing-builder.js";
import type { LinkReader } from "./links.js";
import type { ListedObject } from "./page.js";

/** The links of a range of keys that are being read, because the listing does not show what they hold. */
export class LinkReads {
  readonly #reads: Promise<void>[] = [];

  constructor(
    readonly links: LinkReader,
    /** Characters of the keys that come before the paths. */
    private readonly rootLength: number,
  ) {}

  add(read: Promise<void>): void {
    this.#reads.push(read);
  }

  /** Reads a link. What has gone since it was listed is as what was never there: then `onGone` is called. */
  read(
    builder: RepositoryListingBuilder,
    object: ListedObject,
    use: (content: Uint8Array) => void,
    onGone: () => void = () => {},
  ): void {
    this.add(this.#read(builder, object, use, onGone));
  }

  /** Waits for all of them, and for those that they bring on. */
  async settle(): Promise<void> {
    while (this.#reads.length > 0) await Promise.all(this.#reads.splice(0));
  }

  addFault(builder: RepositoryListingBuilder, { key }: ListedObject, fault: string): void {
    builder.addFault(key.slice(this.rootLength), fault);
  }

  async #read(
    builder: RepositoryListingBuilder,
    object: ListedObject,
    use: (content: Uint8Array) => void,
    onGone: () => void,
  ): Promise<void> {
    const outcome = await this.links.read(object);
    if ("content" in outcome) use(outcome.content);
    else if ("gone" in outcome) onGone();
    else this.addFault(builder, object, outcome.fault);
  }
}
