import { describe, expect, test } from "vitest";
import { mentionsOf, parseManifest } from "#regcheck/registry/manifest.js";

const digest = `sha256:${"a".repeat(64)}`;
const descriptor = { mediaType: "application/octet-stream", digest, size: 3 };
const image = {
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  config: descriptor,
  layers: [descriptor],
};

function parse(manifest: unknown) {
  return parseManifest(Buffer.from(typeof manifest === "string" ? manifest : JSON.stringify(manifest)));
}

/** What cannot be understood must never pass for a manifest without references: its layers would be garbage. */
describe("parseManifest on damage", () => {
  test("the manifest that the cases below are made of is sound", () => {
    expect(parse(image)).toMatchObject({ references: [{ role: "config" }, { role: "layer" }] });
  });

  test.each([
    ["nothing", "", "the manifest is empty"],
    ["a layer", "\u001f\u008b\b\0\0\0", "the manifest is not JSON"],
    ["JSON with a zero byte", `${JSON.stringify(image)}\0`, "the manifest is not JSON"],
    ["a part of JSON", JSON.stringify(image).slice(0, -5), "the manifest is not JSON"],
    ["lists without end", "[".repeat(200_000), "the manifest nests more than 10000 objects and lists"],
    ["a list", "[]", "the manifest is [], not an object"],
    ["null", "null", "schemaVersion is absent, not 2"],
    ["another schema", { ...image, schemaVersion: 3 }, "schemaVersion is 3, not 2"],
    ["no schema", { layers: [] }, "schemaVersion is absent, not 2"],
    ["an unknown media type", { ...image, mediaType: "text/html" }, 'the media type "text/html" is unknown'],
    ["a media type that is no text", { ...image, mediaType: 7 }, "mediaType is 7, not a string"],
    ["layers that are no list", { ...image, layers: {} }, "layers is {}, not a list"],
    ["a size that is a text", { ...image, layers: [{ digest, size: "3" }] }, 'layers[0].size is "3", not an integer'],
    ["a size with a point", JSON.stringify(image).replaceAll(":3", ":3.0"), "config.size is 3.0, not an integer"],
    [
      "annotations that are none",
      { ...image, config: { digest, annotations: { a: 7 } } },
      "config.annotations is 7, not a string",
    ],
    ["a platform that is none", { ...image, layers: [{ digest, platform: [] }] }, "layers[0].platform is [], not an object"],
    ["layers with a wrong type before the right one", `{"layers":7,${JSON.stringify(image).slice(1)}`, "layers is 7, not a list"],
  ])("%s: the registry cannot read it, and regcheck says why", (_, manifest, problem) => {
    expect(parse(manifest)).toEqual({ problem: expect.stringContaining(problem) as unknown, isServed: false });
  });

  test.each([
    ["no config", { ...image, config: undefined }, "config.digest is absent, which is no"],
    ["a layer without a digest", { ...image, layers: [{ size: 1 }] }, "layers[0].digest is absent"],
    ["a layer with a short digest", { ...image, layers: [{ digest: "sha256:ab", size: 1 }] }, 'layers[0].digest is "sha256:ab"'],
    ["both an image and an index", { ...image, mediaType: undefined, manifests: [] }, "both an image and an index"],
    [
      "an image that says that it is of schema 1",
      { ...image, schemaVersion: 1 },
      "schemaVersion is 1, but there are no fsLayers",
    ],
  ])("%s: the registry serves it, and takes no push of it", (_, manifest, problem) => {
    expect(parse(manifest)).toEqual({ problem: expect.stringContaining(problem) as unknown, isServed: true });
  });
});

/** What a registry takes, serves and collects around is no damage, whatever a specification says. */
describe("parseManifest is as lenient as the registry", () => {
  const references = [
    { role: "config", digest, size: 3 },
    { role: "layer", digest, size: 3 },
  ];
  const parsed = (manifest: unknown) => {
    const result = parse(manifest);
    return "problem" in result
      ? result
      : result.references.map(({ role, digest: named, size }) => ({ role, digest: named.toString(), size }));
  };

  test.each([
    ["a layer without a size", { ...image, layers: [{ digest }] }],
    ["a layer of size null", { ...image, layers: [{ digest, size: null }] }],
    ["a layer of size zero", { ...image, layers: [{ digest, size: 0 }] }],
    ["a layer of a negative size", { ...image, layers: [{ digest, size: -1 }] }],
  ])("%s is a layer of any size", (_, manifest) => {
    expect(parsed(manifest)).toEqual([references[0], { role: "layer", digest, size: undefined }]);
  });

  // Go's decoder, which the registry reads with, matches names without regard to case, and folds a few letters besides.
  test.each(["Layers", "LAYERS", "layer\u017F"])("layers may be spelled %s", (name) => {
    const { layers, ...rest } = image;
    expect(parsed({ ...rest, [name]: layers })).toEqual(references);
  });

  test.each([
    ["a subject that is none", { ...image, subject: "x" }],
    ["manifests of an image that are null", { ...image, manifests: null }],
    ["names that are none of a manifest's", { ...image, "Vendor-Size": 1, x: { Layers: "x", Digest: "y" } }],
    ["what 3.x alone has a type for", { ...image, layers: [{ ...descriptor, data: 7, artifactType: 7 }] }],
    ["an escaped name", JSON.stringify(image).replace('"layers"', '"l\\u0061yers"')],
    ["the same field twice", `{"layers":null,${JSON.stringify(image).slice(1)}`],
    ["objects 9,000 deep", `{"x":${"[".repeat(9000)}${"]".repeat(9000)},${JSON.stringify(image).slice(1)}`],
  ])("%s: no damage", (_, manifest) => {
    expect(parsed(manifest)).toEqual(references);
  });

  test("an untyped manifest that has nothing is an index of nothing", () => {
    expect(parsed({ schemaVersion: 2 })).toEqual([]);
  });

  test("a digest twice: the registry takes the last, others the first, and both are kept", () => {
    const other = `sha256:${"b".repeat(64)}`;
    const text = JSON.stringify({ ...image, layers: [{ digest }] }).replace('[{"digest"', `[{"digest":"${other}","digest"`);
    expect(parsed(text)).toEqual([
      references[0],
      { role: "layer", digest, size: undefined },
      { role: "mention", digest: other, size: undefined },
    ]);
  });

  test("a layer that says where it is needs no digest: 2.8 takes it", () => {
    expect(parsed({ ...image, layers: [descriptor, { urls: ["https://example.com/layer"] }] })).toEqual(references);
  });
});

test("mentionsOf finds every digest in what cannot be read", () => {
  const other = `sha512:${"b".repeat(128)}`;
  expect(mentionsOf(Buffer.from(`\0\0{"a":"${digest}","b":["${other}`)).map((mention) => mention.digest.toString())).toEqual([
    digest,
    other,
  ]);
});
