import fc from "fast-check";
import { blobFile, RegistryBuilder, RepositoryBuilder, sha256, TYPES, V2 } from "./builder.js";
import type { Descriptor } from "./builder.js";
import { LONG_AGO } from "./registry-tree.js";
import type { RegistryTree } from "./registry-tree.js";

/** The moment at which random registries are checked, and the grace time that makes some of their files young. */
export const NOW = LONG_AGO + 100_000;
export const GRACE = 3600;

/** Some are names of directories in the layout. */
const LEGAL = {
  repositories: ["app", "app/web", "app-web", "team/list", "team"],
  tags: ["latest", "list", "_layers", "current", "link", "v1"],
} as const;
/** With names that the registry does not know: what is there is kept, and all that it needs. */
const ANY = { repositories: [...LEGAL.repositories, "docs/UPPER"], tags: [...LEGAL.tags, "-latest"] } as const;
/** Files that lie about below `repositories/`: what names begin with. */
const STRAYS = ["a", "app-", "tea", "docs/UPPE"] as const;
type Names = typeof LEGAL | typeof ANY;
/** Kinds of files, for damage to hit each as often. */
const KINDS = {
  "manifest blob": /\/blobs\//,
  blob: /\/blobs\//,
  "layer link": /\/_layers\//,
  "alias link": /\/_layers\/sha(?:384|512)\//,
  "revision link": /\/_manifests\/revisions\//,
  "tag link": /\/current\/link$/,
  "tag index link": /\/index\/.*\/link$/,
} as const;
type Kind = keyof typeof KINDS;
const HOW = ["empty", "newline", "other", "remove", "swap", "truncate"] as const;
/** What may happen that a registry of today does by itself, or an operator. */
const SOUND_CHANGES = ["tag", "tag", "untag", "delete", "delete", "mount", "orphan", "forget tags"] as const;
const CHANGES = [
  ...SOUND_CHANGES,
  "alias",
  "alias manifest",
  /** Its link is gone, and the one beside it as well, so that nothing tells which blob it was. */
  "forget alias",
  "mount manifest",
  /** What registry 2.1.0 left: the manifest is linked as a layer, and nowhere else. */
  "link as layer",
  "lose current",
  /** No push has made the tag name that. */
  "overwrite current",
] as const;

/** Numbers choose among what there is, whatever there is by then; 0 often means none. */
const some = fc.nat(30);
const maybe = fc.oneof(fc.constant(0), some);
const anyKind = fc.constantFrom<Kind[]>(
  "manifest blob",
  "blob",
  "layer link",
  "alias link",
  "revision link",
  "tag link",
  "tag index link",
);

const anyImage = fc.record({
  repository: some,
  layers: fc.array(fc.nat(9), { maxLength: 3 }),
  tag: maybe,
  subject: maybe,
  shape: fc.constantFrom("image", "image", "image", "schema 1", "artifact", "bundle", "unknown"),
});
const anyIndex = fc.record({
  repository: some,
  children: fc.array(some, { maxLength: 3 }),
  /** Layers among the children, as in BuildKit's cache. */
  layers: fc.array(fc.nat(9), { maxLength: 1 }),
  tag: maybe,
  subject: maybe,
  /** Another repository that gets the same index, with or without the children. */
  elsewhere: maybe,
});
const anyChangeOf = { repository: some, which: some, tag: some };
const anyChange = fc.record({ ...anyChangeOf, change: fc.constantFrom(...CHANGES) });
const anyDamage = fc.record({ kind: anyKind, which: fc.nat(), how: fc.constantFrom(...HOW) });
/** Seconds before `NOW`: young, or from the future by its own account. */
const anyTouch = fc.record({ kind: anyKind, which: fc.nat(), age: fc.constantFrom(60, 60, -GRACE) });

/** Whether there is a blob or a repository: what nobody has pushed to is not judged. */
export function isPushedTo({ files }: RegistryTree): boolean {
  const own = /\/blobs\/sha(?:256|512)\/..\/[0-9a-f]+\/data$|\/repositories\/[^_/][^_]*\/_(?:layers|manifests|uploads)\//;
  return [...files.keys()].some((file) => own.test(file));
}

const anyStray = fc.constantFrom(...STRAYS);

