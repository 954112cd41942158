/** What references that say one size may mean. */
export class LostSize {
  /** Stored blobs of that size. */
  readonly blobs: number[] = [];
  /** What these name, if they are manifests; only where a child has this size. */
  readonly below = new Set<number>();
  /** A manifest among these that may need any blob, if there is one. */
  anyBelow: number | undefined;
  hasChild = false;
  /** Marks of the manifests with such a reference. */
  marks = 0;
  /** The same of those in which it is a child. */
  childMarks = 0;
}

/**
 * References by another algorithm than sha256 of which no link tells what they are stored as, by the size that their descriptors say: a blob of that
 * size may be the one, whether any link names it or not.
 */
export class LostSizes {
  readonly #sizes = new Map<number, LostSize>();
  /** Those of which the blobs are not known yet. */
  readonly #unknown = new Map<number, LostSize>();

  /** Notes what a manifest with these marks says of the size (bytes) of such a reference; without marks it is not live. */
  add(size: number, isChild: boolean, marks: number): void {
    let known = this.#sizes.get(size);
    if (known === undefined) {
      known = new LostSize();
      this.#sizes.set(size, known);
      this.#unknown.set(size, known);
    }
    known.marks |= marks;
    if (!isChild) return;
    known.hasChild = true;
    known.childMarks |= marks;
  }

  get all(): Iterable<LostSize> {
    return this.#sizes.values();
  }

  /** Those that have come since this was asked last, by bytes. */
  takeUnknown(): ReadonlyMap<number, LostSize> {
    const unknown = new Map(this.#unknown);
    this.#unknown.clear();
    return unknown;
  }

  /** Calls `visit` for each blob, of `count` in all, that such a reference may mean, and if it is a child's for what that names. */
  forEachMeant(size: number, isChild: boolean, count: number, visit: (blob: number) => void): void {
    const known = this.#sizes.get(size);
    if (known === undefined) return;
    for (const id of known.blobs) visit(id);
    if (!isChild) return;
    for (const id of known.below) visit(id);
    if (known.anyBelow !== undefined) for (let id = 0; id < count; id++) visit(id);
  }
}
