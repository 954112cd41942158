import { elementAt, noElement } from "../element-at.js";
import { ALGORITHMS, DIGEST_WORDS } from "../registry/digest.js";
import type { DigestAlgorithm } from "../registry/digest.js";
import { REFERENCE_ROLES } from "../registry/manifest.js";
import type { ReferenceRole, VersionLimit } from "../registry/manifest.js";
import { countReferences, limitOf, ReferenceCursor } from "../registry/packed-manifest.js";
import type { ManifestBatch, ManifestDamage } from "../storage/manifest-damage.js";
import type { Storage } from "../storage/storage.js";
import type { BlobTable } from "./blob-table.js";
import { MAX_NUMBER, NumberMap } from "./number-map.js";

/** Roles by code; after them, from `FIRST_MANIFEST` on, those of what is a manifest by its media type: a child as a rule, a layer hardly ever. */
const ROLE_CODES = [...REFERENCE_ROLES, "layer", "child"] as const satisfies readonly ReferenceRole[];
const FIRST_MANIFEST = REFERENCE_ROLES.length;

function codeOf(role: ReferenceRole, isManifest: boolean): number {
  const manifestCode = isManifest ? ROLE_CODES.indexOf(role, FIRST_MANIFEST) : -1;
  return manifestCode < 0 ? ROLE_CODES.indexOf(role) : manifestCode;
}

/** References of many manifests lie in pages of this many words: no array is ever copied to grow, and none is large. */
const PAGE_WORDS = 1 << 20;
/** Digests that can be told apart in the 29 bits that a reference has for them: 536 million, stored or missing. */
const MAX_ID = 2 ** 29 - 1;

/**
 * What manifests refer to, each read once whatever the number of repositories that have it, and kept at four bytes a reference:
 * a blob number, and a role in the lowest three bits.
 */
export class ManifestStore {
  readonly #problems = new Map<number, ManifestDamage>();
  readonly #limits = new Map<number, VersionLimit>();
  readonly #offsets = new NumberMap();
  readonly #underWay = new Map<number, Promise<void>>();
  /** Only for references whose blob is absent or of another size. */
  readonly #declaredSizes = new NumberMap();
  /** Those that a `NumberMap` does not hold: of 4 GiB and more, and damaged ones. */
  readonly #hugeSizes = new Map<number, number>();
  readonly #pages: Uint32Array[] = [];
  readonly #cursor = new ReferenceCursor();
  /** Where the next manifest goes. */
  #end = 0;

  constructor(
    private readonly storage: Storage,
    private readonly table: BlobTable,
  ) {}

  /** Number of manifests read so far whose references are known. */
  get size(): number {
    return this.#offsets.size - this.#problems.size;
  }

