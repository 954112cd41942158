import { Digest } from "../registry/digest.js";
import { blobPath, layerLinkPath, MAX_MANIFEST_BYTES, revisionLinkPath } from "../registry/layout.js";
import { digestIn } from "../registry/link.js";
import type { ReferenceRole } from "../registry/manifest.js";
import { unpackReferences } from "../registry/packed-manifest.js";
import { parseBlobPath, parseOwnPath, splitRepositoryPath } from "../registry/parse-path.js";
import type { StorageChanges } from "../storage/changes.js";
import { packManifest } from "../storage/manifest-batch.js";
import type { JournalEntry } from "../journal/journal.js";

/** Blobs share layers: so many answers are remembered. */
const MOST_REMEMBERED = 10_000;

/** What an object is, as far as others depend on it. */
type Subject =
  | { readonly kind: "blob"; readonly digest: Digest }
  | { readonly kind: "layer" | "revision"; readonly repository: string; readonly digest: Digest }
  | { readonly kind: "current"; readonly repository: string };

/** Tells whether what a link names is there, so that none comes back before it. */
export class LinkTargets {
  /** When the youngest link of a manifest was written that was asked for: seconds since 1970. */
  lastLinked = 0;
  /** What did not come back: blobs by digest, links by repository and digest. */
  readonly #lost = new Set<string>();
  readonly #known = new Map<string, boolean>();

  constructor(
    private readonly changes: StorageChanges,
    /** Where a link that is not back can be read; undefined where it is behind a delete marker. */
    private readonly placeOf: (object: string) => string | undefined,
  ) {}

  /** Takes note that an object has not come back. */
  lose(entry: JournalEntry): void {
    const subject = subjectOf(entry.path);
    if (subject === undefined || subject.kind === "current") return;
    this.#lost.add(subject.kind === "blob" ? subject.digest.toString() : linkKey(subject.repository, subject.digest));
  }

  /** Takes note that an object is back: nobody needs to be asked for it. */
  gain({ path: object }: JournalEntry): void {
    this.#remember(object, true);
  }

  /** What a link names that is not there; undefined where all of it is, or was missing before it was removed. */
  async missing(entry: JournalEntry): Promise<string | undefined> {
    const subject = subjectOf(entry.path);
    // By another algorithm the content is stored under another digest, which only the link tells.
    if (subject === undefined || subject.kind === "blob" || entry.dangling === true) return undefined;
    if (subject.kind === "current") return this.#missingOfTag(subject.repository, entry);
    const { repository, digest } = subject;
    if (digest.algorithm !== "sha256") return undefined;
    const blob = blobPath(digest);
    if (this.#lost.has(digest.toString()) || !(await this.#isThere(blob))) return blob;
    return subject.kind === "revision" && this.#lost.size > 0 ? this.#missingOfManifest(repository, digest) : undefined;
  }

  /** What a manifest that is back needs and has not: a blob, or the repository's link to it. */
  async lacking({ path: object }: JournalEntry): Promise<string | undefined> {
    const subject = subjectOf(object);
    if (subject?.kind !== "revision") return undefined;
    for (const { role, digest } of await this.#referencesOf(subject.digest)) {
      if (role === "subject" || role === "mention" || role === "foreign-layer" || digest.algorithm !== "sha256") continue;
      const { repository } = subject;
      const link = role === "child" ? revisionLinkPath(repository, digest) : layerLinkPath(repository, digest);
      for (const needed of [blobPath(digest), link]) if (!(await this.#isThere(needed))) return needed;
    }
    return undefined;
  }

  async #missingOfTag(repository: string, entry: JournalEntry): Promise<string | undefined> {
    const digest = entry.digest === undefined ? await this.#digestOfLink(entry.path) : Digest.parse(entry.digest);
    if (digest === undefined) return undefined;
    const link = revisionLinkPath(repository, digest);
    if (this.#lost.has(linkKey(repository, digest))) return link;
    // Registry 2.x finds a manifest by a layer link, too: 2.1.0 wrote no others.
    return (await this.#isThere(link)) || (await this.#isThere(layerLinkPath(repository, digest))) ? undefined : link;
  }

  async #digestOfLink(object: string): Promise<Digest | undefined> {
    const place = this.placeOf(object);
    return place === undefined ? undefined : digestIn(await this.changes.read(place));
  }

  /** Reading every manifest is asked of nobody for whom all came back so far. */
  async #missingOfManifest(repository: string, manifest: Digest): Promise<string | undefined> {
    for (const { role, digest } of await this.#referencesOf(manifest)) {
      if (role === "subject") continue;
      if (this.#lost.has(digest.toString())) return blobPath(digest);
      if (this.#lost.has(linkKey(repository, digest))) return `the link of ${digest.toString()} in ${repository}`;
    }
    return undefined;
  }

  /** None of what is no manifest that can be read. */
  async #referencesOf(manifest: Digest): Promise<{ readonly role: ReferenceRole; readonly digest: Digest }[]> {
    const content = await this.changes.read(blobPath(manifest));
    if (content === undefined || content.length > MAX_MANIFEST_BYTES) return [];
    const packed = packManifest(manifest, content);
    if ("damage" in packed) return [];
    const words = Uint32Array.from(packed.words);
    return Array.from(unpackReferences(words, 0), ({ role, algorithm, at }) => ({
      role,
      digest: Digest.fromWords(algorithm, words, at),
    }));
  }

  async #isThere(object: string): Promise<boolean> {
    const known = this.#known.get(object);
    if (known !== undefined) return known;
    const there = await this.changes.stat(object);
    if (there !== undefined && subjectOf(object)?.kind === "revision")
      this.lastLinked = Math.max(this.lastLinked, there.modified);
    this.#remember(object, there !== undefined);
    return there !== undefined;
  }

  #remember(object: string, isThere: boolean): void {
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear();
    this.#known.set(object, isThere);
  }
}

function linkKey(repository: string, digest: Digest): string {
  return `${repository}@${digest.toString()}`;
}

function subjectOf(object: string): Subject | undefined {
  const split = splitRepositoryPath(object);
  if (split === undefined) {
    const blob = parseBlobPath(object);
    const digest = "hex" in blob ? Digest.fromParts(blob.algorithm, blob.hex) : undefined;
    return digest && { kind: "blob", digest };
  }
  const { name: repository, own } = split;
  const parsed = parseOwnPath(own);
  if (parsed.kind === "current") return { kind: "current", repository };
  if (parsed.kind !== "link") return undefined;
  const digest = Digest.fromParts(parsed.algorithm, parsed.hex);
  return digest && { kind: parsed.section === "layers" ? "layer" : "revision", repository, digest };
}
