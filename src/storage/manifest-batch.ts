import crypto from "node:crypto";
import type { Digest } from "../registry/digest.js";
import { MAX_MANIFEST_BYTES } from "../registry/layout.js";
import { parseManifest } from "../registry/manifest.js";
import { packReferences } from "../registry/packed-manifest.js";
import type { ManifestBatch, ManifestProblemKind } from "./listing.js";

/** Makes a batch out of manifests' contents, one call of `addContent` or `addProblem` for each, in order. */
export class ManifestBatchBuilder {
  readonly #offsets: number[] = [];
  readonly #words: number[] = [];
  readonly #problems: { position: number; kind: ManifestProblemKind; detail: string }[] = [];

  /** Verifies the content against the digest and parses it. `content` may end after one byte more than a manifest may have. */
  addContent(digest: Digest, content: Uint8Array): void {
    if (content.length > MAX_MANIFEST_BYTES) {
      this.addProblem("invalid", `it is larger than the ${MAX_MANIFEST_BYTES} bytes that a registry takes for a manifest`);
      return;
    }
    const hex = crypto.hash(digest.algorithm, content, "hex");
    if (hex !== digest.hex) {
      this.addProblem("corrupt", `its content has the digest ${digest.algorithm}:${hex}`);
      return;
    }
    const parsed = parseManifest(content);
    if ("problem" in parsed) {
      this.addProblem("invalid", parsed.problem);
      return;
    }
    this.#offsets.push(this.#words.length);
    packReferences(parsed.references, this.#words);
  }

  addProblem(kind: ManifestProblemKind, detail: string): void {
    this.#problems.push({ position: this.#offsets.length, kind, detail });
    this.#offsets.push(0);
  }

  build(): ManifestBatch {
    return { offsets: Uint32Array.from(this.#offsets), words: Uint32Array.from(this.#words), problems: this.#problems };
  }
}
