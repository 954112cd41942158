import { describe, expect, test } from "vitest";
import { parseManifest } from "#regcheck/registry/manifest.js";

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
    ["a list", "[]", "the manifest is [], not an object"],
    ["null", "null", "the manifest is null, not an object"],
    ["another schema", { ...image, schemaVersion: 3 }, "schemaVersion is 3, not 2"],
    ["no schema", { layers: [] }, "schemaVersion is absent, not 2"],
    ["an unknown media type", { ...image, mediaType: "text/html" }, 'the media type "text/html" is unknown'],
    ["a media type that is no text", { ...image, mediaType: 7 }, "mediaType is no string"],
    ["no config", { ...image, config: undefined }, "config is absent, not an object"],
    ["layers that are no list", { ...image, layers: {} }, "layers is {}, not a list"],
    ["a layer without a digest", { ...image, layers: [{ size: 1 }] }, "layers[0].digest is absent"],
    ["a layer with a short digest", { ...image, layers: [{ digest: "sha256:ab", size: 1 }] }, 'layers[0].digest is "sha256:ab"'],
    ["a layer of a negative size", { ...image, layers: [{ digest, size: -1 }] }, "layers[0].size is -1"],
    ["both an image and an index", { ...image, mediaType: undefined, manifests: [] }, "both an image and an index"],
    ["a subject that is none", { ...image, subject: "x" }, 'subject is "x", not an object'],
  ])("%s: says what is wrong", (_, manifest, problem) => {
    expect(parse(manifest)).toEqual({ problem: expect.stringContaining(problem) as unknown });
  });

  // Go's decoder, which the registry reads with, matches names without regard to case, and folds a few letters besides.
  test.each(["Layers", "LAYERS", "layer\u017F"])("a name spelled %s is not taken for absent", (name) => {
    const { layers, ...rest } = image;
    expect(parse({ ...rest, [name]: layers })).toEqual({ problem: expect.stringContaining('"layers" is expected') as unknown });
  });

  test("a descriptor's name spelled otherwise is damage too", () => {
    expect(parse({ ...image, layers: [{ ...descriptor, Digest: digest }] })).toEqual({
      problem: expect.stringContaining("layers[0] has") as unknown,
    });
  });

  test("what is no name of a manifest may be spelled in any way", () => {
    expect(parse({ ...image, annotations: { Layers: "x", Digest: "y" }, "Vendor-Size": 1 })).toMatchObject({
      references: [{}, {}],
    });
  });
});
