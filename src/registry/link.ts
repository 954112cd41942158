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
  return digest === undefined
    ? { problem: `the link holds ${JSON.stringify(text.slice(0, 80))}, which is no digest` }
    : { digest };
}
