/**
 * A part of the manifests: the `part`-th of `parts` equal ranges of their digests, counted from 0. Digests are spread evenly, so parts
 * are of one size whatever the names and sizes of repositories, they have no manifest in common, and which manifest is in which part
 * does not change when something is pushed.
 */
export interface Part {
  /** From 0. */
  readonly part: number;
  readonly parts: number;
}

/** Twelve hex digits are as many as a number holds exactly. */
const HEX_DIGITS = 12;
const SPACE = 2 ** 48;

/** The range of the part: from the first number up to, without, the second. Numbers are the first 12 hex digits of a digest. */
function rangeOf({ part, parts }: Part): readonly [number, number] {
  return [Math.floor((SPACE / parts) * part), part + 1 === parts ? SPACE : Math.floor((SPACE / parts) * (part + 1))];
}

/** Sorts directly before the hex of all digests of the part; undefined where nothing sorts before them. */
export function beginOf(part: Part): string | undefined {
  const [low] = rangeOf(part);
  return low === 0 ? undefined : low.toString(16).padStart(HEX_DIGITS, "0");
}

/** Where a digest's hex is: before the part (-1), in it (0) or behind it (1). */
export function placeIn(part: Part, hex: string): -1 | 0 | 1 {
  const [low, end] = rangeOf(part);
  const value = Number.parseInt(hex.slice(0, HEX_DIGITS), 16);
  if (value < low) return -1;
  return value < end ? 0 : 1;
}
