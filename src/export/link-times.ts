import { Digest } from "../registry/digest.js";
import { layerLinkPath, revisionLinkPath, tagCurrentPath } from "../registry/layout.js";
import type { LinkSection, RepositoryListing } from "../storage/listing.js";
import type { Storage } from "../storage/storage.js";

/** Links whose times are asked for at a time. */
const AT_A_TIME = 2000;

/**
 * The listing with the time of every link. A bucket's has them; of a filesystem's links they are asked for, a `stat` each. Where one cannot
 * be told, the links of its kind are left as they are: whoever needs to know asks again, and reports why it fails.
 */
export async function withLinkTimes(storage: Storage, listing: RepositoryListing): Promise<RepositoryListing> {
  if (!listing.isRepository) return listing;
  const { name, revisions, layers, tags, oddLinks } = listing;
  const times = async (paths: readonly string[]): Promise<readonly number[] | undefined> => {
    const all: number[] = [];
    for (let at = 0; at < paths.length; at += AT_A_TIME)
      for (const time of await storage.modified(paths.slice(at, at + AT_A_TIME))) {
        if (typeof time !== "number") return undefined;
        all.push(time);
      }
    return all;
  };
  const linkTimes = async (links: RepositoryListing["layers"], section: LinkSection): Promise<RepositoryListing["layers"]> => {
    if (links.modified !== undefined || links.digests.length === 0) return links;
    const path = section === "revisions" ? revisionLinkPath : layerLinkPath;
    const digestAt = (i: number): Digest => Digest.fromWords("sha256", links.digests, i * 8);
    const modified = await times(Array.from({ length: links.digests.length / 8 }, (_, i) => path(name, digestAt(i))));
    return { ...links, modified: modified && Uint32Array.from(modified) };
  };
  const tagTimes = async (): Promise<Uint32Array | undefined> => {
    if (tags.modified !== undefined || tags.names.length === 0) return tags.modified;
    const without = new Set(tags.oddCurrent.flatMap(({ tag, content }) => (content === undefined ? [tag] : [])));
    const there = [...tags.names.keys()].filter((tag) => !without.has(tag));
    const known = await times(there.map((tag) => tagCurrentPath(name, tags.names[tag] ?? "")));
    if (known === undefined) return undefined;
    const modified = new Uint32Array(tags.names.length);
    for (const [i, tag] of there.entries()) modified[tag] = known[i] ?? 0;
    return modified;
  };
  const oddTimes = async (): Promise<RepositoryListing["oddLinks"]> => {
    if (oddLinks.every(({ modified }) => modified !== undefined)) return oddLinks;
    const path = ({ section, algorithm, hex }: RepositoryListing["oddLinks"][number]): string => {
      const digest = Digest.fromParts(algorithm, hex);
      if (digest === undefined) throw new RangeError(`the listing holds a malformed digest ${algorithm}:${hex}`);
      return section === "revisions" ? revisionLinkPath(name, digest) : layerLinkPath(name, digest);
    };
    const known = await times(oddLinks.map(path));
    return known === undefined ? oddLinks : oddLinks.map((link, i) => ({ ...link, modified: known[i] ?? 0 }));
  };
  return {
    ...listing,
    revisions: await linkTimes(revisions, "revisions"),
    layers: await linkTimes(layers, "layers"),
    tags: { ...tags, modified: await tagTimes() },
    oddLinks: await oddTimes(),
  };
}
