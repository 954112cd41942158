import type { ByteString } from "./keys.js";
import { fromBytes } from "./keys.js";

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";
const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text as S3 writes it: markup escaped, control characters as references (which XML 1.0 does not allow; S3 does it). */
export function escapeXml(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are meant
  return text.replace(/[&<>"\x00-\x1f]/g, (char) => ESCAPES[char] ?? `&#x${char.charCodeAt(0).toString(16)};`);
}

/** One element; undefined content leaves it out. Content that is no markup must be escaped by the caller. */
export function element(name: string, content: string | number | boolean | undefined): string {
  return content === undefined ? "" : `<${name}>${content}</${name}>`;
}

/** A whole document with S3's namespace. */
export function document(root: string, content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${content}</${root}>`;
}

/** S3's error document. */
export function errorDocument(code: string, message: string, extra: Readonly<Record<string, string>> = {}): string {
  const more = Object.entries(extra)
    .map(([name, value]) => element(name, escapeXml(value)))
    .join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${element("Code", code)}${element("Message", escapeXml(message))}${more}</Error>`;
}

/** How keys are written into a listing: as text, or with `encoding-type=url`, where a space becomes `+` as on AWS. */
export function keyEncoder(encodingType: string | null): (key: ByteString) => string {
  return encodingType === "url" ? urlEncode : (key) => escapeXml(fromBytes(key));
}

function urlEncode(key: ByteString): string {
  return key.replace(/[^A-Za-z0-9\-_./*]/g, (byte) =>
    byte === " " ? "+" : `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** Contents of all elements of that name, in order. Enough for the documents that clients send. */
export function textsOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^]*?)</${name}>`, "g"))].map((match) => match[1] ?? "");
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** Undoes the escapes of XML text. */
export function unescapeXml(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]+)|#([0-9]+)|([a-z]+));/gi,
    (all: string, hex?: string, decimal?: string, name?: string) => {
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
      return ENTITIES[name ?? ""] ?? all;
    },
  );
}
