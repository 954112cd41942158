import { Digest } from "./digest.js";
import { MAX_LINK_BYTES } from "./layout.js";

/** What a link file holds. The registry never trims: a trailing newline makes a link unreadable (D#2635). */
export type LinkContent = { readonly digest: Digest } | { readonly problem: string };

/** Parses a link's content, of which at most `MAX_LINK_BYTES + 1` bytes need to be given. */
export function parseLink(content: Uint8Array): LinkContent {
  if (content.length === 0) return { problem: "the link is empty" };
  if (content.length > MAX_LINK_BYTES) return { problem: `the link is longer than ${MAX_LINK_BYTES} bytes` };
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString("latin1");
  const digest = Digest.parse(text);
  return digest === undefined ? { problem: problemOf(content, text) } : { digest };
}

/** What a content is that is no digest, for people: bytes that nobody can read are counted. */
function problemOf(content: Uint8Array, text: string): string {
  if (content.every((byte) => byte === 0)) return `the link holds ${content.length} zero bytes, as a power loss leaves them`;
  if (Digest.parse(text.trim()) !== undefined)
    return "the link holds a digest with white space around it, which the registry does not trim";
  if (!PRINTABLE.test(text)) return `the link holds ${content.length} bytes that are no text`;
  return `the link holds ${JSON.stringify(text.slice(0, 80))}, which is no digest`;
}

const PRINTABLE = /^[\t\n\r\u0020-\u007E]*$/;
