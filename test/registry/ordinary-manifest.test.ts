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

/** What is said of a text: what the parser says, something else, or nothing. */
function judge(text: string): "the same" | "another" | "nothing" {
  const packed = packOrdinary(Buffer.from(text, "latin1"));
  if (packed === undefined) return "nothing";
  return packed.join() === parsed(text)?.join() ? "the same" : "another";
}

function isAnother(text: string): boolean {
  return judge(text) === "another";
}

/** The text with each byte left out, changed, and with one more before it. */
function* mistakes(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    yield text.slice(0, at) + text.slice(at + 1);
    for (const other of ['"', ",", "}", "2", "\\", "a"]) {
      yield text.slice(0, at) + other + text.slice(at);
      yield text.slice(0, at) + other + text.slice(at + 1);
    }
  }
}

describe("packOrdinary", () => {
  test.each(ORDINARY)("reads %s, however the space in it", (name) => {
    const text = read(name);
    const value: unknown = JSON.parse(text);
    const texts = [text, JSON.stringify(value), JSON.stringify(value, undefined, "\t"), ` ${text}\r\n`];
    expect(texts.map(judge)).toEqual(texts.map(() => "the same"));
  });

  test.each(FILES)("says nothing of %s but what the parser says", (name) => {
    const text = read(name);
    const texts = [
      text,
      text + text,
      text.replaceAll(/"size": \d+/g, '"size": 0'),
      text.replaceAll(/"size": \d+/g, '"size": 123456789012345'),
      text.replaceAll("layer", "manifest"),
      text.replaceAll(/"(?:digest|size)"/g, (field) => field.toUpperCase()),
    ];
    expect(texts.filter(isAnother)).toEqual([]);
  });

  test.each(ORDINARY)("nor of %s with a byte too many, too few or changed", (name) => {
    expect([...mistakes(JSON.stringify(JSON.parse(read(name))))].filter(isAnother)).toEqual([]);
  });

  test("keeps more references than it has read before", () => {
    const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: `sha256:${"ab".repeat(32)}`, size: 5 };
    const image = { schemaVersion: 2, config: layer, layers: Array.from({ length: 5000 }, (_, i) => ({ ...layer, size: i })) };
    expect(judge(JSON.stringify(image))).toBe("the same");
  });
});
