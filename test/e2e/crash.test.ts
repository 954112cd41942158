import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { killEverywhere } from "../support/crashes.js";
import { pullAll } from "../support/pullable.js";
import { garbageRegistry } from "../support/sweeping.js";
import { temporaryDirectory } from "../support/temporary.js";
import { RegistryClient } from "./support/client.js";
import { RealRegistry, REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";

/** As in test/sweep/crash.test.ts, of which this is a sample that a real registry serves: it looks at the files with each request. */
const COUNT = Number(process.env["REGCHECK_CRASH_POINTS"] ?? 6);

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("registry %s", (version) => {
  test.each([{ quarantine: false }, { quarantine: true }])(
    "serves every tag, byte for byte, after a sweep that was killed and after the second one (quarantine: $quarantine)",
    { timeout: 7_200_000 },
    async ({ quarantine }) => {
      const before = garbageRegistry(6);
      const base = temporaryDirectory();
      const storage = { filesystem: { rootdirectory: path.join(base, "storage") } };
      const registry = await RealRegistry.start({ version, directory: temporaryDirectory(), storage, readOnly: true });
      onTestFinished(() => registry.stop());
      const names = [...pullAll(before)].flatMap(([name, content]) => (content === undefined ? [] : [name]));
      const pullEverything = async () => {
        const pulls = new Map<string, readonly string[]>();
        for (const name of names) {
          const [repository = "", tag = ""] = name.split(":");
          pulls.set(name, await new RegistryClient(registry.url, repository).pull(tag));
        }
        return pulls;
      };
      before.writeTo(path.join(base, "storage"));
      const whole = await pullEverything();
      expect(whole.size).toBe(6 * 3 + 1);
      await killEverywhere(before, base, {
        quarantine,
        count: COUNT,
        inParallel: false,
        inspect: async (_, stage) => expect(await pullEverything(), stage).toEqual(whole),
      });
    },
  );
});
