import { MAX_LINK_BYTES } from "../registry/layout.js";
import type { RepositoryListing } from "../storage/listing.js";

/** What a tag's damaged link holds, in base64, for the journal; undefined where it is longer than any link, of which not all was read. */
export function beforeOf(listing: RepositoryListing, tag: string): string | undefined {
  const content = oddContent(listing, tag);
  return content === undefined || content.length > MAX_LINK_BYTES ? undefined : Buffer.from(content).toString("base64");
}

/** What a tag's `current/link` holds that is no sha256 digest; undefined where it is one, or there is none. */
export function oddContent({ tags }: RepositoryListing, tag: string): Uint8Array | undefined {
  return tags.oddCurrent.find((odd) => tags.names[odd.tag] === tag)?.content;
}
