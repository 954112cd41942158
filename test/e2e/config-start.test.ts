import path from "node:path";
import { describe, expect, test } from "vitest";
import { startProblems } from "#regcheck/registry/config-start.js";
import { temporaryDirectory } from "../support/temporary.js";
import { RealRegistry, REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";

type Config = Readonly<Record<string, unknown>>;

/** What `--config` warns of keeps the registry from starting, and nothing else does. */
describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("a config of registry %s", (version) => {
  async function starts(filesystem: Config, more: Config): Promise<{ starts: boolean; problems: number }> {
    const directory = temporaryDirectory();
    const storage = { filesystem: { rootdirectory: path.join(directory, "storage"), ...filesystem }, ...more };
    const text = (address: string): string => JSON.stringify({ version: 0.1, storage, http: { addr: address } });
    const problems = startProblems(storage, false).length;
    return RealRegistry.start({ version, directory, text }).then(
      async (registry) => {
        await registry.stop();
        return { starts: true, problems };
      },
      () => ({ starts: false, problems }),
    );
  }

  test.each<[Config, Config]>([
    [{ maxthreads: "50" }, {}],
    [{ maxthreads: "0x10" }, {}],
    [{}, { delete: null, cache: { blobdescriptor: "inmemory", blobdescriptorsize: "100" } }],
  ])("%j and %j", async (filesystem, more) => {
    expect(await starts(filesystem, more)).toEqual({ starts: true, problems: 0 });
  });

  test.each<[Config, Config]>([
    [{ maxthreads: "x" }, {}],
    [{ maxthreads: 1.5 }, {}],
    [{ maxthreads: "+5" }, {}],
    [{}, { delete: true }],
    [{}, { cache: "inmemory" }],
    [{}, { maintenance: true }],
    [{}, { tag: { concurrencylimit: "x" } }],
    ...(version === "2.8"
      ? []
      : [
          [{}, { cache: { blobdescriptor: "inmemory", blobdescriptorsize: "x" } }] satisfies [Config, Config],
          [{}, { tag: { concurrencylimit: -1 } }] satisfies [Config, Config],
        ]),
  ])("%j and %j, which it refuses", async (filesystem, more) => {
    expect(await starts(filesystem, more)).toEqual({ starts: false, problems: 1 });
  });
});
