import crypto from "node:crypto";
import type { Digest } from "../registry/digest.js";
import { MAX_MANIFEST_BYTES } from "../registry/layout.js";
import { parseManifest } from "../registry/manifest.js";
import { packReferences } from "../registry/packed-manifest.js";
import type { ManifestBatch, ManifestProblemKind } from "./listing.js";

/** One manifest: its packed references, or why they are unknown. */
export type PackedManifest = { readonly words: readonly number[] | Uint32Array } | ManifestProblemOf;
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
  const words: number[] = [];
  packReferences(parsed.references, words);
  return { words };
}

/** Makes a batch out of manifests, one call of `add` for each, in order. */
export class ManifestBatchBuilder {
  readonly #offsets: number[] = [];
  readonly #words: number[] = [];
  readonly #problems: { position: number; kind: ManifestProblemKind; detail: string }[] = [];

  add(manifest: PackedManifest): void {
    if ("words" in manifest) {
      this.#offsets.push(this.#words.length);
      for (const word of manifest.words) this.#words.push(word);
      return;
    }
    this.#problems.push({ position: this.#offsets.length, ...manifest });
    this.#offsets.push(0);
  }

  build(): ManifestBatch {
    return { offsets: Uint32Array.from(this.#offsets), words: Uint32Array.from(this.#words), problems: this.#problems };
  }
}
