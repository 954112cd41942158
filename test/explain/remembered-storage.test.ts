import { expect, test } from "vitest";
import { RememberedStorage } from "#regcheck/explain/remembered-storage.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { RegistryBuilder } from "../support/builder.js";
import { written } from "../support/temporary.js";

test.each([
  { mostWords: undefined, what: "once, if there is room for its links" },
  { mostWords: 40, what: "each time, if there is none" },
])("a registry is listed $what", async ({ mostWords }) => {
  const registry = new RegistryBuilder();
  for (const name of ["one", "two", "three"]) registry.repository(name).image({ tag: "1" });
  const storage = FilesystemStorage.open(written(registry.tree), { concurrency: 1 });
  const remembered = new RememberedStorage(storage, mostWords);
  const names = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { name } of remembered.repositories()) found.push(name);
    return found.sort();
  };
  expect(await names()).toEqual(["one", "three", "two"]);
  const { list } = { ...storage.requests };
  expect(await names()).toEqual(["one", "three", "two"]);
  expect(storage.requests.list - list > 0).toBe(mostWords !== undefined);
  await storage.close();
});
