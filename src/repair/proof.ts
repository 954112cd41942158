import type { BlobTable } from "../mark/blob-table.js";
import { Digest } from "../registry/digest.js";
import { blobPath, MAX_MANIFEST_BYTES, revisionLinkPath, tagPath } from "../registry/layout.js";
import { digestIn } from "../registry/link.js";
import { unpackReferences } from "../registry/packed-manifest.js";
import { parseOwnPath, splitRepositoryPath } from "../registry/parse-path.js";
import { damageWords } from "../report/cause-words.js";
import type { StorageLook } from "../storage/changes.js";
import { packManifest } from "../storage/manifest-batch.js";

/** A proof, or why there is none. */
export type Proof<T> = { readonly proven: T } | { readonly because: string };

/** Answers by what the storage holds now; what was marked only says where to look. */
export class Prover {
  constructor(
    private readonly table: BlobTable,
    private readonly look: StorageLook,
  ) {}

  /** The size in bytes of a stored blob. */
  sizeOf(digest: Digest): number | undefined {
    const id = this.table.idOfDigest(digest);
    return this.table.isStored(id) ? this.table.size(id) : undefined;
  }

  /** That the blob is stored, hashes to its digest, and is a manifest: the digests that it refers to, its subject excepted. */
  async manifest(digest: Digest): Promise<Proof<readonly Digest[]>> {
    const size = this.sizeOf(digest);
    if (size === undefined) return { because: "its manifest is not stored" };
    if (size > MAX_MANIFEST_BYTES) return { because: `its blob is larger than a manifest can be (${size} bytes)` };
    const content = await this.look.read(blobPath(digest));
    if (content === undefined) return { because: "its manifest is gone since it was listed" };
    const packed = packManifest(digest, content);
    if ("damage" in packed)
      return { because: `its manifest is ${packed.damage.kind}: ${damageWords(packed.damage, digest.algorithm)}` };
    const words = Uint32Array.from(packed.words);
    const references = [...unpackReferences(words, 0)].filter(({ role }) => role !== "subject");
    return { proven: references.map(({ algorithm, at }) => Digest.fromWords(algorithm, words, at)) };
  }

  /** Whether the repository has a sound revision link for the manifest. */
  async hasRevision(repository: string, digest: Digest): Promise<boolean> {
    return digestIn(await this.look.read(revisionLinkPath(repository, digest)))?.equals(digest) === true;
  }

  /** The one manifest that a tag has ever named: each digest that it named has an entry in its history, whose path says which. */
  async onlyHistoryEntry(repository: string, tag: string): Promise<Proof<Digest>> {
    const entries = await this.#historyEntries(repository, tag);
    const [entry] = entries;
    if (entry === undefined) return { because: "its history has no entry that says what it named" };
    if (entries.length > 1) return { because: `its history has ${entries.length} entries, any of which it may have named last` };
    const held = digestIn(await this.look.read(entry.file));
    // An entry that was emptied along with the tag's link is still known by its path.
    if (held !== undefined && !held.equals(entry.digest))
      return { because: `the only entry of its history contradicts itself: it holds ${held.toString()}` };
    return { proven: entry.digest };
  }

  /** Whether the tag's history has entries, and none of a digest that the tag names: then no push has written that. */
  async contradictsTag(repository: string, tag: string, digest: Digest): Promise<boolean> {
    const entries = await this.#historyEntries(repository, tag);
    return entries.length > 0 && !entries.some((entry) => entry.digest.equals(digest));
  }

  async #historyEntries(repository: string, tag: string): Promise<readonly { readonly file: string; readonly digest: Digest }[]> {
    const entries: { readonly file: string; readonly digest: Digest }[] = [];
    for await (const { path: file } of this.look.list(`${tagPath(repository, tag)}/index`)) {
      const own = parseOwnPath(splitRepositoryPath(file)?.own ?? "");
      const digest = own.kind === "index" ? Digest.fromParts(own.algorithm, own.hex) : undefined;
      if (digest !== undefined) entries.push({ file, digest });
    }
    return entries;
  }

  /** Bytes of a link's file, as it is now. */
  async linkBytes(link: string): Promise<number | undefined> {
    return (await this.look.stat(link))?.bytes;
  }
}