  /** Reads those manifests that are not known yet. One that was not stored when the blobs were listed may have arrived since. */
  async load(ids: readonly number[]): Promise<void> {
    const wanted: number[] = [];
    const awaited = new Set<Promise<void>>();
    for (const id of ids) {
      if (this.#offsets.has(id)) continue;
      const reading = this.#underWay.get(id);
      if (reading !== undefined) awaited.add(reading);
      else wanted.push(id);
    }
    if (wanted.length > 0) {
      const reading = this.#read(wanted).finally(() => {
        for (const id of wanted) this.#underWay.delete(id);
      });
      for (const id of wanted) this.#underWay.set(id, reading);
      awaited.add(reading);
    }
    await Promise.all(awaited);
  }

  /** Whether the manifest was read, and what it refers to is known. */
  has(id: number): boolean {
    return this.#offsets.has(id) && !this.#problems.has(id);
  }

  /** Which versions of the registry cannot read the manifest; undefined for nearly all. */
  limit(id: number): VersionLimit | undefined {
    return this.#limits.get(id);
  }

  /** Why the manifest's references are unknown; undefined when they are known. */
  problem(id: number): ManifestDamage | undefined {
    return this.#problems.get(id);
  }

  /** Calls `visit` for each reference of a loaded manifest, in order; where there is a problem, for each digest that it mentions. */
  forEachReference(id: number, visit: (role: ReferenceRole, id: number, position: number) => void): void {
    const offset = this.#offsets.get(id);
    if (offset === undefined) return;
    const page = this.#pageAt(offset);
    const first = (offset % PAGE_WORDS) + 1;
    const end = first + (page[first - 1] ?? noElement(first - 1, page));
    for (let at = first; at < end; at++) {
      const reference = page[at] ?? noElement(at, page);
      visit(ROLE_CODES[reference & 7] ?? noElement(reference & 7, ROLE_CODES), reference >>> 3, offset - first + 1 + at);
    }
  }

  /** Calls `visit` for each digest that a loaded manifest names as a manifest, its subject excepted. */
  forEachNamedManifest(id: number, visit: (id: number) => void): void {
    const offset = this.#offsets.get(id);
    if (offset === undefined) return;
    const page = this.#pageAt(offset);
    const first = (offset % PAGE_WORDS) + 1;
    const end = first + (page[first - 1] ?? noElement(first - 1, page));
    for (let at = first; at < end; at++) {
      const reference = page[at] ?? noElement(at, page);
      if ((reference & 7) >= FIRST_MANIFEST) visit(reference >>> 3);
    }
  }

  /** What the manifest says of the size of the reference at `position`, in bytes, if that is not the size of a stored blob. */
  declaredSize(position: number): number | undefined {
    return this.#declaredSizes.get(position) ?? this.#hugeSizes.get(position);
  }

  async #read(ids: readonly number[]): Promise<void> {
    await Promise.all(
      ALGORITHMS.map(async (algorithm) => {
        const some = ids.filter((id) => this.table.algorithm(id) === algorithm);
        if (some.length > 0) await this.#readAlgorithm(algorithm, some);
      }),
    );
  }

  async #readAlgorithm(algorithm: DigestAlgorithm, ids: readonly number[]): Promise<void> {
    const width = DIGEST_WORDS[algorithm];
    const digests = new Uint32Array(ids.length * width);
    const listedBytes = new Float64Array(ids.length);
    for (let i = 0; i < ids.length; i++) {
      const id = elementAt(ids, i);
      this.table.copyWords(id, digests, i * width);
      listedBytes[i] = this.table.isStored(id) ? this.table.size(id) : Number.NaN;
    }
    const batch = await this.storage.readManifests(algorithm, digests, listedBytes);
    const problems = new Map(batch.problems.map(({ position, ...damage }) => [position, damage]));
    const nextSha256 = this.#sha256Ids(batch);
    for (let i = 0; i < ids.length; i++) {
      const id = elementAt(ids, i);
      const problem = problems.get(i);
      // What cannot be understood keeps all that it mentions.
      this.#add(id, batch.words, elementAt(batch.offsets, i), nextSha256);
      if (problem === undefined) continue;
      if (problem.kind !== "missing") this.#problems.set(id, problem);
      else if (!this.table.isStored(id) || this.storage.asOf !== undefined) this.#problems.set(id, problem);
      // It was there when the blobs were listed: somebody deletes while we read, or the storage does not tell the truth.
      else this.#problems.set(id, { kind: "unreadable", cause: "gone since it was listed" });
    }
  }

  /** Looks up what the manifests of a batch name by sha256, all of it together. Each call returns the number of the next. */
  #sha256Ids({ offsets, words }: ManifestBatch): () => number {
    const cursor = this.#cursor;
    let most = 0;
    for (const offset of offsets) most += countReferences(words, offset);
    const positions = new Uint32Array(most);
    let count = 0;
    for (const offset of offsets) {
      cursor.open(words, offset);
      while (cursor.next()) if (cursor.algorithm === "sha256") positions[count++] = cursor.at;
    }
    const ids = this.table.idsOf("sha256", words, positions.subarray(0, count));
    let next = 0;
    return () => ids[next++] ?? noElement(next - 1, ids);
  }

  #add(manifest: number, words: Uint32Array, offset: number, nextSha256: () => number): void {
    const cursor = this.#cursor;
    const count = cursor.open(words, offset);
    const limit = limitOf(words, offset);
    if (limit !== undefined) this.#limits.set(manifest, limit);
    const start = this.#reserve(count + 1);
    const page = this.#pageAt(start);
    let at = start % PAGE_WORDS;
    const pageStart = start - at;
    this.#offsets.set(manifest, start);
    page[at] = count;
    while (cursor.next()) {
      const { algorithm, size } = cursor;
      const id = algorithm === "sha256" ? nextSha256() : this.table.idOf(algorithm, words, cursor.at);
      if (id > MAX_ID) throw new RangeError(`more than ${MAX_ID} digests`);
      at++;
      if (size !== undefined && (!this.table.isStored(id) || this.table.size(id) !== size))
        this.#setDeclaredSize(pageStart + at, size);
      page[at] = ((id << 3) | codeOf(cursor.role, cursor.isManifest)) >>> 0;
    }
  }

  #setDeclaredSize(position: number, size: number): void {
    if (size >= 0 && size <= MAX_NUMBER) this.#declaredSizes.set(position, size);
    else this.#hugeSizes.set(position, size);
  }

  #pageAt(offset: number): Uint32Array {
    const page = this.#pages[Math.floor(offset / PAGE_WORDS)];
    if (page === undefined) throw new RangeError(`no manifest lies at ${offset}`);
    return page;
  }

  /** Room for `words` words in one page; a manifest of 4 MiB has fewer references than a page has words. Returns where. */
  #reserve(words: number): number {
    const left = this.#pages.length * PAGE_WORDS - this.#end;
    if (words > left) this.#end = (this.#pages.push(new Uint32Array(PAGE_WORDS)) - 1) * PAGE_WORDS;
    const start = this.#end;
    this.#end += words;
    return start;
  }
}
