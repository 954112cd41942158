import { expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import type { RepositoryListing } from "#regcheck/storage/listing.js";
import { RegistryBuilder } from "../support/builder.js";
import { written } from "../support/temporary.js";

test("a storage that lists a repository's paths as nobody's makes the check incomplete", async () => {
  const builder = new RegistryBuilder();
  builder.repository("app").image({ layers: ["a"], tag: "1" });
  const team = builder.repository("team/app");
  team.image({ layers: ["b"], tag: "1" });
  const storage = FilesystemStorage.open(written(builder.tree), { concurrency: 1 });
  const strays = [`${team.path}/_manifests`, "docker/registry/v2/repositories/.DS_Store"];
  const nobodys = (listing: RepositoryListing): RepositoryListing => ({ ...listing, name: "", isRepository: false, strays });
  const repositories = storage.repositories.bind(storage);
  storage.repositories = async function* () {
    for await (const listing of repositories()) yield listing.name === "team/app" ? nobodys(listing) : listing;
  };
  const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };
  const report = await check(storage, { policy });
  await storage.close();
  expect(report.complete).toBe(false);
  const codes = [...report.findings()].map(({ code, path }) => [code, path]);
  expect(codes).toContainEqual(["storage-unreadable", strays[0]]);
  expect(codes).toContainEqual(["stray-object", strays[1]]);
});
