import crypto from "node:crypto";
import type { Digest } from "../registry/digest.js";
import { MAX_MANIFEST_BYTES } from "../registry/layout.js";
import { parseManifest } from "../registry/manifest.js";
import { packReferences } from "../registry/packed-manifest.js";
import type { ManifestBatch, ManifestProblemKind } from "./listing.js";
import { concatWords } from "./merge-listings.js";

/** One manifest: its packed references, or why they are unknown. */
export type PackedManifest = { readonly words: Uint32Array } | ManifestProblemOf;
interface ManifestProblemOf {
  readonly kind: ManifestProblemKind;
  readonly detail: string;
}

/** Verifies the content against the digest and parses it. `content` may end after one byte more than a manifest may have. */
export function packManifest(digest: Digest, content: Uint8Array): PackedManifest {
  if (content.length > MAX_MANIFEST_BYTES)
    return { kind: "invalid", detail: `it is larger than the ${MAX_MANIFEST_BYTES} bytes that a registry takes for a manifest` };
  const hex = crypto.hash(digest.algorithm, content, "hex");
  if (hex !== digest.hex) return { kind: "corrupt", detail: `its content has the digest ${digest.algorithm}:${hex}` };
  const parsed = parseManifest(content);
  if ("problem" in parsed) return { kind: "invalid", detail: parsed.problem };
  return { words: packReferences(parsed.references) };
}

/** Makes a batch out of manifests, one call of `add` for each, in order. */
export class ManifestBatchBuilder {
  readonly #offsets: number[] = [];
  readonly #packed: Uint32Array[] = [];
  #length = 0;
  readonly #problems: { position: number; kind: ManifestProblemKind; detail: string }[] = [];

  add(manifest: PackedManifest): void {
    if ("words" in manifest) {
      this.#offsets.push(this.#length);
      this.#packed.push(manifest.words);
      this.#length += manifest.words.length;
      return;
    }
    this.#problems.push({ position: this.#offsets.length, ...manifest });
    this.#offsets.push(0);
  }

  build(): ManifestBatch {
    return { offsets: Uint32Array.from(this.#offsets), words: concatWords(this.#packed), problems: this.#problems };
  }
}
