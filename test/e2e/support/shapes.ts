import fs from "node:fs";
import path from "node:path";

/** A manifest that somebody could push, or write into a storage. */
export interface Shape {
  /** Which manifest it was made of, and what was done to it. */
  readonly name: string;
  readonly text: string;
  /** What a client would say that it is. */
  readonly contentType: string;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Keys = readonly (string | number)[];
/** Writes a member of an object, or an item of a list: what it is called, and its value as JSON. */
type Edit = (name: string | undefined, value: string) => string;

const MANIFESTS = path.resolve(import.meta.dirname, "../../../fixtures/manifests");
const TYPES: Readonly<Record<string, string>> = {
  manifests: "application/vnd.oci.image.index.v1+json",
  fsLayers: "application/vnd.docker.distribution.manifest.v1+prettyjws",
  config: "application/vnd.oci.image.manifest.v1+json",
};

/** What a value is replaced by: every type, and the odd values of each. */
const VALUES = [
  "null",
  '""',
  '"text"',
  "0",
  "-1",
  "7",
  "1.0",
  "1e2",
  "9223372036854775808",
  "true",
  "[]",
  "{}",
  "[null]",
  '{"a":{"b":[]}}',
  "[[{}]]",
];
/** And a value of these names besides. */
const MORE_VALUES: Readonly<Record<string, readonly string[]>> = {
  schemaVersion: ["1", "2.0", "3", '"2"'],
  digest: [`"sha256:${"a".repeat(63)}"`, `"sha256:${"A".repeat(64)}"`, `"md5:${"a".repeat(32)}"`],
  size: ["1.5", '"3"', "-0"],
  urls: ['["https://example.com/layer"]', "[7]"],
  platform: ['{"features":7}', '{"os.features":7}', '{"os":7}'],
  data: ['"e30="', '"no base64"'],
  mediaType: [...Object.values(TYPES), "application/x-nobody", "application/vnd.docker.distribution.manifest.v2+json"].map(
    (type) => JSON.stringify(type),
  ),
};
/** Members that no manifest here has in these places, to be added to every object. */
const STRANGERS = [
  '"x":{"y":[null]}',
  '"data":7',
  '"artifactType":7',
  '"annotations":7',
  '"urls":["https://example.com/x"]',
  '"manifests":[]',
  '"manifests":null',
  '"layers":[]',
  '"subject":7',
  '"config":{}',
];

/** Manifests that every change is made to: one of each kind that a registry tells apart. All others are taken as they are. */
const ALL_CHANGES: ReadonlySet<string> = new Set([
  "docker-manifest-list",
  "docker-schema1",
  "docker-schema2",
  "docker-schema2-foreign-layer",
  "oci-artifact-manifest",
  "oci-image",
  "oci-image-without-media-type",
  "oci-index-with-subject",
  "oci-index-without-media-type",
]);

/** How deep objects nest, on both sides of what Go's decoder takes. */
const DEPTHS = [9_990, 10_001, 200_000];

/** The manifests of fixtures/, with the digests and sizes of blobs that there are: `blobs` and `images` in turn. */
export function realManifests(blobs: readonly Blob[], images: readonly Blob[]): ReadonlyMap<string, Json> {
  const manifests = new Map<string, Json>();
  for (const file of fs.readdirSync(MANIFESTS).sort()) {
    let blob = 0;
    let image = 0;
    const name = path.basename(file, ".json");
    const text = fs.readFileSync(path.join(MANIFESTS, file), "utf8");
    const next = (isImage: boolean): Blob | undefined =>
      isImage && name !== "buildkit-cache-index" ? images[image++ % images.length] : blobs[blob++ % blobs.length];
    const replaced = (value: Json, isImage: boolean): Json => {
      if (Array.isArray(value)) return value.map((item) => replaced(item, isImage));
      if (!isObject(value)) return value;
      // A foreign layer need not be there.
      const isNamed = ("digest" in value || "blobSum" in value) && !("urls" in value);
      const { digest, size } = (isNamed ? next(isImage) : undefined) ?? {};
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]): [string, Json] => {
          if (digest !== undefined && (key === "digest" || key === "blobSum")) return [key, digest];
          if (size !== undefined && key === "size") return [key, size];
          return [key, replaced(inner, isImage || key === "manifests" || key === "subject")];
        }),
      );
    };
    manifests.set(name, replaced(JSON.parse(text) as Json, false));
  }
  return manifests;
}

interface Blob {
  readonly digest: string;
  readonly size: number;
}

