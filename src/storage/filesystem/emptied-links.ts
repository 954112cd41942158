import { Digest } from "../../registry/digest.js";
import { layerLinkPath, revisionLinkPath, tagCurrentPath, tagIndexLinkPath } from "../../registry/layout.js";
import type { RepositoryListing } from "../listing.js";

/** What a link that was empty holds now; undefined where there is none any more. */
export type Contents = ReadonlyMap<string, Uint8Array | undefined>;

/** Paths of a repository's links that are empty: damage, unless a registry is in the middle of writing them (`driver/filesystem`). */
export function emptiedLinks(listing: RepositoryListing): string[] {
  const { oddLinks, tags } = listing;
  const places = placesIn(listing);
  return [
    ...oddLinks.filter(isEmpty).map(places.link),
    ...tags.oddCurrent.filter(isEmpty).map(places.current),
    ...tags.oddIndex.filter(isEmpty).map(places.index),
  ];
}

/** The listing with what these links hold now. */
export function withContents(listing: RepositoryListing, contents: Contents): RepositoryListing {
  const places = placesIn(listing);
  const { tags } = listing;
  return {
    ...listing,
    oddLinks: replaced(listing.oddLinks, places.link, contents),
    tags: {
      ...tags,
      // A tag without its link is a tag all the same.
      oddCurrent: tags.oddCurrent.map((odd) => {
        const path = places.current(odd);
        return isEmpty(odd) && contents.has(path) ? { ...odd, content: contents.get(path) } : odd;
      }),
      oddIndex: replaced(tags.oddIndex, places.index, contents),
    },
  };
}

type OddLink = RepositoryListing["oddLinks"][number];
type OddCurrent = RepositoryListing["tags"]["oddCurrent"][number];
type OddIndex = RepositoryListing["tags"]["oddIndex"][number];

function placesIn({ name, tags }: RepositoryListing) {
  const digestOf = ({ algorithm, hex }: OddLink | OddIndex): Digest => {
    const digest = Digest.fromParts(algorithm, hex);
    if (digest === undefined) throw new RangeError(`the listing holds a malformed digest ${algorithm}:${hex}`);
    return digest;
  };
  return {
    link: (odd: OddLink): string => (odd.section === "revisions" ? revisionLinkPath : layerLinkPath)(name, digestOf(odd)),
    current: ({ tag }: OddCurrent): string => tagCurrentPath(name, tags.names[tag] ?? ""),
    index: (odd: OddIndex): string => tagIndexLinkPath(name, tags.names[odd.tag] ?? "", digestOf(odd)),
  };
}

function isEmpty({ content }: { readonly content: Uint8Array | undefined }): boolean {
  return content?.length === 0;
}

function replaced<T extends { readonly content: Uint8Array | undefined }>(
  links: readonly T[],
  pathOf: (link: T) => string,
  contents: Contents,
): T[] {
  return links.flatMap((link) => {
    const path = isEmpty(link) ? pathOf(link) : "";
    if (!contents.has(path)) return [link];
    const content = contents.get(path);
    return content === undefined ? [] : [{ ...link, content }];
  });
}
