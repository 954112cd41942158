import { noElement } from "../element-at.js";
import type { ReferenceRole } from "../registry/manifest.js";
import type { MarkContext } from "./context.js";
import type { LostSubject } from "./lost-subjects.js";
import { isLost } from "./meant-blobs.js";
import { HELD } from "./policy.js";
import { resolveLayer } from "./repository-links.js";
import type { RepositoryLinks } from "./repository-links.js";
import type { RepositoryManifests } from "./repository-manifests.js";

/**
 * Which manifests of one repository are live, by variant. Bits pass from the roots along two kinds of edges: from a manifest to the
 * manifests that it names (an index to its children; the registry also takes a manifest for a layer), and from a subject to its
 * referrers (a live subject keeps its signatures). Bits are only ever added, so the order of the roots does not matter and cycles end.
 */
export class Reachability {
  readonly #position = new Map<number, number>();
  readonly #marks: Uint16Array;
  readonly #tags: (string | undefined)[];
  readonly #heights = new Map<number, number>();
  readonly #referrers = new Map<number, number[]>();
  readonly #lostSubjects: LostSubject[] = [];
  /** What manifests say of the sizes of references of which nobody can tell what they are stored as, each size once. */
  readonly #lostSizes = new Map<number, Map<number, ReferenceRole>>();
  readonly #bySize = new Map<number, number[]>();

  readonly manifests: readonly number[];

  /** All of the repository's manifests are loaded. Those that only dangling tags name are its manifests as long as these tags count. */
  constructor(
    private readonly links: RepositoryLinks,
    private readonly found: RepositoryManifests,
    /** In which variants dangling tags count. */
    private readonly danglingRoot: number,
    private readonly context: MarkContext,
  ) {
    const manifests = [...new Set([...links.revisions, ...found.layerLinked, ...found.recoverable])];
    this.manifests = manifests;
    for (const [position, id] of manifests.entries()) this.#position.set(id, position);
    this.#marks = new Uint16Array(manifests.length);
    this.#tags = Array.from({ length: manifests.length });
    // Not what a layer link alone finds: the releases that find it so know no subjects, and once the manifest that named it is swept,
    // nothing tells it from a layer.
    for (const id of manifests) {
      context.store.forEachReference(id, (role, subject, at) => {
        if (role !== "subject") {
          if (!context.table.isStored(subject)) this.#addLost(id, role, subject, at);
          return;
        }
        if (!found.layerLinked.has(id)) this.#addReferrer(id, subject, context.store.declaredSize(at));
      });
    }
    if (this.#lostSizes.size === 0) return;
    for (const id of manifests) {
      if (!context.table.isStored(id)) continue;
      const size = context.table.size(id);
      const same = this.#bySize.get(size);
      if (same === undefined) this.#bySize.set(size, [id]);
      else same.push(id);
    }
  }

  /** Nobody can tell by its name alone what is stored as a subject that is named by another algorithm. */
  #addReferrer(referrer: number, named: number, declared: number | undefined): void {
    const { table, lostSizes } = this.context;
    for (const subject of this.#subjectsNamed(named)) {
      const referrers = this.#referrers.get(subject);
      if (referrers === undefined) this.#referrers.set(subject, [referrer]);
      else referrers.push(referrer);
    }
    if (table.isStored(named) || !isLost(table, named, resolveLayer(this.links, named), declared)) return;
    this.#lostSubjects.push({ referrer, named, declared });
    if (declared !== undefined) lostSizes.add(declared, false, 0);
  }

