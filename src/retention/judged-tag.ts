import type { DatedTag } from "./retention.js";

/** A tag that the policies may judge: its image is there and whole. */
export interface JudgedTag extends DatedTag {
  /** The manifest that it names, by number. */
  readonly image: number;
}
