import path from "node:path";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { openInventory } from "#regcheck/storage/s3/inventory/open.js";
import { blobFile, RegistryBuilder } from "../../../support/builder.js";
import { entriesOf, inventoryFiles, writeInventory } from "../../../support/inventory.js";
import type { InventoryEntry, InventoryShape } from "../../../support/inventory.js";
import { optionsFor, startedServer, store } from "../../../support/s3-bucket.js";
import { temporaryDirectory } from "../../../support/temporary.js";

const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };

type Kept = Pick<InventoryEntry, "storageClass" | "accessTier">;

/** An image of four layers, and a blob that nobody needs. */
function image() {
  const builder = new RegistryBuilder();
  const app = builder.repository("app");
  const layers = ["one", "two", "three", "four"].map((content) => app.push(content));
  app.image({ layers, tag: "1" });
  const links = layers.map(({ digest }) => `${app.path}/${app.layerLink(digest)}/link`);
  return {
    tree: builder.tree,
    blobs: layers.map(({ digest }) => blobFile(digest)),
    links,
    garbage: blobFile(builder.blob("g").digest),
  };
}

/** What is said to be archived of a bucket whose inventory has objects in these classes and tiers; GETs of `refused` are. */
async function archivedIn(
  tree: ReturnType<typeof image>["tree"],
  classes: ReadonlyMap<string, Kept>,
  shape: InventoryShape,
  refused: RegExp = /\/(?:data|link)$/,
) {
  const current = entriesOf(tree).map((entry) => ({ ...entry, isLatest: true, ...classes.get(entry.key) }));
  // Before each version that is there is one that is not, in an archive.
  const entries = current.flatMap((entry) => [{ ...entry, isLatest: false, storageClass: "GLACIER" }, entry]);
  const files = inventoryFiles(shape.versions === true ? entries : current, { rowGroupSize: 7, ...shape });
  const named = path.join(writeInventory(temporaryDirectory(), files), "2026-11-26T01-00Z/manifest.json");
  const server = await startedServer();
  store(server, tree);
  for (const key of classes.keys())
    if (refused.test(key))
      server.inject({
        operation: "GetObject",
        key,
        times: Infinity,
        effect: { kind: "error", status: 403, code: "InvalidObjectState" },
      });
  const storage = await openInventory(optionsFor(server), named, 72 * 3600, new AbortController().signal);
  const report = await check(storage, { policy: POLICY }).finally(() => void storage.close());
  return { paths: [...report.findings(["object-archived"])].map((finding) => finding.path).sort(), get: report.requests.get };
}

describe.each(["Parquet", "CSV"] as const)("an inventory in %s", (format) => {
  test.each([false, true])("tells what is in an archive by its class and its tier; with all versions: %s", async (versions) => {
    const { tree, blobs, links, garbage } = image();
    const [one = "", two = "", three = "", four = ""] = blobs;
    const [link = "", other = ""] = links;
    const classes = new Map<string, Kept>([
      [one, { storageClass: "GLACIER" }],
      [two, { storageClass: "INTELLIGENT_TIERING", accessTier: "DEEP_ARCHIVE" }],
      [three, { storageClass: "INTELLIGENT_TIERING", accessTier: "ARCHIVE_INSTANT_ACCESS" }],
      [four, { storageClass: "GLACIER_IR" }],
      [link, { storageClass: "DEEP_ARCHIVE" }],
      [other, { storageClass: "INTELLIGENT_TIERING", accessTier: "INFREQUENT" }],
      [garbage, { storageClass: "GLACIER" }],
    ]);
    const plain = await archivedIn(tree, new Map(), { format, versions, archives: true });
    expect(plain.paths).toEqual([]);
    const { paths, get } = await archivedIn(tree, classes, { format, versions, archives: true });
    expect(paths).toEqual([one, two, link].sort());
    // Elsewhere than on AWS, one of them is asked for.
    expect(get).toBe(plain.get + 1);
  });

  test("without these columns says nothing of it, and asks for nothing", async () => {
    const { tree, blobs } = image();
    const [one = ""] = blobs;
    const plain = await archivedIn(tree, new Map(), { format });
    expect(await archivedIn(tree, new Map([[one, { storageClass: "GLACIER" }]]), { format })).toEqual(plain);
    expect(plain.paths).toEqual([]);
  });
});

test("a class that only has an archive's name, elsewhere than on AWS, is none with an inventory either", async () => {
  const { tree, blobs } = image();
  const classes = new Map(blobs.map((blob) => [blob, { storageClass: "GLACIER" }]));
  expect((await archivedIn(tree, classes, { archives: true }, /^$/)).paths).toEqual([]);
});
