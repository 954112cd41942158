import { Digest } from "../../../registry/digest.js";
import { BLOBS } from "../../../registry/layout.js";
import { parseBlobPath } from "../../../registry/parse-path.js";
import { mistakenPath } from "../../../registry/stray-path.js";
import { joinStrays } from "../../listing-builder.js";
import type { BlobBatch, Stray } from "../../listing.js";
import type { SpillFile } from "./spill.js";

/** Blobs of a batch. */
const BATCH = 4096;
const WORDS = 8;
const BATCH_BYTES = BATCH * (WORDS * 4 + 8 + 4);

const NIBBLES = new Int8Array(256).fill(-1);
for (let value = 0; value < 16; value++) NIBBLES[value.toString(16).charCodeAt(0)] = value;

/** `sha256/<xx>/<hex>/data`, from its place on. */
const HEX_AT = "sha256/xx/".length;
const TAIL = "/data";
const SOUND_LENGTH = HEX_AT + 64 + TAIL.length;

/** Blobs wait on the disk until all rows are read: 44 bytes each. Those of other algorithms, and strays, are few. */
export class BlobSpill {
  /** What keys of blobs begin with. */
  readonly prefix: Buffer;
  readonly #full: number[] = [];
  #digests = new Uint32Array(BATCH * WORDS);
  #sizes = new Float64Array(BATCH);
  #modified = new Uint32Array(BATCH);
  #count = 0;
  readonly #odd: { readonly digest: Digest; readonly size: number; readonly modified: number }[] = [];
  readonly #strays: Stray[] = [];
  readonly #archived: string[] = [];

  constructor(
    private readonly file: SpillFile,
    private readonly root: string,
  ) {
    this.prefix = Buffer.from(`${root}${BLOBS}/`);
  }

  /** Adds a blob by its key, which begins with `prefix`. */
  add(key: Uint8Array, size: number, modified: number): void {
    if (!this.#addSound(key)) {
      this.#addOther(Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("utf8"), size, modified);
      return;
    }
    this.#sizes[this.#count] = size;
    this.#modified[this.#count] = modified;
    if (++this.#count === BATCH) this.#write();
  }

  /** The same key is of a blob in an archive. */
  addArchived(key: Uint8Array): void {
    this.#archived.push(Buffer.from(key).toString("utf8").slice(this.root.length));
  }

  /** All of them. */
  *batches(): Generator<BlobBatch> {
    const batch = this.#batch(this.#digests, this.#sizes, this.#modified, this.#count);
    yield { ...batch, strays: joinStrays(this.#strays), archived: this.#archived };
    for (const { digest, size, modified } of this.#odd)
      yield {
        algorithm: digest.algorithm,
        digests: digest.toWords(),
        sizes: Float64Array.of(size),
        modified: Uint32Array.of(modified),
        strays: [],
        faults: [],
      };
    for (const at of this.#full) {
      const bytes = Uint8Array.from(this.file.read(at, BATCH_BYTES)).buffer;
      const sizesAt = BATCH * WORDS * 4;
      yield this.#batch(
        new Uint32Array(bytes, 0, BATCH * WORDS),
        new Float64Array(bytes, sizesAt, BATCH),
        new Uint32Array(bytes, sizesAt + BATCH * 8, BATCH),
        BATCH,
      );
    }
  }

  /** Whether the key is that of a sha256 blob; then its digest is in the batch. */
  #addSound(key: Uint8Array): boolean {
    const start = this.prefix.length;
    if (key.length !== start + SOUND_LENGTH) return false;
    for (const [i, text] of [
      [0, "sha256/"],
      [HEX_AT - 1, "/"],
      [HEX_AT + 64, TAIL],
    ] as const)
      for (let at = 0; at < text.length; at++) if (key[start + i + at] !== text.charCodeAt(at)) return false;
    const hex = start + HEX_AT;
    if (key[hex - 3] !== key[hex] || key[hex - 2] !== key[hex + 1]) return false;
    let all = 0;
    for (let word = 0; word < WORDS; word++) {
      let value = 0;
      for (let i = hex + word * 8; i < hex + word * 8 + 8; i++) {
        const nibble = NIBBLES[key[i] ?? 0] ?? -1;
        all |= nibble;
        value = (value << 4) | nibble;
      }
      this.#digests[this.#count * WORDS + word] = value;
    }
    return all >= 0;
  }

  #addOther(key: string, size: number, modified: number): void {
    const path = key.slice(this.root.length);
    const parsed = parseBlobPath(path);
    if ("kind" in parsed) {
      this.#strays.push({ path: parsed.path, bytes: size, mistaken: mistakenPath(path) });
      return;
    }
    const digest = Digest.fromParts(parsed.algorithm, parsed.hex);
    if (digest !== undefined) this.#odd.push({ digest, size, modified });
  }

  #write(): void {
    const bytes = Buffer.alloc(BATCH_BYTES);
    for (const [array, at] of [
      [this.#digests, 0],
      [this.#sizes, BATCH * WORDS * 4],
      [this.#modified, BATCH * (WORDS * 4 + 8)],
    ] as const)
      bytes.set(new Uint8Array(array.buffer), at);
    this.#full.push(this.file.append(bytes));
    this.#count = 0;
  }

  #batch(digests: Uint32Array, sizes: Float64Array, modified: Uint32Array, count: number): BlobBatch {
    return {
      algorithm: "sha256",
      digests: digests.slice(0, count * WORDS),
      sizes: sizes.slice(0, count),
      modified: modified.slice(0, count),
      strays: [],
      faults: [],
    };
  }
}
