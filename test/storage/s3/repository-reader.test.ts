import crypto from "node:crypto";
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { BucketReader } from "#regcheck/storage/s3/bucket-reader.js";
import { LinkReader } from "#regcheck/storage/s3/links.js";
import type { LinkRead } from "#regcheck/storage/s3/links.js";
import { RepositoryReader } from "#regcheck/storage/s3/repository-reader.js";
import { readPage } from "#regcheck/storage/s3/scan-page.js";
import { ScannedObjects } from "#regcheck/storage/s3/scanned-objects.js";
import { SoundKeys } from "#regcheck/storage/s3/sound-keys.js";
import { V2 } from "../../support/builder.js";
import { optionsFor } from "../../support/s3-bucket.js";

/** Reads nothing from a server. */
class FakeLinks extends LinkReader {
  override async read({ key }: { readonly key: string }): Promise<LinkRead> {
    return { content: Buffer.from(`the content of ${key}`) };
  }
}

const HEXES = ["a", "b", "ab"].map((text) => crypto.hash("sha256", text, "hex"));
const hex = fc.constantFrom(...HEXES, "0".repeat(63), "A".repeat(64));
const tag = fc.constantFrom("v1", "v1-next", "v10", "latest");
const own = fc.oneof(
  hex.map((digest) => `_layers/sha256/${digest}/link`),
  hex.map((digest) => `_manifests/revisions/sha256/${digest}/link`),
  fc.tuple(tag, hex).map(([name, digest]) => `_manifests/tags/${name}/index/sha256/${digest}/link`),
  tag.map((name) => `_manifests/tags/${name}/current/link`),
  fc
    .tuple(tag, fc.constantFrom("a", "current/", "current/link.tmp", "index/", "z"))
    .map(([name, end]) => `_manifests/tags/${name}/${end}`),
  fc.constantFrom(
    "_uploads/u/data",
    "_uploads/u/startedat",
    "_layers/",
    "_layers/sha256/x/link",
    "_manifests/tags//current/link",
    "x",
  ),
);
const key = fc
  .tuple(fc.constantFrom("app", "app-web", "app/web", "x"), own)
  .map(([name, path]) => `${V2}/repositories/${name}/${path}`);
/** How many objects in a hundred do not hold what their path says, and how many keys there are to a page. */
const bucket = fc.record({
  keys: fc.uniqueArray(key, { minLength: 1, maxLength: 40 }),
  odd: fc.array(fc.nat({ max: 9 })),
  perPage: fc.integer({ min: 1, max: 9 }),
});

function pageOf(keys: readonly string[], odd: readonly number[]): Buffer {
  const objects = keys.map((name, i) => {
    // A tag names what its history has last.
    const last = keys.findLast((other) => other.startsWith(name.replace("/current/link", "/index/"))) ?? name;
    const digest = /([0-9a-f]{64})\/link$/.exec(last)?.[1] ?? "";
    const isOdd = odd[i] === 0;
    const etag = crypto.hash("md5", isOdd ? "odd" : `sha256:${digest}`, "hex");
    const size = odd[i] === 1 ? 70 : 71;
    return `<Contents><Key>${name}</Key><LastModified>2024-01-02T03:04:0${i % 10}Z</LastModified><ETag>"${etag}"</ETag><Size>${size}</Size></Contents>`;
  });
  return Buffer.from(`<ListBucketResult><IsTruncated>false</IsTruncated>${objects.join("")}</ListBucketResult>`);
}

test("what is read from bytes comes to what is read object by object", async () => {
  const reader = new BucketReader(optionsFor({ endpoint: "http://127.0.0.1:9" }));
  const read = (): RepositoryReader => new RepositoryReader(new FakeLinks(reader, false), 0);
  await fc.assert(
    fc.asyncProperty(bucket, async ({ keys, odd, perPage }) => {
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      const [scanning, plain] = [read(), read()];
      for (let at = 0; at < sorted.length; at += perPage) {
        const { objects } = readPage(pageOf(sorted.slice(at, at + perPage), odd));
        expect(objects).toBeInstanceOf(ScannedObjects);
        const isLast = at + perPage >= sorted.length;
        expect(await scanning.read(objects, isLast)).toEqual(await plain.read([...objects], isLast));
      }
    }),
    { numRuns: 100 },
  );
  reader.close();
});

test("nearly all keys are read from bytes", async () => {
  onTestFinished(() => void vi.restoreAllMocks());
  const [links, tags] = [vi.spyOn(SoundKeys.prototype, "link"), vi.spyOn(SoundKeys.prototype, "tag")];
  const reader = new BucketReader(optionsFor({ endpoint: "http://127.0.0.1:9" }));
  const [digest = ""] = HEXES;
  // The first of a repository's keys says where it begins.
  const keys = [
    ...HEXES.toSorted().map((layer) => `_layers/sha256/${layer}/link`),
    `_manifests/revisions/sha256/${digest}/link`,
    ...["v1", "v2"].flatMap((name) => [
      `_manifests/tags/${name}/current/link`,
      `_manifests/tags/${name}/index/sha256/${digest}/link`,
    ]),
    "_uploads/u/startedat",
  ].map((path) => `${V2}/repositories/app/${path}`);
  await new RepositoryReader(new FakeLinks(reader, false), 0).read(readPage(pageOf(keys, [])).objects, true);
  const read = [links, tags].map((spy) => spy.mock.results.flatMap(({ value }) => value ?? []));
  expect(read).toEqual([
    ["layers", "layers", "revisions"],
    ["v1", "v2"],
  ]);
  reader.close();
});
