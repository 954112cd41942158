import { expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import type { RepositoryListing } from "#regcheck/storage/listing.js";
import { RegistryBuilder } from "../support/builder.js";
import { written } from "../support/temporary.js";

const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };
const TEAM = "docker/registry/v2/repositories/team/app";

/** Checks a registry whose storage lists `team/app` as it is told to. */
async function checked(misread: (listing: RepositoryListing) => RepositoryListing[]) {
  const builder = new RegistryBuilder();
  for (const name of ["app", "team/app"]) builder.repository(name).image({ layers: [name], tag: "1" });
  const storage = FilesystemStorage.open(written(builder.tree), { concurrency: 1 });
  const repositories = storage.repositories.bind(storage);
  storage.repositories = async function* () {
    for await (const listing of repositories()) yield* listing.name === "team/app" ? misread(listing) : [listing];
  };
  const report = await check(storage, { policy: POLICY });
  await storage.close();
  return { complete: report.complete, findings: Array.from(report.findings(), ({ code, path }) => [code, path]) };
}

test("a storage that lists a repository's paths as nobody's makes the check incomplete", async () => {
  const paths = [`${TEAM}/_manifests`, "docker/registry/v2/repositories/.DS_Store"];
  const strays = paths.map((path) => ({ path, bytes: 0 }));
  const { complete, findings } = await checked((listing) => [{ ...listing, name: "", isRepository: false, strays }]);
  expect(complete).toBe(false);
  expect(findings).toContainEqual(["storage-unreadable", paths[0]]);
  expect(findings).toContainEqual(["stray-object", paths[1]]);
});

test("a storage that lists a repository twice makes the check incomplete", async () => {
  const { complete, findings } = await checked((listing) => [listing, listing]);
  expect(complete).toBe(false);
  expect(findings).toContainEqual(["storage-unreadable", TEAM]);
});
