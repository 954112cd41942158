import crypto from "node:crypto";
import type { Digest } from "../registry/digest.js";
import { MAX_MANIFEST_BYTES } from "../registry/layout.js";
import { mentionsOf, parseManifest } from "../registry/manifest.js";
import { packReferences } from "../registry/packed-manifest.js";
import type { ManifestBatch, ManifestProblemKind } from "./listing.js";
import { concatWords } from "./merge-listings.js";

/** One manifest: its packed references, or why they are unknown, with all digests that its bytes mention. */
export type PackedManifest = { readonly words: Uint32Array } | DamagedManifest;
interface DamagedManifest {
  readonly kind: ManifestProblemKind;
  readonly detail: string;
  /** Packed references; none where nothing could be read. */
  readonly mentions?: Uint32Array;
}

/** Verifies the content against the digest and parses it. `content` may end after one byte more than a manifest may have. */
export function packManifest(digest: Pick<Digest, "algorithm" | "hex">, content: Uint8Array): PackedManifest {
  const damaged = (kind: ManifestProblemKind, detail: string): DamagedManifest => ({
    kind,
    detail,
    mentions: packReferences(mentionsOf(content)),
  });
  if (content.length > MAX_MANIFEST_BYTES)
    return damaged(
      "invalid",
      `it is larger than the ${MAX_MANIFEST_BYTES} bytes that a registry takes for a manifest; ${REFUSED}`,
    );
  const hex = crypto.hash(digest.algorithm, content, "hex");
  if (hex !== digest.hex)
    return damaged("corrupt", content.length === 0 ? "it is empty" : `its content has the digest ${digest.algorithm}:${hex}`);
  const parsed = parseManifest(content);
  if ("problem" in parsed) return damaged("invalid", `${parsed.problem}; ${parsed.isServed ? SERVED : REFUSED}`);
  return { words: packReferences(parsed.references, parsed.limit) };
}

const REFUSED = "the registry cannot read it, so that a pull gets an error and its own collector aborts";
const SERVED = "the registry serves it, but takes no push of it, and clients cannot use it";

/** Makes a batch out of manifests, one call of `add` for each, in order. */
export class ManifestBatchBuilder {
  readonly #offsets: number[] = [];
  readonly #packed: Uint32Array[] = [];
  #length = 0;
  readonly #problems: { position: number; kind: ManifestProblemKind; detail: string }[] = [];

  add(manifest: PackedManifest): void {
    if ("kind" in manifest) this.#problems.push({ position: this.#offsets.length, kind: manifest.kind, detail: manifest.detail });
    const words = "kind" in manifest ? (manifest.mentions ?? NOTHING) : manifest.words;
    this.#offsets.push(this.#length);
    this.#packed.push(words);
    this.#length += words.length;
  }

  build(): ManifestBatch {
    return { offsets: Uint32Array.from(this.#offsets), words: concatWords(this.#packed), problems: this.#problems };
  }
}

const NOTHING = packReferences([]);
