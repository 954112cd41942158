import type { ManifestStore } from "./manifest-store.js";

/**
 * Which manifests of one repository are live, by variant. Bits flow from the roots along two kinds of edges: an index to its
 * children, and a subject to its referrers (a live subject keeps its signatures). Bits are only ever added, so the order of the
 * roots does not matter and cycles end.
 */
export class Reachability {
  readonly #position = new Map<number, number>();
  readonly #marks: Uint8Array;
  readonly #tags: (string | undefined)[];
  readonly #referrers = new Map<number, number[]>();

  /** `manifests` are the repository's revisions, and what else counts as one; all of them loaded. */
  constructor(
    readonly manifests: readonly number[],
    private readonly store: ManifestStore,
  ) {
    for (const [position, id] of manifests.entries()) this.#position.set(id, position);
    this.#marks = new Uint8Array(manifests.length);
    this.#tags = Array.from({ length: manifests.length });
    for (const id of manifests) {
      store.forEachReference(id, (role, subject) => {
        if (role !== "subject") return;
        const referrers = this.#referrers.get(subject);
        if (referrers === undefined) this.#referrers.set(subject, [id]);
        else referrers.push(id);
      });
    }
  }

  /** Whether the manifest belongs to the repository. */
  has(id: number): boolean {
    return this.#position.has(id);
  }

  /** The bits of a manifest of the repository; 0 for any other. */
  marks(id: number): number {
    return this.#marks[this.#position.get(id) ?? -1] ?? 0;
  }

  /** A tag through which a pull gets to the manifest. */
  tag(id: number): string | undefined {
    return this.#tags[this.#position.get(id) ?? -1];
  }

  /** Marks a root and all that it reaches. */
  mark(root: number, bits: number, tag?: string): void {
    const pending = [root];
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      const position = this.#position.get(id);
      if (position === undefined) continue;
      const before = this.#marks[position] ?? 0;
      if (tag !== undefined && this.#tags[position] === undefined) this.#tags[position] = tag;
      if ((before | bits) === before) continue;
      this.#marks[position] = before | bits;
      this.store.forEachReference(id, (role, child) => {
        if (role === "child") pending.push(child);
      });
      pending.push(...(this.#referrers.get(id) ?? []));
    }
  }
}
