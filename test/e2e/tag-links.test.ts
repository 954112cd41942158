import fs from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { V2 } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";
import { REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { check, summary } from "./support/report.js";
import { startedRegistry } from "./support/started.js";

const VERSIONS = Object.keys(REGISTRIES) as RegistryVersion[];
const TAGS = `${V2}/repositories/team/app/_manifests/tags`;

test.each(VERSIONS)(
  "registry %s serves what a tag's link holds, whoever wrote it; a push mends it, and until then the image that was pushed stays",
  async (version) => {
    const { registry, client } = await startedRegistry(version);
    const image = await client.image(["a layer"], "1");
    await client.image(["a signature"], undefined, image);
    const other = await client.image(["another layer"], "other");
    fs.writeFileSync(path.join(registry.root, TAGS, "1/current/link"), other.digest);
    expect((await client.pull("1"))[0]).toBe(other.digest);

    const all = ["--delete-untagged", "--drop-dangling-tags"];
    expect(summary(await check([registry.root], ...all))).toEqual([`link-mismatch team/app 1 ${other.digest}`]);
    await registry.stop();
    const sweep = ["--sweep", "--registry-stopped", "--grace", "0", "--journal-dir", temporaryDirectory()];
    expect(await regcheck([registry.root, ...sweep, ...all])).toMatchObject({ exitCode: 1 });
    const restarted = await registry.restart();
    onTestFinished(() => restarted.stop());
    expect((await client.pull(image.digest))[0]).toBe(image.digest);

    // What the operator wants it to name: the one or the other.
    for (const digest of [other.digest, image.digest]) {
      await client.copy(digest, "1");
      expect((await client.pull("1"))[0]).toBe(digest);
      expect((await check([registry.root])).findings.filter(({ severity }) => severity === "error")).toEqual([]);
    }
  },
);

test.each(VERSIONS)("a tag whose links registry %s has removed itself is not one that damage has emptied", async (version) => {
  const { registry, client } = await startedRegistry(version);
  await client.image(["stays"], "stays");
  const image = await client.image(["a layer"], "1");
  await client.copy(image.digest, "2");
  // 2.8 deletes no tag by its name.
  await client.request("DELETE", "manifests/1", [version === "2.8" ? 400 : 202]);
  await client.deleteManifest(image.digest);
  expect(fs.readdirSync(path.join(registry.root, TAGS))).toEqual(["stays"]);
  expect((await check([registry.root])).findings.filter(({ code }) => code.startsWith("tag-"))).toEqual([]);

  // What a broken filesystem leaves, or whoever removes all files that are empty.
  const other = await client.image(["another layer"], "1");
  for (const link of ["current", `index/${other.digest.replace(":", "/")}`])
    fs.rmSync(path.join(registry.root, TAGS, "1", link, "link"));
  await client.request("GET", "manifests/1", [404]);
  const all = ["--delete-untagged", "--drop-dangling-tags"];
  const found = (await check([registry.root], ...all)).findings;
  expect(found.filter(({ code }) => code === "tag-without-current")).toMatchObject([{ severity: "error", tag: "1" }]);
  expect(found.filter(({ digest }) => digest === other.digest)).toEqual([]);
  await client.copy(other.digest, "1");
  expect((await check([registry.root])).findings.filter(({ code }) => code.startsWith("tag-"))).toEqual([]);
});
