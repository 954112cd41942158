import { describe, expect, test } from "vitest";
import { BENCHMARK, generateTo } from "../support/generate.js";
import { regcheck } from "../support/run.js";
import { REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import type { Report } from "./support/report.js";
import { startedRegistry } from "./support/started.js";

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("while clients push to registry %s", (version) => {
  test("a check is complete and sees nothing wrong with what arrives", async () => {
    const { registry, client } = await startedRegistry(version);
    generateTo(registry.root, { ...BENCHMARK, repositories: 3 });
    const pushing = new AbortController();
    let pushed = 0;
    const pushers = ["team/app", "team/other", "aaa/first"].map(async (name) => {
      const repository = client.in(name);
      while (!pushing.signal.aborted) {
        const image = await repository.image([`layer ${pushed}`, `another ${pushed}`], `v${pushed++}`);
        await repository.index([image], "latest");
      }
    });
    const reports: Report[] = [];
    for (let run = 0; run < 8; run++) {
      const { stdout } = await regcheck([registry.root, "--format", "json", "--delete-untagged", "--drop-dangling-tags"]);
      reports.push(JSON.parse(stdout) as Report);
    }
    pushing.abort();
    await Promise.all(pushers);
    expect(pushed).toBeGreaterThan(20);
    for (const { complete, findings } of reports) {
      const ofPushed = findings.filter(({ path = "" }) => /\/(team\/(app|other)|aaa\/first)\//.test(path));
      expect(ofPushed.filter(({ code }) => code !== "upload-active")).toEqual([]);
      expect(complete).toBe(true);
    }
  });
});
