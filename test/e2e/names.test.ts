import { describe, expect, test } from "vitest";
import { isRepositoryName } from "#regcheck/registry/reference.js";
import { REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { startedRegistry } from "./support/started.js";

const LONG = Array.from({ length: 5 }, () => "a".repeat(50)).join("/");

/** Names, and whether registry 2.8 and 3.1 let somebody push to them. */
const NAMES: readonly (readonly [string, boolean, boolean])[] = [
  ["a_b/app", true, true],
  ["a--b/app", true, true],
  ["My-Host.example/app", true, true],
  ["Upper/app", true, true],
  ["app/Upper", false, false],
  ["localhost:5000/app", false, false],
  [LONG, true, true],
  [`mirror/${LONG}`, false, true],
  [`mirror.example.com/${LONG}`, false, true],
  [`mirror__1/${LONG}`, false, false],
  [`mirror.example.com/${LONG}/aa`, false, false],
];

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("registry %s", (version) => {
  test("lets nobody push to a repository whose name is called invalid", async () => {
    const { registry } = await startedRegistry(version);
    for (const [name, ...takes] of NAMES) {
      const { status } = await fetch(`${registry.url}/v2/${name}/blobs/uploads/`, { method: "POST" });
      expect({ name, takes: status === 202 }).toEqual({ name, takes: takes[version === "2.8" ? 0 : 1] });
      expect({ name, isName: isRepositoryName(name) }).toEqual({ name, isName: takes.includes(true) });
    }
    await registry.stop();
  });
});
