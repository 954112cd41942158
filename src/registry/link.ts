import { Digest, isDigestHex } from "./digest.js";
import { LINK_BYTES, MAX_LINK_BYTES } from "./layout.js";

/** What a link file holds. The registry never trims: a trailing newline makes a link unreadable (D#2635). */
export type LinkContent = { readonly digest: Digest } | { readonly problem: LinkProblem };

/**
 * What a content is that is no digest: **zeros** is what a power loss leaves; **padded** is a digest with white space around it; **binary**
 * has bytes that nobody can read, which are counted; of any other text the first 80 characters are told.
 */
export type LinkProblem =
  | { readonly kind: "empty" }
  | { readonly kind: "too-long"; readonly maxBytes: number }
  | { readonly kind: "zeros"; readonly bytes: number }
  | { readonly kind: "padded" }
  | { readonly kind: "binary"; readonly bytes: number }
  | { readonly kind: "no-digest"; readonly text: string };

/** Parses a link's content, of which at most `MAX_LINK_BYTES + 1` bytes need to be given. */
export function parseLink(content: Uint8Array): LinkContent {
  if (content.length === 0) return { problem: { kind: "empty" } };
  if (content.length > MAX_LINK_BYTES) return { problem: { kind: "too-long", maxBytes: MAX_LINK_BYTES } };
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString("latin1");
  const digest = Digest.parse(text);
  return digest === undefined ? { problem: problemOf(content, text) } : { digest };
}

function problemOf(content: Uint8Array, text: string): LinkProblem {
  if (content.every((byte) => byte === 0)) return { kind: "zeros", bytes: content.length };
  if (Digest.parse(text.trim()) !== undefined) return { kind: "padded" };
  if (!PRINTABLE.test(text)) return { kind: "binary", bytes: content.length };
  return { kind: "no-digest", text: text.slice(0, SHOWN_CHARACTERS) };
}

const SHOWN_CHARACTERS = 80;
/** The digest that a link holds; undefined where there is no link, or it holds none. */
export function digestIn(content: Uint8Array | undefined): Digest | undefined {
  const link = content && parseLink(content);
  return link !== undefined && "digest" in link ? link.digest : undefined;
}

/** What a sound link begins with. */
export const LINK_PREFIX = "sha256:";

/** All that a sound link holds: one that holds this and names the same digest by its path is listed as a digest alone. */
export function soundLink(hex: string): string {
  return LINK_PREFIX + hex;
}

/** The hex of the digest that a sound link holds: a sha256 digest and nothing else. Undefined for any other content. */
export function soundHex(content: Uint8Array): string | undefined {
  if (content.length !== LINK_BYTES) return undefined;
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString("latin1");
  const hex = text.slice(LINK_PREFIX.length);
  return text.startsWith(LINK_PREFIX) && isDigestHex("sha256", hex) ? hex : undefined;
}

const PRINTABLE = /^[\t\n\r\u0020-\u007E]*$/;
