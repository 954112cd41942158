import { describe, expect, test } from "vitest";
import { fingerprintOf } from "#regcheck/mark/fingerprint.js";
import { RepositoryListingBuilder } from "#regcheck/storage/listing-builder.js";

const [ONE, TWO] = ["1".repeat(64), "2".repeat(64)];
const NOTHING = new Uint8Array();

/** A repository with something of every kind. */
function build(change: (builder: RepositoryListingBuilder) => void = () => {}): string {
  const builder = new RepositoryListingBuilder("team/app");
  builder.markRepository();
  builder.addSoundLink("revisions", ONE);
  builder.addSoundLink("layers", TWO);
  builder.addIndexEntry(builder.addTag("latest", ONE), ONE);
  change(builder);
  return fingerprintOf(builder.build());
}

describe("a fingerprint is another one", () => {
  test.each<[string, (builder: RepositoryListingBuilder) => void]>([
    ["a revision link", (builder) => builder.addSoundLink("revisions", TWO)],
    ["a layer link", (builder) => builder.addSoundLink("layers", ONE)],
    ["a damaged link", (builder) => builder.addOddLink({ section: "layers", algorithm: "sha256", hex: ONE, content: NOTHING })],
    ["a tag", (builder) => void builder.addTag("new", ONE)],
    ["a tag without a link", (builder) => void builder.addOddTag("new", undefined)],
    ["an entry of a tag's history", (builder) => builder.addIndexEntry(0, TWO)],
    ["a damaged entry of a tag's history", (builder) => builder.addOddIndexEntry(0, "sha256", TWO, NOTHING)],
    ["an upload", (builder) => builder.addUpload({ id: "u", startedAt: undefined, objects: [], bytes: 0, modified: 0 })],
  ])("with %s more", (_, change) => {
    expect(build(change)).not.toBe(build());
  });

  test("for another digest of a tag's history", () => {
    const of = (hex: string): string => build((builder) => builder.addIndexEntry(0, hex));
    expect(of(ONE)).not.toBe(of(TWO));
  });
});

test("a fingerprint is the same for the same listing", () => {
  expect(build()).toBe(build());
});
