import { describe, expect, test } from "vitest";
import { BlobTable } from "#regcheck/mark/blob-table.js";
import { resolveLinks } from "#regcheck/mark/repository-links.js";
import { RepositoryListingBuilder } from "#regcheck/storage/listing-builder.js";

const FIRST = "1".repeat(64);
const SECOND = "2".repeat(64);

/** Two reports of one storage can only be compared if nothing in them depends on the order of a listing: S3 has another than a filesystem. */
describe("resolveLinks", () => {
  function resolved(order: <T>(items: readonly T[]) => readonly T[]) {
    const builder = new RepositoryListingBuilder("app");
    for (const hex of order([FIRST, SECOND])) builder.addSoundLink("revisions", hex);
    for (const hex of order([FIRST, SECOND])) builder.addSoundLink("layers", hex);
    for (const tag of order(["a", "b", "c"])) builder.addTag(tag, tag === "b" ? FIRST : SECOND);
    const { table } = BlobTable.builder().build();
    // Numbers are given to digests as they come up.
    for (const hex of [FIRST, SECOND]) table.idOf("sha256", new Uint32Array(8).fill(Number.parseInt(hex.slice(0, 8), 16)), 0);
    return resolveLinks(builder.build(), table);
  }

  test("gives tags by name, and links by number", () => {
    const links = resolved((items) => items.toReversed());
    expect(links).toEqual(resolved((items) => items));
    expect(links.tags.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(links.revisions).toEqual([0, 1]);
  });
});
