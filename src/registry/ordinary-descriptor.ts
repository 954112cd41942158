/** Patterns of JSON as nearly all manifests are written, whatever the white space; no more than bytes in Latin-1. */
export const SPACE = "[ \\n\\r\\t]*";

/** Between two fields or items. */
export const NEXT = `${SPACE},${SPACE}`;

/** A string without escapes. */
export const PLAIN_STRING = '"[^"\\\\\\u0000-\\u001F]*"';

/** A field of a name that is written as it is. */
export function fieldOf(name: string, value: string): string {
  return `"${name}"${SPACE}:${SPACE}${value}`;
}

const SIZE = fieldOf("size", "([1-9][0-9]{0,14}|0)");
const DIGEST = fieldOf("digest", '"sha256:([0-9a-f]{64})"');

/**
 * The fields of what nearly all descriptors are, without the braces: groups for the media type, then size and hex, or hex and size.
 */
export const ORDINARY_FIELDS = `${fieldOf("mediaType", '"([^"\\\\\\u0000-\\u001F]*)"')}${NEXT}(?:${SIZE}${NEXT}${DIGEST}|${DIGEST}${NEXT}${SIZE})`;
