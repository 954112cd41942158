import type { KeyRange } from "./key-range.js";
import type { ListedObjects } from "./page.js";

/**
 * Where digests are names of directories, keys are spread evenly: `blobs/sha256/<xx>/<hex>`, `_layers/sha256/<hex>`,
 * `_manifests/revisions/sha256/<hex>`. So a page tells how many keys there are, and at which key a given share of them ends.
 */
const SECTION = /^(.*\/(?:blobs|_layers|_manifests\/revisions)\/sha256\/)(?:[0-9a-f]{2}\/)?([0-9a-f]{12})/;
const BLOB_SECTION = /\/blobs\/sha256\/$/;
/** Twelve hex digits are as many as a number holds exactly. */
const SPACE = 2 ** 48;

/** A key's place in its section: 0 to 1. */
interface Place {
  readonly section: string;
  readonly share: number;
}

function placeOf(key: string): Place | undefined {
  const [, section, hex] = SECTION.exec(key) ?? [];
  return section === undefined || hex === undefined ? undefined : { section, share: Number.parseInt(hex, 16) / SPACE };
}

/** Sorts directly before the keys whose place is `share` or more. */
function keyAt(section: string, share: number): string {
  const hex = Math.floor(share * SPACE)
    .toString(16)
    .padStart(12, "0");
  return BLOB_SECTION.test(section) ? `${section}${hex.slice(0, 2)}/${hex}` : `${section}${hex}`;
}

/** Notes how dense the keys of the page are, if it lies in a section or ends in one. */
export function noteDensity(range: KeyRange, objects: ListedObjects): void {
  const last = objects.at(-1);
  const end = last && placeOf(last.key);
  if (end === undefined) return;
  // Where the page began before the section, the section begins at its first digest.
  const begin = beginOf(objects, end.section);
  const start = begin > 0 ? 0 : (placeOf(objects.at(0)?.key ?? "")?.share ?? 0);
  if (end.share > start) range.density = { section: end.section, keys: (objects.length - begin) / (end.share - start) };
}

/** The position of the first key of a section, in which the last key lies. */
function beginOf(objects: ListedObjects, section: string): number {
  let low = 0;
  let high = objects.length - 1;
  while (low < high) {
    const half = (low + high) >>> 1;
    if (objects.at(half)?.key.startsWith(section) === true) high = half;
    else low = half + 1;
  }
  return low;
}

/** How a range may be cut. */
export interface Cuts {
  /** Pages that are left, as far as it can be told. */
  readonly pages: number;
  /** At most `count` keys at which the rest falls into pieces of about the same size. */
  readonly at: (count: number) => readonly string[];
}

/** The cuts of a range whose position lies in a section; undefined where it does not. */
export function sectionCuts(range: KeyRange): Cuts | undefined {
  const here = placeOf(range.position);
  if (here === undefined || range.density?.section !== here.section) return undefined;
  const through = range.through === undefined ? undefined : placeOf(range.through);
  const end = through?.section === here.section ? through.share : 1;
  const left = end - here.share;
  return {
    pages: (left * range.density.keys) / 1000,
    at: (count) => Array.from({ length: count }, (_, i) => keyAt(here.section, here.share + (left * (i + 1)) / (count + 1))),
  };
}

/** The key behind all digests of the section in which the key lies. */
export function endOfSection(key: string): string | undefined {
  const place = placeOf(key);
  return place && `${place.section}g`;
}
