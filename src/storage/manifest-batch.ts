import crypto from "node:crypto";
import type { Digest } from "../registry/digest.js";
import { MAX_MANIFEST_BYTES } from "../registry/layout.js";
import { mentionsOf, parseManifest } from "../registry/manifest.js";
import { packOrdinary } from "../registry/ordinary-manifest.js";
import { packReferences } from "../registry/packed-manifest.js";
import type { ManifestBatch, ManifestDamage, ManifestProblem } from "./manifest-damage.js";
import { concatWords } from "./merge-listings.js";

/** One manifest: its packed references, or why they are unknown, with all digests that its bytes mention. */
export type PackedManifest = { readonly words: Uint32Array } | DamagedManifest;
interface DamagedManifest {
  readonly damage: ManifestDamage;
  /** Packed references; none where nothing could be read. */
  readonly mentions?: Uint32Array;
}

/** Verifies the content against the digest and parses it. `content` may end after one byte more than a manifest may have. */
export function packManifest(digest: Pick<Digest, "algorithm" | "hex">, content: Uint8Array): PackedManifest {
  const damaged = (damage: ManifestDamage): DamagedManifest => ({ damage, mentions: packReferences(mentionsOf(content)) });
  if (content.length > MAX_MANIFEST_BYTES) return damaged({ kind: "invalid", problem: TOO_LARGE, isServed: false });
  const contentHex = crypto.hash(digest.algorithm, content, "hex");
  if (contentHex !== digest.hex) return damaged({ kind: "corrupt", contentHex, bytes: content.length });
  const ordinary = packOrdinary(content);
  if (ordinary !== undefined) return { words: ordinary };
  const parsed = parseManifest(content);
  if ("problem" in parsed) return damaged({ kind: "invalid", problem: parsed.problem, isServed: parsed.isServed });
  return { words: packReferences(parsed.references, parsed.limit) };
}

const TOO_LARGE = `it is larger than the ${MAX_MANIFEST_BYTES} bytes that a registry takes for a manifest`;

/** Makes a batch out of manifests, one call of `add` for each, in order. */
export class ManifestBatchBuilder {
  readonly #offsets: number[] = [];
  readonly #packed: Uint32Array[] = [];
  #length = 0;
  readonly #problems: ManifestProblem[] = [];

  add(manifest: PackedManifest): void {
    if ("damage" in manifest) this.#problems.push({ ...manifest.damage, position: this.#offsets.length });
    const words = "damage" in manifest ? (manifest.mentions ?? NOTHING) : manifest.words;
    this.#offsets.push(this.#length);
    this.#packed.push(words);
    this.#length += words.length;
  }

  build(): ManifestBatch {
    return { offsets: Uint32Array.from(this.#offsets), words: concatWords(this.#packed), problems: this.#problems };
  }
}

const NOTHING = packReferences([]);
