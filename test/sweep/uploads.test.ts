import { once } from "node:events";
import http from "node:http";
import fs from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { RegistryBuilder, V2 } from "../support/builder.js";
import { pullAll } from "../support/pullable.js";
import { LONG_AGO, RegistryTree } from "../support/registry-tree.js";
import { sweepDirectory, sweepOptions } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

/** A read-only registry on a directory, as far as it is asked. */
async function readOnlyRegistry(directory: string): Promise<string> {
  const server = http.createServer((request, response) => {
    response.setHeader("docker-distribution-api-version", "registry/2.0");
    if (request.method === "OPTIONS") return response.writeHead(200, { allow: "GET, HEAD" }).end();
    const [, repository = "", tag = ""] = /^\/v2\/(.*)\/manifests\/([^/]+)$/.exec(request.url ?? "") ?? [];
    const link = path.join(directory, V2, "repositories", repository, "_manifests/tags", tag, "current/link");
    if (!fs.existsSync(link)) return response.writeHead(404).end();
    return response.writeHead(200, { "docker-content-digest": fs.readFileSync(link, "utf8") }).end();
  });
  server.listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
}

test("an upload where nobody can push stays, and so does all that its push may need; the rest is swept", async () => {
  const registry = new RegistryBuilder();
  const pushing = registry.repository("team/pushing");
  pushing.image({ layers: ["live"], config: "live too", tag: "1" });
  const pushed = pushing.image({ layers: ["a child that its index will name"], config: "of the child" });
  pushing.push("a layer of a push that takes hours");
  const other = registry.repository("team/other");
  other.image({ layers: ["live elsewhere"], config: "live elsewhere too", tag: "1" });
  const shared = other.push("a layer that the push has mounted");
  pushing.mount(shared);
  other.push("a layer that nothing needs");
  registry.blob("a blob of nobody");
  const now = LONG_AGO + 30 * 24 * 3600;
  registry.tree.write(
    `${V2}/repositories/team/pushing/_uploads/u/startedat`,
    new Date((now - 60) * 1000).toISOString(),
    now - 60,
  );
  const directory = written(registry.tree);
  const before = pullAll(RegistryTree.readFrom(directory));
  const options = sweepOptions(temporaryDirectory());
  await expect(sweepDirectory(directory, options)).rejects.toThrow("no-active-uploads");
  const registryUrls = [await readOnlyRegistry(directory)];
  const writers = { ...options.writers, registryStopped: false, registryUrls };
  const { result, verdicts } = await sweepDirectory(directory, { ...options, writers });
  expect(verdicts.filter(({ passed }) => !passed)).toEqual([]);
  expect(result.deleted).toMatchObject({ blobs: 2, revisions: 0, layerLinks: 1, uploads: 0 });
  const after = RegistryTree.readFrom(directory);
  expect(pullAll(after)).toEqual(before);
  const files = [...after.files.keys()];
  for (const digest of [pushed.digest, shared.digest])
    expect(files.filter((file) => file.includes(digest.slice(7))).length).toBeGreaterThan(1);
  expect(files).toContain(`${V2}/repositories/team/pushing/_uploads/u/startedat`);
});
