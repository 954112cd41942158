import { DIGEST_WORDS, writeHex } from "./digest.js";
import { isManifestType } from "./manifest.js";
import type { ReferenceRole } from "./manifest.js";
import { fieldOf, NEXT, ORDINARY_FIELDS, PLAIN_STRING, SPACE } from "./ordinary-descriptor.js";
import { packHead, REFERENCE_HEAD } from "./packed-manifest.js";

const HEAD = `${SPACE}\\{${SPACE}${fieldOf("schemaVersion", "2")}${NEXT}`;
const DESCRIPTOR = `\\{${SPACE}${ORDINARY_FIELDS}${SPACE}\\}`;
const PLATFORM_FIELD = `"(?:architecture|os|variant|os\\.version)"${SPACE}:${SPACE}${PLAIN_STRING}`;
const PLATFORM = fieldOf("platform", `\\{${SPACE}${PLATFORM_FIELD}(?:${NEXT}${PLATFORM_FIELD})*${SPACE}\\}`);
/** After an item of a list: whether another one follows. */
const GOES_ON = `${SPACE}([,\\]])${SPACE}`;

/** Up to the list of layers, the config included. */
const IMAGE = new RegExp(
  `${HEAD}${ofType("vnd.oci.image.manifest.v1", "vnd.docker.distribution.manifest.v2")}${fieldOf("config", DESCRIPTOR)}${NEXT}${fieldOf("layers", "\\[")}${SPACE}`,
  "y",
);
const LAYER = new RegExp(`${DESCRIPTOR}${GOES_ON}`, "y");
/** Up to the list of manifests. */
const INDEX = new RegExp(
  `${HEAD}${ofType("vnd.oci.image.index.v1", "vnd.docker.distribution.manifest.list.v2")}${fieldOf("manifests", "\\[")}${SPACE}`,
  "y",
);
const CHILD = new RegExp(`\\{${SPACE}${ORDINARY_FIELDS}(?:${NEXT}${PLATFORM})?${SPACE}\\}${GOES_ON}`, "y");
const END = new RegExp(`\\}${SPACE}$`, "y");

/** The field of the media type, which may be absent. */
function ofType(...types: readonly string[]): string {
  const value = types.map((type) => type.replaceAll(".", "\\.")).join("|");
  return `(?:${fieldOf("mediaType", `"application/(?:${value})\\+json"`)}${NEXT})?`;
}

/** Grows with the largest manifest. */
let packed = new Uint32Array(1024);

/**
 * The references of a manifest that is written as nearly all are: an image of a config and layers, or an index of manifests, with nothing
 * else in it. As `packReferences` makes them of what `parseManifest` says, at a third of the price; undefined for any other content, of which
 * nothing is said.
 */
export function packOrdinary(content: Uint8Array): Uint32Array | undefined {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString("latin1");
  const image = match(IMAGE, text, 0);
  if (image === null && match(INDEX, text, 0) === null) return undefined;
  let end = image === null ? 1 : pack("config", image, 1);
  let count = image === null ? 0 : 1;
  let at = image === null ? INDEX.lastIndex : IMAGE.lastIndex;
  const pattern = image === null ? CHILD : LAYER;
  for (let goesOn = true; goesOn; count++) {
    const item = match(pattern, text, at);
    if (item === null) return undefined;
    at = pattern.lastIndex;
    end = pack(image === null ? "child" : "layer", item, end);
    goesOn = item.at(-1) === ",";
  }
  if (match(END, text, at) === null) return undefined;
  packed[0] = count;
  return packed.slice(0, end);
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Packs the descriptor that a pattern has found. Returns where the next one goes. */
function pack(role: ReferenceRole, descriptor: RegExpExecArray, at: number): number {
  const [, mediaType = "", size, digest, digestFirst = "", sizeLast] = descriptor;
  const end = at + REFERENCE_HEAD + DIGEST_WORDS.sha256;
  if (end > packed.length) {
    const grown = new Uint32Array(packed.length * 2);
    grown.set(packed);
    packed = grown;
  }
  const bytes = Number(size ?? sizeLast);
  const isManifest = isManifestType(role, mediaType);
  packHead(packed, at, { role, algorithm: "sha256", size: bytes > 0 ? bytes : undefined, isManifest });
  writeHex(digest ?? digestFirst, packed, at + REFERENCE_HEAD);
  return end;
}
