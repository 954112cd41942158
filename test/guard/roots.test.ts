import { expect, test } from "vitest";
import { judgeRoots } from "#regcheck/guard/roots.js";
import { mark } from "#regcheck/mark/mark.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import type { RepositoryListing } from "#regcheck/storage/listing.js";
import type { Storage } from "#regcheck/storage/storage.js";
import { RegistryBuilder } from "../support/builder.js";
import { LONG_AGO } from "../support/registry-tree.js";
import { written } from "../support/temporary.js";
import { wrapped } from "../support/wrapped.js";

const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: LONG_AGO, pins: [] };

/** What links-unchanged says where the second listing is another one. */
async function judged(second: (listings: readonly RepositoryListing[]) => readonly RepositoryListing[]) {
  const registry = new RegistryBuilder();
  for (const name of ["one", "two"]) registry.repository(name).image({ tag: "1" });
  const storage = FilesystemStorage.open(written(registry.tree), { concurrency: 1 });
  const marked = await mark(storage, POLICY);
  const changed = wrapped<Storage>(storage, {
    async *repositories() {
      const listings: RepositoryListing[] = [];
      for await (const listing of storage.repositories()) listings.push(listing);
      yield* second(listings);
    },
  });
  const verdict = await judgeRoots(changed, marked);
  await storage.close();
  return verdict;
}

test("the same links pass, in whatever order they come", async () => {
  expect(await judged((listings) => listings.toReversed())).toMatchObject({ rule: "links-unchanged", passed: true });
});

test("a repository that has vanished since the mark is a change", async () => {
  const verdict = await judged((listings) => listings.filter(({ name }) => name !== "two"));
  expect(verdict).toMatchObject({ rule: "links-unchanged", passed: false });
  expect(verdict.evidence).toContain("1 repository have changed since they were marked: two");
});

test("a repository that is new since the mark is a change", async () => {
  const verdict = await judged((listings) => listings.flatMap((one) => [one, { ...one, name: `${one.name}-copy` }]));
  expect(verdict).toMatchObject({ rule: "links-unchanged", passed: false });
});

test("what cannot be listed again is an incomplete scan", async () => {
  const verdict = await judged((listings) => listings.map((one) => ({ ...one, faults: [{ path: "a", cause: "EIO" }] })));
  expect(verdict).toMatchObject({ rule: "scan-complete", passed: false });
});
