import { joinStrays } from "./listing-builder.js";
import type { RepositoryListing, TagListing } from "./listing.js";

/** Joins the parts of one repository, each of which was listed by itself. */
export function mergeListings(parts: readonly RepositoryListing[]): RepositoryListing {
  const [first] = parts;
  if (first === undefined) throw new RangeError("no parts to merge");
  if (parts.length === 1) return first;
  return {
    name: first.name,
    isRepository: parts.some((part) => part.isRepository),
    revisions: mergeLinks(parts.map((part) => part.revisions)),
    layers: mergeLinks(parts.map((part) => part.layers)),
    oddLinks: parts.flatMap((part) => part.oddLinks),
    tags: mergeTags(parts.map((part) => part.tags)),
    uploads: parts.flatMap((part) => part.uploads),
    strays: joinStrays(parts.flatMap((part) => part.strays)),
    archived: parts.flatMap((part) => part.archived ?? []),
    faults: parts.flatMap((part) => part.faults),
  };
}

function mergeLinks(parts: readonly RepositoryListing["layers"][]): RepositoryListing["layers"] {
  const filled = parts.filter((part) => part.digests.length > 0);
  return { digests: concatWords(filled.map((part) => part.digests)), modified: mergeTimes(filled) };
}

/** Times are known where they are in every part. */
function mergeTimes(parts: readonly { readonly modified: Uint32Array | undefined }[]): Uint32Array | undefined {
  const times = parts.flatMap(({ modified }) => (modified === undefined ? [] : [modified]));
  return times.length > 0 && times.length === parts.length ? concatWords(times) : undefined;
}

function mergeTags(parts: readonly TagListing[]): TagListing {
  let before = 0;
  const shifted = parts.map((part) => {
    const shift = before;
    before += part.names.length;
    return {
      oddCurrent: part.oddCurrent.map((odd) => ({ ...odd, tag: odd.tag + shift })),
      indexTag: part.indexTag.map((tag) => tag + shift),
      oddIndex: part.oddIndex.map((odd) => ({ ...odd, tag: odd.tag + shift })),
      others: part.others.map((other) => ({ ...other, tag: other.tag + shift })),
    };
  });
  return {
    names: parts.flatMap((part) => part.names),
    current: concatWords(parts.map((part) => part.current)),
    modified: mergeTimes(parts.filter((part) => part.names.length > 0)),
    oddCurrent: shifted.flatMap((part) => part.oddCurrent),
    indexTag: concatWords(shifted.map((part) => part.indexTag)),
    indexDigests: concatWords(parts.map((part) => part.indexDigests)),
    oddIndex: shifted.flatMap((part) => part.oddIndex),
    others: shifted.flatMap((part) => part.others),
  };
}

/** Joins arrays of words. */
export function concatWords(arrays: readonly Uint32Array[]): Uint32Array {
  const joined = new Uint32Array(arrays.reduce((length, array) => length + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    joined.set(array, at);
    at += array.length;
  }
  return joined;
}
