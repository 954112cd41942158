import { isDigestHex } from "../../registry/digest.js";
import { LINK_BYTES, MAX_LINK_BYTES, MAX_MANIFEST_BYTES } from "../../registry/layout.js";
import { LINK_PREFIX } from "../../registry/link.js";
import { ABSENT, readInto } from "./calls.js";

const linkBuffer = Buffer.allocUnsafeSlow(MAX_LINK_BYTES + 1);
let manifestBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Reads a link, which is what the functions below are about until the next call. Returns its length, of which no more than one byte too
 * many is read; `ABSENT` when there is no such file. Throws on any other error.
 */
export function readLink(path: string): number {
  return readInto(path, linkBuffer, MAX_LINK_BYTES, LINK_BYTES);
}

const PREFIX = Buffer.from(LINK_PREFIX);

/** Whether the link of `length` bytes holds the sha256 digest `hex`. Asked of every link, so no text is made of it. */
export function linkHolds(length: number, hex: string): boolean {
  if (length !== LINK_BYTES || hex.length !== LINK_BYTES - PREFIX.length) return false;
  if (!hasPrefix()) return false;
  for (let i = 0; i < hex.length; i++) if (linkBuffer[PREFIX.length + i] !== hex.charCodeAt(i)) return false;
  return true;
}

/** The hex of the sha256 digest that the link holds; undefined if it holds anything else. */
export function linkHex(length: number): string | undefined {
  if (length !== LINK_BYTES || !hasPrefix()) return undefined;
  const hex = linkBuffer.toString("latin1", PREFIX.length, LINK_BYTES);
  return isDigestHex("sha256", hex) ? hex : undefined;
}

function hasPrefix(): boolean {
  for (let i = 0; i < PREFIX.length; i++) if (linkBuffer[i] !== PREFIX[i]) return false;
  return true;
}

/** A copy of the link's content. */
export function linkContent(length: number): Uint8Array {
  return Uint8Array.from(linkBuffer.subarray(0, length));
}

/**
 * Reads a file of any size up to one byte more than a manifest may have, into a buffer that the next call overwrites. `bytes` is its size,
 * where that is known.
 */
export function readManifest(path: string, bytes = Number.NaN): Buffer | undefined {
  let length = readInto(path, manifestBuffer, 0, bytes);
  if (length === manifestBuffer.length && length <= MAX_MANIFEST_BYTES) {
    manifestBuffer = Buffer.allocUnsafeSlow(MAX_MANIFEST_BYTES + 1);
    length = readInto(path, manifestBuffer, 0, bytes);
  }
  return length === ABSENT ? undefined : manifestBuffer.subarray(0, length);
}
