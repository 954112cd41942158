import { MAX_MANIFEST_BYTES } from "../registry/layout.js";
import type { MarkContext } from "./context.js";
import { isLayerLinked, resolveLayer } from "./repository-links.js";
import type { RepositoryLinks } from "./repository-links.js";
import { search } from "./sorted-ids.js";

/** The manifests of a repository, by what finds them; all of them are loaded. */
export interface RepositoryManifests {
  /**
   * Without a revision link, but with a layer link: 2.1.0 wrote no others, and registries of 2.x still find a manifest so, be it a tag's, a
   * child of an index, or one that somebody asks for by its digest (`manifestLinkPathFns` in `registry/storage/registry.go`).
   */
  readonly layerLinked: ReadonlySet<number>;
  /** Without any link, but stored, and named by a tag that dangles, or by what such a tag names. */
  readonly recoverable: ReadonlySet<number>;
  /** Those of the recoverable ones that go with the dangling tags. */
  readonly droppable: ReadonlySet<number>;
}

/** Finds the manifests of a repository besides its revisions, and loads them all. */
export async function findManifests(
  context: MarkContext,
  links: RepositoryLinks,
  pins: ReadonlySet<number>,
  lasting: ReadonlySet<string>,
): Promise<RepositoryManifests> {
  const finder = new ManifestFinder(context, links, pins, lasting);
  await finder.find();
  const { layerLinked, droppable, recoverable } = finder;
  return { layerLinked, droppable, recoverable };
}

class ManifestFinder {
  readonly layerLinked = new Set<number>();
  readonly droppable = new Set<number>();
  /** What lasting tags name. */
  readonly #kept = new Set<number>();
  readonly #revisions: ReadonlySet<number>;

  constructor(
    private readonly context: MarkContext,
    private readonly links: RepositoryLinks,
    /** What the pins mean here. */
    private readonly pins: ReadonlySet<number>,
    /** Tags that are never dropped. */
    private readonly lasting: ReadonlySet<string>,
  ) {
    this.#revisions = new Set(links.revisions);
  }

  /** All of them, in a new set each time: there may be as many as tags. */
  get recoverable(): ReadonlySet<number> {
    return new Set([...this.#kept, ...this.droppable]);
  }

  async find(): Promise<void> {
    const { tags, lostTargets, history, revisions } = this.links;
    for (const { name, target } of tags) this.#addTagged(target, this.lasting.has(name) ? this.#kept : this.droppable);
    for (const target of lostTargets) this.#addTagged(target, this.droppable);
    for (const id of this.#kept) this.droppable.delete(id);
    await this.context.store.load([...revisions, ...this.layerLinked, ...this.recoverable]);
    await this.#add(
      history.map(({ target }) => target),
      () => undefined,
    );
    await this.#addPins();
    // What a tag keeps that is never dropped is kept whatever else names it, so it is followed first.
    await this.#follow([...revisions, ...this.layerLinked, ...this.#kept]);
    await this.#follow([...this.droppable]);
  }

  /** What a tag names is a manifest, whatever it holds. */
  #addTagged(target: number, others: Set<number>): void {
    if (this.#revisions.has(target)) return;
    const id = resolveLayer(this.links, target);
    if (!this.context.table.isStored(id) || this.#revisions.has(id)) return;
    (isLayerLinked(this.links, target) ? this.layerLinked : others).add(id);
  }

  /** Pins with a layer link may be manifests or, as often, what a container's image is known by: its config. */
  async #addPins(): Promise<void> {
    const { store, table } = this.context;
    const { pins } = this;
    const { layers } = this.links;
    const linked =
      pins.size > layers.length ? layers.filter((id) => pins.has(id)) : [...pins].filter((id) => search(layers, id) >= 0);
    // Several pins may be names of one.
    const candidates = new Set<number>();
    for (const pin of linked) {
      const id = resolveLayer(this.links, pin);
      if (table.isStored(id) && table.size(id) <= MAX_MANIFEST_BYTES && !this.#lasts(id)) candidates.add(id);
    }
    if (candidates.size === 0) return;
    await store.load([...candidates]);
    for (const id of candidates) {
      if (!store.has(id)) continue;
      this.droppable.delete(id);
      this.layerLinked.add(id);
    }
  }

  /** Follows what manifests name as manifests, level by level. */
  async #follow(manifests: readonly number[]): Promise<void> {
    const { store } = this.context;
    for (let level = manifests; level.length > 0;) {
      const named = new Map<number, Set<number> | undefined>();
      for (const id of level) {
        const own = this.#kept.has(id) ? this.#kept : this.droppable.has(id) ? this.droppable : undefined;
        store.forEachNamedManifest(id, (child) => {
          if (!this.#revisions.has(child)) named.set(child, own ?? named.get(child));
          for (const meant of this.links.meanings.get(child) ?? []) named.set(meant, own ?? named.get(meant));
        });
      }
      level = await this.#add(named.keys(), (child) => named.get(child));
    }
  }

  /** Adds what is a manifest: to those with a layer link, or without any to where `other` says. Returns what is new. */
  async #add(named: Iterable<number>, other: (named: number) => Set<number> | undefined): Promise<number[]> {
    const { table, store } = this.context;
    const candidates = new Map<number, Set<number>>();
    for (const one of named) {
      if (this.#revisions.has(one)) continue;
      const id = resolveLayer(this.links, one);
      if (!table.isStored(id) || table.size(id) > MAX_MANIFEST_BYTES || this.#lasts(id)) continue;
      const set = isLayerLinked(this.links, one) ? this.layerLinked : other(one);
      if (set !== undefined && !set.has(id)) candidates.set(id, set);
    }
    if (candidates.size === 0) return [];
    await store.load([...candidates.keys()]);
    const added: number[] = [];
    for (const [id, set] of candidates) {
      // What is sound and no manifest was named by a wrong name: BuildKit's cache is an index of layers (docker/buildx#173).
      if (store.problem(id)?.kind === "invalid") continue;
      // A dangling tag may name it as well.
      this.droppable.delete(id);
      set.add(id);
      added.push(id);
    }
    return added;
  }

  /** Whether it is known for a manifest that no policy drops. */
  #lasts(id: number): boolean {
    return this.#revisions.has(id) || this.layerLinked.has(id) || this.#kept.has(id);
  }
}