  #subjectsNamed(named: number): readonly number[] {
    const meanings = this.links.meanings.get(named);
    return meanings === undefined ? [named] : [named, ...meanings];
  }

  #addLost(manifest: number, role: ReferenceRole, named: number, position: number): void {
    const { table, store, lostSizes } = this.context;
    const declared = store.declaredSize(position);
    if (role === "mention" || declared === undefined) return;
    if (!isLost(table, named, resolveLayer(this.links, named), declared)) return;
    lostSizes.add(declared, role === "child", 0);
    const known = this.#lostSizes.get(manifest);
    if (known === undefined) this.#lostSizes.set(manifest, new Map([[declared, role]]));
    else known.set(declared, role);
  }

  /** Whether the manifest belongs to the repository. */
  has(id: number): boolean {
    return this.#position.has(id);
  }

  /** Whether a subject with this name belongs to the repository, or may do so by its links. */
  hasSubject(named: number): boolean {
    return this.#subjectsNamed(named).some((id) => this.#position.has(id));
  }

  /** The manifest that the registry finds by a digest: the digest itself, or what a link says that it is stored as. */
  resolve(named: number): number {
    return this.#position.has(named) ? named : resolveLayer(this.links, named);
  }

  /** The bits of a manifest of the repository; 0 for any other. */
  marks(id: number): number {
    const position = this.#position.get(id);
    return position === undefined ? 0 : (this.#marks[position] ?? noElement(position, this.#marks));
  }

  /** A tag through which a pull gets to the manifest. */
  tag(id: number): string | undefined {
    const position = this.#position.get(id);
    return position === undefined ? undefined : this.#tags[position];
  }

  /** How many manifests of the repository lie below this one on the longest way, by its children and its subject. */
  height(id: number): number {
    // No recursion: whoever may push decides how deep indexes nest. A digest cannot contain itself, so there are no cycles.
    const pending = [id];
    for (let next = pending.at(-1); next !== undefined; next = pending.at(-1)) {
      // Named more than once: whoever may push decides how often.
      if (this.#heights.has(next)) {
        pending.pop();
        continue;
      }
      let height = 0;
      let unknown = 0;
      this.context.store.forEachReference(next, (role, below) => {
        if ((role !== "child" && role !== "subject") || !this.has(below)) return;
        const known = this.#heights.get(below);
        if (known !== undefined) height = Math.max(height, 1 + known);
        else unknown = pending.push(below);
      });
      if (unknown > 0) continue;
      this.#heights.set(next, height);
      pending.pop();
    }
    return this.#heights.get(id) ?? 0;
  }

  /** Calls `visit` for each manifest of the repository that this one keeps alive: those that it names, and its referrers. */
  forEachKept(id: number, visit: (kept: number, role: ReferenceRole | "referrer") => void): void {
    this.context.store.forEachReference(id, (role, named) => {
      if (role === "subject") return;
      const kept = this.resolve(named);
      if (this.#position.has(kept)) visit(kept, role);
      for (const meant of this.links.meanings.get(named) ?? [])
        if (meant !== kept && this.#position.has(meant)) visit(meant, role);
    });
    for (const [size, role] of this.#lostSizes.get(id) ?? [])
      for (const meant of this.#bySize.get(size) ?? []) if (meant !== id) visit(meant, role);
    for (const referrer of this.#referrers.get(id) ?? []) visit(referrer, "referrer");
  }

  /** Those of the manifests that are about another one of which no link here tells which it is. */
  get lostSubjects(): readonly LostSubject[] {
    return this.#lostSubjects;
  }

  /** Manifests that are about another one, or may be by the repository's links, whether or not it has that. */
  *referrers(): Generator<{ readonly referrer: number; readonly subject: number }> {
    for (const [subject, referrers] of this.#referrers) for (const referrer of referrers) yield { referrer, subject };
  }

  /** Those of the bits that a manifest of the repository takes, and passes on. */
  accepts(id: number, bits: number): number {
    return this.found.droppable.has(id) ? bits & (this.danglingRoot | HELD) : bits;
  }

  /** Marks a root and all that it reaches. Returns whether any of that is new. */
  mark(root: number, rootBits: number, tag?: string): boolean {
    let isNew = false;
    const pending = [{ id: root, bits: rootBits }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { id } = next;
      const position = this.#position.get(id);
      if (position === undefined) continue;
      const bits = this.accepts(id, next.bits);
      const before = this.#marks[position] ?? noElement(position, this.#marks);
      if (tag !== undefined && this.#tags[position] === undefined) this.#tags[position] = tag;
      if ((before | bits) === before) continue;
      this.#marks[position] = before | bits;
      isNew = true;
      this.forEachKept(id, (kept) => pending.push({ id: kept, bits }));
    }
    return isNew;
  }
}
