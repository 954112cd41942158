import { TAG_CURRENT } from "../registry/layout.js";
import type { JournalEntry } from "../journal/journal.js";

/** What a sweep has removed, counted by what was really done. */
export interface Removed {
  blobs: number;
  bytes: number;
  revisions: number;
  layerLinks: number;
  tags: number;
  uploads: number;
  /** Empty ones. */
  repositories: number;
}

/** Nothing yet. */
export function nothingRemoved(): Removed {
  return { blobs: 0, bytes: 0, revisions: 0, layerLinks: 0, tags: 0, uploads: 0, repositories: 0 };
}

/** Counts an object that has gone; uploads and empty repositories consist of several, and are counted by whoever removes these. */
export function countRemoved(removed: Removed, { kind, path, bytes }: JournalEntry): void {
  removed.bytes += bytes;
  if (kind === "blob") removed.blobs++;
  else if (kind === "revision") removed.revisions++;
  else if (kind === "layer-link") removed.layerLinks++;
  else if (kind === "multipart") removed.uploads++;
  else if (kind === "tag" && path.endsWith(`/${TAG_CURRENT}`)) removed.tags++;
}
