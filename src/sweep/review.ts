import { ALGORITHMS, Digest } from "../registry/digest.js";
import type { DigestAlgorithm } from "../registry/digest.js";
import { unpackReferences } from "../registry/packed-manifest.js";
import type { Storage } from "../storage/storage.js";
import { filterPlan } from "./plan.js";
import type { PlanItem, Stage } from "./plan.js";

/**
 * The part of a fresh plan that a reviewed one allows. What the review did not see stays, and stays whole: garbage that has come about
 * since may use blobs that are in both plans, and its manifests can be pulled by digest until they go as well.
 */
export async function intersectPlans(
  storage: Storage,
  fresh: readonly Stage[],
  allows: (item: PlanItem) => boolean,
): Promise<readonly Stage[]> {
  const kept = new Kept(storage, fresh);
  for (const stage of fresh) {
    for (const item of stage.items()) if (!allows(item)) kept.add(item);
  }
  await kept.follow();
  return filterPlan(fresh, (item) => allows(item) && !kept.needs(item));
}

/** Digests that must outlive the sweep, for the sake of what it leaves. */
class Kept {
  readonly #digests = new Set<string>();
  readonly #manifests = new Set<string>();
  /** References that cannot be followed: then no blob may go. */
  #isUnknown = false;
  #pending: string[] = [];

  constructor(
    private readonly storage: Storage,
    fresh: readonly Stage[],
  ) {
    for (const stage of fresh) {
      for (const { kind, digest } of stage.items()) if (isManifest(kind) && digest !== undefined) this.#manifests.add(digest);
    }
  }

  add({ kind, digest }: PlanItem): void {
    if (digest !== undefined && kind !== "tag-index") this.#need(digest, isManifest(kind));
  }

  needs({ kind, digest }: PlanItem): boolean {
    if (kind === "blob" && this.#isUnknown) return true;
    return digest !== undefined && kind !== "tag-index" && this.#digests.has(digest);
  }

  async follow(): Promise<void> {
    while (this.#pending.length > 0) {
      const digests = this.#pending.splice(0).flatMap((text) => Digest.parse(text) ?? []);
      for (const algorithm of ALGORITHMS) {
        const some = digests.filter((digest) => digest.algorithm === algorithm);
        if (some.length > 0) await this.#read(algorithm, some);
      }
    }
  }

  async #read(algorithm: DigestAlgorithm, digests: readonly Digest[]): Promise<void> {
    const words = Uint32Array.from(digests.flatMap((digest) => [...digest.toWords()]));
    const batch = await this.storage.readManifests(algorithm, words);
    if (batch.problems.some(({ kind }) => kind !== "missing")) this.#isUnknown = true;
    const damaged = new Set(batch.problems.map(({ position }) => position));
    for (const [position, offset] of batch.offsets.entries()) {
      if (damaged.has(position)) continue;
      for (const { role, algorithm: named, at } of unpackReferences(batch.words, offset)) {
        // The blob of a reference by another algorithm is stored by its sha256, which only the layer link tells.
        if (named !== "sha256") this.#isUnknown = true;
        if (role !== "subject") this.#need(Digest.fromWords(named, batch.words, at).toString(), role === "child");
      }
    }
  }

  #need(digest: string, isManifestToo: boolean): void {
    if (this.#digests.has(digest)) return;
    this.#digests.add(digest);
    if (isManifestToo || this.#manifests.has(digest)) this.#pending.push(digest);
  }
}

function isManifest(kind: PlanItem["kind"]): boolean {
  return kind === "revision" || kind === "tag";
}
