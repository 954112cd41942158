import type { Order } from "../storage/changes.js";

/** What is swept; each kind has its own place in the order. */
export const ITEM_KINDS = ["tag-index", "tag", "revision", "layer-link", "blob", "upload", "multipart", "directory"] as const;
export type ItemKind = (typeof ITEM_KINDS)[number];

/** Kinds whose items do not depend on one another; the others are put in an order, or have one within themselves. */
const INDEPENDENT: ReadonlySet<ItemKind> = new Set(["tag-index", "layer-link", "blob"]);

/** Whether items of a kind do not depend on one another. */
export function isIndependent(kind: ItemKind): boolean {
  return INDEPENDENT.has(kind);
}

/** In what order items of a stage may go, or come back. */
export function orderOf(items: readonly { readonly kind: ItemKind }[]): Order {
  return items.every(({ kind }) => INDEPENDENT.has(kind)) ? "any order" : "in order";
}
