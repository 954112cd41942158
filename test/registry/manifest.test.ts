import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { mentionsOf, parseManifest } from "#regcheck/registry/manifest.js";

const FIXTURES = path.resolve(import.meta.dirname, "../../fixtures");
const MANIFESTS = path.join(FIXTURES, "manifests");

/** What each file of fixtures/manifests refers to, in the order of the file. */
const ROLES: Readonly<Record<string, string>> = {
  "buildkit-attestation": "config layer layer",
  "buildkit-cache-image": "config layer layer",
  "buildkit-cache-index": "child child child",
  "cosign-attestation": "config layer",
  "cosign-bundle-referrer": "config layer subject",
  "cosign-signature": "config layer",
  "docker-manifest-list": "child child child",
  "docker-plugin": "config layer",
  "docker-schema1": "layer layer layer layer",
  "docker-schema1-signed": "layer layer layer layer",
  "docker-schema2": "config layer layer layer",
  "docker-schema2-foreign-layer": "config foreign-layer layer",
  "helm-chart": "config layer layer",
  "notation-signature": "config layer subject",
  "oci-image": "config layer layer",
  "oci-image-no-layers": "config",
  "oci-image-nondistributable-layer": "config foreign-layer layer",
  "oci-image-sha512-layer": "config layer layer",
  "oci-image-without-media-type": "config layer layer",
  "oci-image-zstd": "config layer layer",
  "oci-index": "child child",
  "oci-index-attestations": "child child child child",
  "oci-index-empty": "",
  "oci-index-nested": "child child child",
  "oci-index-with-subject": "child child subject",
  "oci-index-without-media-type": "child child",
  "oci-referrers-tag-index": "child",
  "oras-artifact": "config layer",
  "oras-artifact-empty": "config layer subject",
  "wasm-module": "config layer",
};

/** Other registries take these, from the time before OCI 1.1 was out; this one never did. */
const UNREADABLE = ["oci-artifact-manifest", "oci-artifact-manifest-without-blobs"];

/** Digests and sizes of the descriptors, straight from the text: whatever a manifest of ours names in such a field is a reference. */
function descriptorsIn(text: string) {
  const all = (pattern: RegExp): string[] => Array.from(text.matchAll(pattern), (match) => match[1] ?? "");
  return { digests: all(/"(?:digest|blobSum)": "([^"]+)"/g), sizes: all(/"size": (\d+)/g).map(Number) };
}

describe("parseManifest on every kind that exists in the wild", () => {
  test("the list here, the files and the README name the same", () => {
    const files = fs.readdirSync(MANIFESTS).map((file) => path.basename(file, ".json"));
    expect(files.sort()).toEqual([...Object.keys(ROLES), ...UNREADABLE].sort());
    const readme = fs.readFileSync(path.join(FIXTURES, "README.md"), "utf8");
    expect(files.filter((file) => !readme.includes(`\`${file}\``))).toEqual([]);
  });

  test.each(Object.entries(ROLES))("%s: %s", (name, roles) => {
    const content = fs.readFileSync(path.join(MANIFESTS, `${name}.json`));
    const parsed = parseManifest(content);
    if ("problem" in parsed) throw new Error(parsed.problem);
    const { references } = parsed;
    const { digests, sizes } = descriptorsIn(content.toString());
    expect(references.map(({ role }) => role).join(" ")).toBe(roles);
    expect(references.map(({ digest }) => digest.toString())).toEqual(digests);
    // Schema 1 tells no sizes.
    expect(references.flatMap(({ size }) => size ?? [])).toEqual(sizes);
  });

  test.each(UNREADABLE)("%s: no registry of 2.x or 3.x can read it, and all that it names is kept", (name) => {
    const content = fs.readFileSync(path.join(MANIFESTS, `${name}.json`));
    expect(parseManifest(content)).toEqual({ problem: "schemaVersion is absent, not 2", isServed: false });
    expect(mentionsOf(content).map(({ digest }) => digest.toString())).toEqual(descriptorsIn(content.toString()).digests);
  });

  test("a foreign layer that says nowhere where it is, is a layer like any other", () => {
    const foreign = JSON.parse(fs.readFileSync(path.join(MANIFESTS, "docker-schema2-foreign-layer.json"), "utf8")) as {
      layers: { urls?: readonly string[] }[];
    };
    for (const layer of foreign.layers) delete layer.urls;
    expect(parseManifest(Buffer.from(JSON.stringify(foreign)))).toMatchObject({
      references: [{ role: "config" }, { role: "layer" }, { role: "layer" }],
    });
  });

  test("a size that a registry takes is one that any reader of 64-bit integers takes from us", () => {
    const image = JSON.parse(fs.readFileSync(path.join(MANIFESTS, "oci-image.json"), "utf8")) as { config: { size: unknown } };
    image.config.size = "the size";
    const sizesOf = (size: string): (number | undefined)[] => {
      const parsed = parseManifest(Buffer.from(JSON.stringify(image).replace('"the size"', size)));
      return "problem" in parsed ? [] : parsed.references.slice(0, 1).map((reference) => reference.size);
    };
    expect(["-9223372036854775808", "0", "9007199254740991", "9223372036854775807"].map(sizesOf)).toEqual([
      [undefined],
      [undefined],
      [Number.MAX_SAFE_INTEGER],
      [Number.MAX_SAFE_INTEGER],
    ]);
  });

  test("white space around the JSON is no damage", () => {
    const content = fs.readFileSync(path.join(MANIFESTS, "oci-image.json"), "utf8");
    expect(parseManifest(Buffer.from(`\r\n ${content}\n\n`))).toEqual(parseManifest(Buffer.from(content)));
  });
});