/** One thing that happens to a registry. */
const anyOperation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ image: anyImage }) },
  { weight: 3, arbitrary: fc.record({ index: anyIndex }) },
  { weight: 5, arbitrary: fc.record({ change: anyChange }) },
  { weight: 1, arbitrary: fc.record({ damage: anyDamage }) },
  { weight: 2, arbitrary: fc.record({ touch: anyTouch }) },
  { weight: 1, arbitrary: fc.record({ stray: anyStray }) },
);
type Value<T> = T extends fc.Arbitrary<infer V> ? V : never;
type Operation = Value<typeof anyOperation>;

/** A registry to which random things happened, and digests to pin. */
export const arbitraryRegistry: fc.Arbitrary<{ readonly tree: RegistryTree; readonly pins: readonly string[] }> = fc
  .record({ operations: many(anyOperation), pins: fc.array(some, { maxLength: 2 }) })
  .map(({ operations, pins }) => {
    const world = new World(operations, ANY);
    return { tree: world.registry.tree, pins: pins.map((which) => world.manifest(which).digest) };
  });

/** What the collectors of 2.8 and 3.1 get through: no damage, no kind of manifest that either knows no more, and layers and tags everywhere. */
const plainOperation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ image: anyImage.map((image) => ({ ...image, shape: "image" as const })) }) },
  { weight: 3, arbitrary: fc.record({ index: anyIndex.map((index) => ({ ...index, layers: [] })) }) },
  { weight: 5, arbitrary: fc.record({ change: fc.record({ ...anyChangeOf, change: fc.constantFrom(...SOUND_CHANGES) }) }) },
);

export const plainRegistry: fc.Arbitrary<RegistryTree> = many(plainOperation).map((operations) => {
  const world = new World(operations, LEGAL);
  for (const number of LEGAL.repositories.keys())
    world.repository(number).image({ layers: ["layer 0"], config: "config 0", tag: "plain" });
  return world.registry.tree;
});

function many<T>(operation: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(operation, { maxLength: 25, size: "max" });
}

class World {
  readonly registry = new RegistryBuilder();
  readonly #manifests: Descriptor[] = [];

  constructor(
    operations: readonly Operation[],
    private readonly names: Names,
  ) {
    for (const operation of operations) this.apply(operation);
    // A registry without a single tag has them somewhere else.
    this.registry.repository("library/alpine").image({ layers: ["alpine"], config: "alpine", tag: "3.20" });
  }

  repository(number: number): RepositoryBuilder {
    return this.registry.repository(pick(this.names.repositories, number));
  }

  /** A manifest that was pushed somewhere; one that never was where there is none. */
  manifest(number: number): Descriptor {
    return this.#manifests.length === 0
      ? { mediaType: TYPES.image, digest: `sha256:${"9".repeat(64)}`, size: 1 }
      : pick(this.#manifests, number);
  }

  apply(operation: Operation): void {
    if ("image" in operation) this.#image(operation.image);
    else if ("index" in operation) this.#index(operation.index);
    else if ("change" in operation) this.#change(operation.change);
    else if ("damage" in operation) this.#damage(operation.damage);
    else if ("stray" in operation) this.registry.tree.write(`${V2}/repositories/${operation.stray}`, "");
    else this.#touch(operation.touch);
  }

  #image({ repository, layers, tag, subject, shape }: Value<typeof anyImage>): void {
    const target = this.repository(repository);
    const contents = layers.map((layer) => `layer ${layer}`);
    const name = tag === 0 ? undefined : pick(this.names.tags, tag);
    const about = subject === 0 ? {} : { subject: this.manifest(subject) };
    const tagged = name === undefined ? {} : { tag: name };
    if (shape === "unknown") this.#manifests.push(target.manifest({ mediaType: "text/html", schemaVersion: 2 }, name));
    else if (shape === "schema 1" && name !== undefined) this.#manifests.push(target.schema1(contents, name));
    else if (shape === "artifact") {
      const config = target.push("{}", "application/vnd.oci.empty.v1+json");
      this.#manifests.push(target.image({ layers: contents, config, ...tagged, ...about, more: { artifactType: "text/plain" } }));
    } else if (shape === "bundle") {
      const inner = target.mount(this.manifest(subject));
      this.#manifests.push(target.image({ layers: [...contents, inner], ...tagged }));
    } else this.#manifests.push(target.image({ layers: contents, config: `config ${layers[0] ?? 0}`, ...tagged, ...about }));
  }

