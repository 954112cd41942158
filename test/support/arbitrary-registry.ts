import fc from "fast-check";
import { RegistryBuilder, TYPES } from "./builder.js";
import type { Descriptor, RepositoryBuilder } from "./builder.js";
import { LONG_AGO } from "./registry-tree.js";
import type { RegistryTree } from "./registry-tree.js";

/** The moment at which random registries are checked, and the grace time that makes some of their files young. */
export const NOW = LONG_AGO + 100_000;
export const GRACE = 3600;

/** One thing that happens to a registry. Numbers choose among what there is, whatever there is by then. */
type Operation =
  | {
      readonly kind: "image";
      readonly repository: number;
      readonly layers: readonly number[];
      readonly tag: number;
      readonly subject: number;
      readonly schema1: boolean;
    }
  | {
      readonly kind: "index";
      readonly repository: number;
      readonly children: readonly number[];
      readonly tag: number;
      readonly elsewhere: number;
    }
  | {
      readonly kind: "tag" | "untag" | "delete" | "mount" | "alias" | "orphan";
      readonly repository: number;
      readonly which: number;
      readonly tag: number;
    }
  | {
      readonly kind: "damage";
      readonly which: number;
      readonly how: "empty" | "newline" | "other" | "remove" | "truncate" | "young";
    };

const REPOSITORIES = ["app", "app/web", "app-web", "team/list", "team"];
/** Some are names of directories in the layout. */
const TAGS = ["latest", "list", "_layers", "current", "link", "v1"];

const small = fc.nat(30);
/** 0 for none. */
const maybe = fc.oneof(fc.constant(0), fc.nat(30));
const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("image" as const),
      repository: small,
      layers: fc.array(fc.nat(9), { maxLength: 3 }),
      tag: maybe,
      subject: maybe,
      schema1: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("index" as const),
      repository: small,
      children: fc.array(small, { maxLength: 3 }),
      tag: maybe,
      elsewhere: maybe,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("tag", "untag", "delete", "mount", "alias", "orphan"),
      repository: small,
      which: small,
      tag: small,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("damage" as const),
      which: fc.nat(),
      how: fc.constantFrom("empty", "newline", "other", "remove", "truncate", "young"),
    }),
  },
);

/** A registry to which random things happened, and digests to pin. */
export const arbitraryRegistry: fc.Arbitrary<{ readonly tree: RegistryTree; readonly pins: readonly string[] }> = fc
  .record({ operations: fc.array(anyOperation, { maxLength: 25, size: "max" }), pins: fc.array(small, { maxLength: 2 }) })
  .map(({ operations, pins }) => {
    const world = new World();
    for (const one of operations) world.apply(one);
    return { tree: world.registry.tree, pins: pins.map((which) => world.manifest(which).digest) };
  });

class World {
  readonly registry = new RegistryBuilder();
  readonly #manifests: Descriptor[] = [];

  repository(number: number): RepositoryBuilder {
    return this.registry.repository(pick(REPOSITORIES, number));
  }

  /** A manifest that was pushed somewhere; one that never was where there is none. */
  manifest(number: number): Descriptor {
    return this.#manifests.length === 0
      ? { mediaType: TYPES.image, digest: `sha256:${"9".repeat(64)}`, size: 1 }
      : pick(this.#manifests, number);
  }

  apply(operation: Operation): void {
    if (operation.kind === "damage") this.#damage(operation.which, operation.how);
    else if (operation.kind === "image") this.#image(operation);
    else if (operation.kind === "index") this.#index(operation);
    else this.#change(operation.kind, this.repository(operation.repository), operation.which, operation.tag);
  }

  #image({ repository, layers, tag, subject, schema1 }: Operation & { kind: "image" }): void {
    const target = this.repository(repository);
    const contents = layers.map((layer) => `layer ${layer}`);
    const name = tag === 0 ? undefined : pick(TAGS, tag);
    const image =
      schema1 && name !== undefined
        ? target.schema1(contents, name)
        : target.image({
            layers: contents,
            config: `config ${layers[0] ?? 0}`,
            ...(name === undefined ? {} : { tag: name }),
            ...(subject === 0 ? {} : { subject: this.manifest(subject) }),
          });
    this.#manifests.push(image);
  }

  #index({ repository, children, tag, elsewhere }: Operation & { kind: "index" }): void {
    const descriptors = children.map((child) => this.manifest(child));
    const index = this.repository(repository).index(descriptors, tag === 0 ? undefined : pick(TAGS, tag));
    // The same index in another repository, which may not have its children.
    if (elsewhere !== 0) this.repository(elsewhere).index(descriptors, pick(TAGS, elsewhere));
    this.#manifests.push(index);
  }

  #change(
    kind: "tag" | "untag" | "delete" | "mount" | "alias" | "orphan",
    target: RepositoryBuilder,
    which: number,
    tag: number,
  ): void {
    if (kind === "tag") target.tag(pick(TAGS, tag), this.manifest(which).digest);
    if (kind === "untag") target.untag(pick(TAGS, tag));
    if (kind === "delete") target.deleteManifest(this.manifest(which));
    if (kind === "mount") target.push(`layer ${which % 10}`);
    if (kind === "orphan") this.registry.blob(`nobody's ${which}`);
    if (kind === "alias") {
      const layer = target.pushSha512(`layer ${which % 10}`);
      this.#manifests.push(target.image({ layers: [layer], tag: pick(TAGS, tag) }));
    }
  }

  /** Something happens to a file, of whichever kind. */
  #damage(which: number, how: "empty" | "newline" | "other" | "remove" | "truncate" | "young"): void {
    const { tree } = this.registry;
    const files = [...tree.files.keys()];
    const file = files[which % files.length];
    const before = file === undefined ? undefined : tree.files.get(file);
    if (file === undefined || before === undefined) return;
    const text = before.content.toString("latin1");
    if (how === "remove") tree.remove(file);
    if (how === "young") tree.write(file, before.content, NOW - 60);
    if (how === "empty") tree.write(file, "");
    if (how === "newline") tree.write(file, `${text}\n`);
    if (how === "truncate") tree.write(file, text.slice(0, -3));
    if (how === "other" && file.endsWith("/link")) tree.write(file, this.manifest(which).digest);
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
