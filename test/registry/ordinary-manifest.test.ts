import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parseManifest } from "#regcheck/registry/manifest.js";
import { packOrdinary } from "#regcheck/registry/ordinary-manifest.js";
import { packReferences } from "#regcheck/registry/packed-manifest.js";

const MANIFESTS = path.resolve(import.meta.dirname, "../../fixtures/manifests");
const FILES = fs.readdirSync(MANIFESTS).map((file) => path.basename(file, ".json"));

/** What most pushes are. */
const ORDINARY = ["docker-manifest-list", "docker-schema2", "oci-image-without-media-type"];

function read(name: string): string {
  return fs.readFileSync(path.join(MANIFESTS, `${name}.json`), "latin1");
}

/** What the parser of all manifests makes of the text; undefined where that is no manifest. */
function parsed(text: string): Uint32Array | undefined {
  const manifest = parseManifest(Buffer.from(text, "latin1"));
  return "problem" in manifest ? undefined : packReferences(manifest.references, manifest.limit);
}

/** Throws unless nothing is said of the text, or what the parser says. Returns whether anything is. */
function compare(text: string): boolean {
  const packed = packOrdinary(Buffer.from(text, "latin1"));
  if (packed === undefined) return false;
  const expected = parsed(text);
  // `toEqual` takes a second for many words.
  if (packed.join() !== expected?.join()) expect({ text, packed }).toEqual({ text, packed: expected });
  return true;
}

describe("packOrdinary", () => {
  test.each(ORDINARY)("reads %s, however the space in it", (name) => {
    const text = read(name);
    expect(compare(text)).toBe(true);
    expect(compare(JSON.stringify(JSON.parse(text)))).toBe(true);
    expect(compare(JSON.stringify(JSON.parse(text), undefined, "\t"))).toBe(true);
    expect(compare(` ${text}\r\n`)).toBe(true);
  });

  test.each(FILES)("says nothing of %s but what the parser says", (name) => {
    const text = read(name);
    compare(text);
    compare(`${text}${text}`);
    compare(text.replaceAll(/"size": \d+/g, '"size": 0'));
    compare(text.replaceAll(/"size": \d+/g, '"size": 123456789012345'));
    compare(text.replaceAll("layer", "manifest"));
    compare(text.replaceAll(/"(?:digest|size)"/g, (field) => field.toUpperCase()));
  });

  test.each(ORDINARY)("nor of %s with a byte too many, too few or changed", (name) => {
    const text = JSON.stringify(JSON.parse(read(name)));
    for (let at = 0; at < text.length; at++) {
      compare(text.slice(0, at) + text.slice(at + 1));
      for (const other of ['"', ",", "}", "2", "\\", "a"]) {
        compare(text.slice(0, at) + other + text.slice(at));
        compare(text.slice(0, at) + other + text.slice(at + 1));
      }
    }
  });

  test("keeps more references than it has read before", () => {
    const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: `sha256:${"ab".repeat(32)}`, size: 5 };
    const image = { schemaVersion: 2, config: layer, layers: Array.from({ length: 5000 }, (_, i) => ({ ...layer, size: i })) };
    expect(compare(JSON.stringify(image))).toBe(true);
  });
});
