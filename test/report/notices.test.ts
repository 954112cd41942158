import { describe, expect, test } from "vitest";
import { Digest } from "#regcheck/registry/digest.js";
import { RegistryBuilder, TYPES } from "../support/builder.js";
import type { Descriptor } from "../support/builder.js";
import { checkTree } from "../support/check-tree.js";
import { explainOne } from "../support/explain-tree.js";
import { LONG_AGO } from "../support/registry-tree.js";
import { regcheck } from "../support/run.js";
import { written } from "../support/temporary.js";

const NOW = LONG_AGO + 100_000;

/** A manifest without a link, whose layer has a name of another algorithm that no link tells the blob of; and garbage. */
function lost(when = LONG_AGO) {
  const registry = new RegistryBuilder();
  registry.repository("app").image({ layers: ["a layer"], tag: "1" });
  registry.blob("garbage");
  registry.now = when;
  const layer: Descriptor = { mediaType: TYPES.layer, digest: `sha512:${"6".repeat(128)}`, size: 7 };
  const config = registry.blob("a config", TYPES.config);
  const body = { schemaVersion: 2, mediaType: TYPES.image, config, layers: [layer] };
  return { registry, manifest: registry.blob(JSON.stringify(body), TYPES.image) };
}

describe("a manifest that refers to what may be any blob is named, for then no blob is garbage", () => {
  const DIGEST = /No blob is offered as garbage .*(sha256:[0-9a-f]{64}).*, which (.*), refers by another algorithm/;

  test("young, in every format", async () => {
    const { registry, manifest } = lost(NOW - 60);
    const report = await checkTree(registry.tree, { grace: 3600, now: NOW });
    expect(report.reclaimable.asIs.blobs).toBe(0);
    expect(report.notices.map((notice) => DIGEST.exec(notice)?.slice(1))).toEqual([[manifest.digest, "is younger than --grace"]]);
    const { notices } = await explainOne(registry.tree, manifest.digest, { grace: 3600, now: NOW });
    expect(notices).toEqual(report.notices);
    // With a grace time that is longer than all of its files are old.
    const directory = written(registry.tree);
    for (const format of ["text", "html", "json"]) {
      const { stdout } = await regcheck([directory, "--grace", "100000d", "--format", format]);
      expect(stdout.match(/No blob is offered as garbage/g), format).toHaveLength(1);
    }
  });

  test("pinned", async () => {
    const { registry, manifest } = lost();
    const pins = [Digest.parse(manifest.digest)].filter((pin) => pin !== undefined);
    const report = await checkTree(registry.tree, { pins });
    expect(report.reclaimable.asIs.blobs).toBe(0);
    expect(report.notices.map((notice) => DIGEST.exec(notice)?.slice(1))).toEqual([[manifest.digest, "is pinned (--keep)"]]);
  });

  test("and none where it is neither", async () => {
    const report = await checkTree(lost().registry.tree);
    expect(report.reclaimable.asIs.blobs).toBe(3);
    expect(report.notices).toEqual([]);
  });
});