  #index({ repository, children, layers, tag, subject, elsewhere }: Value<typeof anyIndex>): void {
    const target = this.repository(repository);
    const descriptors = [
      ...children.map((child) => this.manifest(child)),
      ...layers.map((layer) => target.push(`layer ${layer}`)),
    ];
    const about = subject === 0 ? {} : { subject: this.manifest(subject) };
    this.#manifests.push(target.index(descriptors, tag === 0 ? undefined : pick(this.names.tags, tag), about));
    if (elsewhere !== 0) this.repository(elsewhere).index(descriptors, pick(this.names.tags, elsewhere), about);
  }

  #change({ change, repository, which, tag }: Value<typeof anyChange>): void {
    const target = this.repository(repository);
    if (change === "tag") target.tag(pick(this.names.tags, tag), this.manifest(which).digest);
    if (change === "untag") target.untag(pick(this.names.tags, tag));
    if (change === "delete") target.deleteManifest(this.manifest(which));
    if (change === "mount") target.push(`layer ${which % 10}`);
    if (change === "mount manifest") target.mount(this.manifest(which));
    if (change === "link as layer") target.deleteManifest(target.mount(this.manifest(which)));
    if (change === "lose current") target.remove(`_manifests/tags/${pick(this.names.tags, tag)}/current`);
    if (change === "overwrite current") this.#overwriteCurrent(which);
    if (change === "alias manifest") {
      const { mediaType, digest } = this.manifest(which);
      const content = this.registry.tree.text(blobFile(digest));
      if (content !== undefined) this.#manifests.push(target.pushAlias(content, mediaType));
    }
    if (change === "forget alias") this.#forgetAlias(which);
    if (change === "forget tags") target.remove("_manifests/tags");
    if (change === "orphan") this.registry.blob(`nobody's ${which}`);
    if (change === "alias") {
      const layer = target.pushAlias(`layer ${which % 10}`, TYPES.layer, which % 3 === 0 ? "sha384" : "sha512");
      this.#manifests.push(target.image({ layers: [layer], tag: pick(this.names.tags, tag) }));
    }
  }

  #overwriteCurrent(which: number): void {
    const link = this.#file("tag link", which);
    if (link !== undefined)
      this.registry.tree.write(link, which % 5 === 0 ? sha256("never pushed") : this.manifest(which).digest);
  }

  #forgetAlias(which: number): void {
    const { tree } = this.registry;
    const link = this.#file("alias link", which);
    const target = link === undefined ? undefined : tree.text(link);
    if (link === undefined || target === undefined) return;
    tree.remove(link);
    tree.remove(link.replace(/sha\d+\/\w+\/link$/, `${RepositoryBuilder.directory(target)}/link`));
  }

  /** Chooses a file of a kind. */
  #file(kind: Kind, which: number): string | undefined {
    if (kind === "manifest blob") return blobFile(this.manifest(which).digest);
    const files = [...this.registry.tree.files.keys()].filter((file) => KINDS[kind].test(file));
    return files[which % files.length];
  }

  #damage({ kind, which, how }: Value<typeof anyDamage>): void {
    const { tree } = this.registry;
    const file = this.#file(kind, which);
    const text = file === undefined ? undefined : tree.text(file);
    if (file === undefined || text === undefined) return;
    if (how === "remove") tree.remove(file);
    if (how === "empty") tree.write(file, "");
    if (how === "newline") tree.write(file, `${text}\n`);
    if (how === "truncate") tree.write(file, text.slice(0, -3));
    if (how === "swap" && file.endsWith("/link")) tree.write(file, sha256(`layer ${which % 10}`));
    if (how === "other" && file.endsWith("/link")) tree.write(file, this.manifest(which).digest);
  }

  /** A file was written a moment ago. */
  #touch({ kind, which, age }: Value<typeof anyTouch>): void {
    const { tree } = this.registry;
    const file = this.#file(kind, which);
    const before = file === undefined ? undefined : tree.files.get(file);
    if (file !== undefined && before !== undefined) tree.write(file, before.content, NOW - age);
  }
}

function pick<T>(items: readonly T[], number: number): T {
  const item = items[number % items.length];
  if (item === undefined) throw new RangeError("nothing to pick from");
  return item;
}

/** Files that a shrunk example is worth looking at. */
export function describeTree(tree: RegistryTree): string {
  return [...tree.files]
    .map(([file, { content, modified }]) => `${file} (${modified}) ${content.toString("latin1").slice(0, 400)}`)
    .join("\n");
}