/** A manifest as it is, and all that can be made of it by one change. */
export function* shapesOf(name: string, manifest: Json): Generator<Shape> {
  const contentType = contentTypeOf(manifest);
  yield { name, text: JSON.stringify(manifest), contentType };
  if (!ALL_CHANGES.has(name)) return;
  for (const depth of DEPTHS)
    yield {
      name: `${name} ${depth} deep`,
      text: addTo(JSON.stringify(manifest), `"x":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}`),
      contentType,
    };
  for (const keys of placesIn(manifest)) {
    const place = `${name} ${keys.join(".")}`;
    for (const [change, edit] of editsOf(keys, valueAt(manifest, keys)))
      yield { name: `${place} ${change}`, text: written(manifest, keys, edit), contentType };
  }
}

function* editsOf(keys: Keys, value: Json): Generator<[string, Edit]> {
  const key = keys.at(-1);
  const member = (name: string | undefined, text: string): string =>
    name === undefined ? text : `${JSON.stringify(name)}:${text}`;
  if (key !== undefined) {
    yield ["removed", () => ""];
    yield ["nested in a list", (name, text) => member(name, `[${text}]`)];
    yield ["nested in an object", (name, text) => member(name, `{${JSON.stringify(name ?? "x")}:${text}}`)];
    for (const other of [...VALUES, ...(MORE_VALUES[key] ?? [])]) yield [`= ${other}`, (name) => member(name, other)];
  }
  if (typeof key === "string") {
    yield ["twice", (name, text) => `${member(name, text)},${member(name, text)}`];
    yield ["twice, first of another type", (name, text) => `${member(name, "[{}]")},${member(name, text)}`];
    yield ["twice, first null", (name, text) => `${member(name, "null")},${member(name, text)}`];
    yield ["twice, then null", (name, text) => `${member(name, text)},${member(name, "null")}`];
    yield [
      "twice, then empty",
      (name, text) => `${member(name, text)},${member(name, Array.isArray(value) ? "[]" : isObject(value) ? "{}" : '""')}`,
    ];
    yield ["in upper case", (name, text) => member(name?.toUpperCase(), text)];
    yield [
      "escaped",
      (name, text) => `"\\u${(name ?? "").charCodeAt(0).toString(16).padStart(4, "0")}${(name ?? "").slice(1)}":${text}`,
    ];
  }
  if (isObject(value))
    for (const stranger of STRANGERS) yield [`with ${stranger}`, (name, text) => member(name, addTo(text, stranger))];
}

function addTo(object: string, stranger: string): string {
  return object === "{}" ? `{${stranger}}` : `${object.slice(0, -1)},${stranger}}`;
}

/** The value as JSON, with what lies at `keys` written by `edit`. */
function written(value: Json, keys: Keys, edit: Edit): string {
  const [key, ...rest] = keys;
  if (key === undefined) return edit(undefined, JSON.stringify(value));
  const inner = (name: string | undefined, item: Json): string => {
    if (rest.length === 0) return edit(name, JSON.stringify(item));
    return name === undefined ? written(item, rest, edit) : `${JSON.stringify(name)}:${written(item, rest, edit)}`;
  };
  if (Array.isArray(value)) {
    const items = value.map((item: Json, i) => (i === key ? inner(undefined, item) : JSON.stringify(item)));
    return `[${items.filter((item) => item !== "").join(",")}]`;
  }
  if (!isObject(value)) throw new Error("no such place");
  const members = Object.entries(value).map(([name, item]) =>
    name === key ? inner(name, item) : `${JSON.stringify(name)}:${JSON.stringify(item)}`,
  );
  return `{${members.filter((member) => member !== "").join(",")}}`;
}

/** Every place in a value; of a list only its first and its last item. */
function* placesIn(value: Json, keys: Keys = []): Generator<Keys> {
  yield keys;
  if (Array.isArray(value)) {
    for (const i of new Set([0, value.length - 1])) if (i >= 0) yield* placesIn(value[i] as Json, [...keys, i]);
  } else if (isObject(value)) {
    const isFree = keys.includes("annotations") || keys.includes("history");
    for (const key of Object.keys(value).slice(0, isFree ? 1 : undefined)) yield* placesIn(value[key] ?? null, [...keys, key]);
  }
}

function valueAt(value: Json, keys: Keys): Json {
  return keys.reduce<Json>((inner, key) => (inner as Record<string | number, Json>)[key] ?? null, value);
}

function contentTypeOf(manifest: Json): string {
  if (!isObject(manifest)) return "";
  if (typeof manifest["mediaType"] === "string") return manifest["mediaType"];
  return Object.entries(TYPES).find(([field]) => field in manifest)?.[1] ?? "";
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
