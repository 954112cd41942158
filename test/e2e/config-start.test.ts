import path from "node:path";
import { describe, expect, test } from "vitest";
import { startProblems } from "#regcheck/registry/config-start.js";
import { serviceProblem } from "#regcheck/registry/service-links.js";
import { linksOf } from "../support/service-links.js";
import { temporaryDirectory } from "../support/temporary.js";
import { RealRegistry, REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";

type Config = Readonly<Record<string, unknown>>;

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])(
  "registry %s in a pod of Kubernetes with a Service named",
  (version) => {
    const NAMES = ["DATABASE", "HTTP", "LOG", "NOTIFICATIONS", "OPENSHIFT", "PROXY", "REDIS", "STORAGE_FILESYSTEM"].map(
      (name) => `REGISTRY_${name}`,
    );

    test.each(["REGISTRY", ...NAMES, "REGISTRY_AUTH", "REGISTRY_MIDDLEWARE", "REGISTRY_STORAGE"])("%s", async (service) => {
      const registry = await RealRegistry.start({
        version,
        directory: temporaryDirectory(),
        environment: linksOf(service),
      }).catch(() => undefined);
      await registry?.stop();
      expect(registry !== undefined).toBe(serviceProblem(service) === undefined);
    });
  },
);

/** What `--config` warns of keeps the registry from starting, and nothing else does. */
describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("a config of registry %s", (version) => {
  function starts(filesystem: Config, more: Config): Promise<{ starts: boolean; problems: number }> {
    const directory = temporaryDirectory();
    return startsWith(directory, { filesystem: { rootdirectory: path.join(directory, "storage"), ...filesystem }, ...more });
  }

  async function startsWith(directory: string, storage: Config): Promise<{ starts: boolean; problems: number }> {
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

  const bucket = { bucket: "b", region: "us-east-1", regionendpoint: "http://127.0.0.1:1", accesskey: "a", secretkey: "b" };

  test.each([["encrypt"], ["secure"], ["skipverify"], ["v4auth"]])("s3.%s: perhaps, which it refuses", async (key) => {
    const storage = { s3: { ...bucket, [key]: "perhaps" } };
    expect(await startsWith(temporaryDirectory(), storage)).toEqual({ starts: false, problems: 1 });
  });

  test.each([["forcepathstyle"], ["usedualstack"], ["accelerate"], ["usefipsendpoint"]])(
    "s3.%s: perhaps, which 3.x alone refuses",
    async (key) => {
      const storage = { s3: { ...bucket, [key]: "perhaps" } };
      expect(await startsWith(temporaryDirectory(), storage)).toEqual({ starts: version === "2.8", problems: 1 });
    },
  );
});
