import { expect, test } from "vitest";
import type { RepositoryListing } from "#regcheck/storage/listing.js";
import { RegistryBuilder } from "../../support/builder.js";
import { LONG_AGO } from "../../support/registry-tree.js";
import { bucketOf } from "../../support/s3-bucket.js";

test("a bucket's listing tells when each tag was pushed, at no request more", async () => {
  const registry = new RegistryBuilder();
  const app = registry.repository("app");
  const image = app.image({ layers: ["a layer"], tag: "old" });
  app.tag("new", image.digest);
  const current = (tag: string): string => `${app.path}/_manifests/tags/${tag}/current/link`;
  registry.tree.write(current("new"), image.digest, LONG_AGO + 500);
  registry.tree.write(current("damaged"), "", LONG_AGO + 700);
  app.tag("without", image.digest);
  registry.tree.remove(current("without"));
  const { storage } = await bucketOf(registry.tree);
  const listings: RepositoryListing[] = [];
  for await (const listing of storage.repositories()) listings.push(listing);
  const { names = [], modified } = listings.find(({ name }) => name === "app")?.tags ?? {};
  expect(Object.fromEntries(names.map((name, i) => [name, modified?.[i]]))).toEqual({
    damaged: LONG_AGO + 700,
    new: LONG_AGO + 500,
    old: LONG_AGO,
    without: 0,
  });
  await storage.close();
});
