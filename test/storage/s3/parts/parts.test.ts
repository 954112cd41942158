import fs from "node:fs";
import path from "node:path";
import { describe, expect, test, vi } from "vitest";
import { MAGIC_OF_ALL_VERSIONS } from "#regcheck/storage/s3/cache-format.js";
import { ManifestCache } from "#regcheck/storage/s3/manifest-cache.js";
import { mergeParts } from "#regcheck/storage/s3/parts/merge-parts.js";
import { placeIn } from "#regcheck/storage/s3/parts/part.js";
import { beginPart, finishPart, partFolder } from "#regcheck/storage/s3/parts/part-folder.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { RegistryBuilder, sha256 } from "../../../support/builder.js";
import { optionsFor, startedServer, store } from "../../../support/s3-bucket.js";
import type { S3Server } from "../../../support/s3-server/index.js";
import { temporaryDirectory } from "../../../support/temporary.js";
import { reportOf } from "../../suite.js";

const STORAGE = { location: "s3://b", server: undefined };

/** Images, an index and a signature; some in several repositories, one nested, one without any. */
function registry(images: number): RegistryBuilder {
  const builder = new RegistryBuilder();
  const team = builder.repository("team");
  const app = builder.repository("team/app");
  const lone = builder.repository("7zip");
  for (let i = 0; i < images; i++) {
    app.image({ layers: [`layer ${i}`], tag: `v${i}` });
    if (i % 3 === 0) team.image({ layers: [`layer ${i}`], tag: `v${i}` });
    if (i % 5 === 0) lone.image({ layers: [`other ${i}`] });
  }
  return builder;
}

async function bucketWith(builder: RegistryBuilder): Promise<S3Server> {
  const server = await startedServer();
  store(server, builder.tree);
  return server;
}

/** Reads a part as the command does. */
async function readPart(server: S3Server, directory: string, part: number, parts: number) {
  const storage = new S3Storage(optionsFor(server));
  const folder = partFolder(directory, { part, parts });
  const cache = ManifestCache.open(folder.directory);
  beginPart(folder, STORAGE);
  const read = await storage.readPart(cache, folder, () => {});
  cache.close();
  if (read.faults.length === 0) finishPart(folder, STORAGE, read.read + read.known);
  await storage.close();
  return read;
}

async function readParts(server: S3Server, directory: string, parts: number): Promise<void> {
  for (let part = 0; part < parts; part++) await readPart(server, directory, part, parts);
}

const blobGets = (server: S3Server): readonly string[] =>
  server.log
    .filter(({ operation, key }) => operation === "GetObject" && key.includes("/blobs/"))
    .map(({ key }) => key)
    .sort();

describe("parts of the manifests", () => {
  test("read each manifest once, and a check with the merged cache reads none", async () => {
    const server = await bucketWith(registry(40));
    const expected = await reportOf(new S3Storage(optionsFor(server)));
    const read = new Set(blobGets(server));
    const directory = temporaryDirectory();
    server.forget();
    await readParts(server, directory, 4);
    expect(blobGets(server)).toEqual([...read].sort());
    const merged = await mergeParts(directory, STORAGE);
    expect(merged).toMatchObject({ parts: 4, manifests: read.size });
    server.forget();
    expect(await reportOf(new S3Storage(optionsFor(server, { cache: directory })))).toEqual(expected);
    expect(server.requests["GetObject"] ?? 0).toBe(0);
  });

  test("list no layer links, tags or blobs", async () => {
    const server = await bucketWith(registry(10));
    await readPart(server, temporaryDirectory(), 1, 3);
    // The repositories' directory, three repositories and what they have; and the links of each.
    expect(server.requests["ListObjectsV2"]).toBe(1 + 3 + 3);
  });

  test("a part lists its own links alone, over pages", async () => {
    const builder = new RegistryBuilder();
    const app = builder.repository("app");
    for (let i = 0; i < 2500; i++) {
      const digest = sha256(`${i}`);
      app.link(app.revisionLink(digest), digest);
    }
    const server = await bucketWith(builder);
    const listings = [];
    const found = [];
    for (let part = 0; part < 4; part++) {
      server.forget();
      found.push((await readPart(server, temporaryDirectory(), part, 4)).damaged);
      listings.push(server.requests["ListObjectsV2"]);
    }
    expect(found.reduce((sum, count) => sum + count)).toBe(2500);
    expect(listings).toEqual([3, 3, 3, 3]);
  });

  test.each([1, 2, 3, 7, 16, 4096])("%d parts have every digest once", (parts) => {
    const digests = ["0", "f", "7f", "80", "55", "aa", "123456789abc", "fffffffffffe"].map((hex) => hex.padEnd(64, hex));
    for (const hex of digests) {
      const places = Array.from({ length: parts }, (_, part) => placeIn({ part, parts }, hex));
      expect(places.filter((place) => place === 0)).toHaveLength(1);
      expect(places).toEqual([...places].sort((a, b) => b - a));
    }
  });

  test("a part that is begun again reads only what it had not", async () => {
    const server = await bucketWith(registry(20));
    const directory = temporaryDirectory();
    const first = await readPart(server, directory, 0, 2);
    const again = await readPart(server, directory, 0, 2);
    expect(again).toMatchObject({ read: 0, known: first.read });
  });

  test("what cannot be listed or read leaves the part unfinished", async () => {
    for (const operation of ["ListObjectsV2", "GetObject"]) {
      const server = await bucketWith(registry(5));
      const directory = temporaryDirectory();
      server.inject({ operation, key: /revisions|blobs/, effect: { kind: "error", status: 403, code: "AccessDenied" } });
      const { faults } = await readPart(server, directory, 0, 1);
      expect(faults[0]?.cause).toContain("AccessDenied");
      await expect(mergeParts(directory, STORAGE)).rejects.toThrow(/part 0\/1 was not finished/);
    }
  });

  test.each([
    ["truncated-without-token", "repositories/$"],
    ["repeated-token", "repositories/$"],
    ["truncated-without-token", "revisions"],
    ["repeated-token", "revisions"],
  ] as const)("a listing that contradicts itself (%s, %s) leaves the part unfinished", async (kind, key) => {
    const server = await bucketWith(registry(5));
    const directory = temporaryDirectory();
    server.inject({ operation: "ListObjectsV2", key: new RegExp(key), times: 5, effect: { kind } });
    const { faults } = await readPart(server, directory, 0, 1);
    expect(faults[0]?.cause).toMatch(/not where|repeats a continuation token/);
    await expect(mergeParts(directory, STORAGE)).rejects.toThrow(/part 0\/1 was not finished/);
  });

  test("a disk that fails ends the part at once, not when all is read", async () => {
    const server = await bucketWith(registry(40));
    const directory = temporaryDirectory();
    const cache = ManifestCache.open(directory);
    const storage = new S3Storage(optionsFor(server, { concurrency: 1 }));
    const failure = new Error("ENOSPC: no space left on device, write");
    cache.throwFailure = () => {
      throw failure;
    };
    await expect(storage.readPart(cache, { part: 0, parts: 1 }, () => {})).rejects.toBe(failure);
    expect(blobGets(server)).toHaveLength(1);
    await storage.close();
  });
});

describe("the merge", () => {
  async function finished(parts = 3): Promise<string> {
    const server = await bucketWith(registry(20));
    const directory = temporaryDirectory();
    await readParts(server, directory, parts);
    return directory;
  }

  const segmentOf = (directory: string, part: number, parts = 3): string => {
    const folder = path.join(directory, `part-${part}-of-${parts}`);
    const name = fs.readdirSync(folder).find((file) => file.endsWith(".manifests")) ?? "";
    return path.join(folder, name);
  };

  test("keeps what the cache had, and removes the parts", async () => {
    const server = await bucketWith(registry(20));
    const directory = temporaryDirectory();
    await readParts(server, directory, 2);
    const { manifests } = await mergeParts(directory, STORAGE);
    await readParts(server, directory, 3);
    expect(await mergeParts(directory, STORAGE)).toMatchObject({ parts: 3, manifests });
    expect(fs.readdirSync(directory)).toHaveLength(1);
  });

  test("names what is missing, unfinished, or of another division", async () => {
    const directory = await finished(12);
    await expect(mergeParts(temporaryDirectory(), STORAGE)).rejects.toThrow("there is no part in it");
    await expect(mergeParts(path.join(directory, "nowhere"), STORAGE)).rejects.toThrow("there is no part in it");
    fs.rmSync(path.join(directory, "part-3-of-12"), { recursive: true });
    fs.rmSync(path.join(directory, "part-10-of-12/part.json"));
    await expect(mergeParts(directory, STORAGE)).rejects.toThrow(
      "there is no part 3/12, and part 10/12 was not finished: run regcheck manifests --part for each of these",
    );
    for (let part = 0; part < 11; part++) fs.rmSync(path.join(directory, `part-${part}-of-12`), { recursive: true, force: true });
    await expect(mergeParts(directory, STORAGE)).rejects.toThrow(
      "there is no part 0/12, 1/12, 2/12, 3/12, 4/12, 5/12, 6/12, 7/12, 8/12, 9/12 and 1 more",
    );
    fs.mkdirSync(path.join(directory, "part-0-of-4"));
    await expect(mergeParts(directory, STORAGE)).rejects.toThrow("part-0-of-4 and part-11-of-12 are of different divisions");
  });

  test("refuses parts of another storage", async () => {
    const directory = await finished();
    await expect(mergeParts(directory, { location: "s3://other", server: "s3.example.com:9000" })).rejects.toThrow(
      `${directory}/part-0-of-3 is a part of s3://b, not of s3://other on s3.example.com:9000`,
    );
    const folder = partFolder(directory, { part: 1, parts: 3 });
    expect(() => beginPart(folder, { location: "s3://other", server: undefined })).toThrow(
      `${directory}/part-1-of-3 is a part of s3://b, not of s3://other`,
    );
  });

  test("names a file that is cut short, gone or damaged, and changes nothing", async () => {
    const directory = await finished();
    const file = segmentOf(directory, 1);
    const sound = fs.readFileSync(file);
    const before = fs.readdirSync(directory);
    const expectRefused = async (why: string): Promise<void> => {
      await expect(mergeParts(directory, STORAGE)).rejects.toThrow(`${file} ${why}`);
      expect(fs.readdirSync(directory)).toEqual(before);
    };
    fs.writeFileSync(file, sound.subarray(0, 300));
    await expectRefused(
      `has 300 bytes instead of ${sound.length}: it is cut short or was changed; run regcheck manifests --part 1/3`,
    );
    for (const at of [5, 40, 200, sound.length - 100, sound.length - 1]) {
      const damaged = Buffer.from(sound);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      fs.writeFileSync(file, damaged);
      await expectRefused("is damaged, or was written by another version of regcheck: remove it, and run");
    }
    fs.rmSync(file);
    await expectRefused("is missing: run regcheck manifests --part 1/3 again");
    const partFile = path.join(directory, "part-1-of-3/part.json");
    const text = fs.readFileSync(partFile, "utf8");
    fs.writeFileSync(partFile, text.slice(0, -20));
    await expect(mergeParts(directory, STORAGE)).rejects.toThrow(`${partFile}: it is cut short, or not what`);
    fs.writeFileSync(partFile, text.replace('"part": 1', '"part": 2'));
    await expect(mergeParts(directory, STORAGE)).rejects.toThrow(`${partFile} is part 2/3, which its folder does not say`);
  });

  test("is refused where the cache may not be so large", async () => {
    await expect(mergeParts(await finished(), STORAGE, { mostBytes: 100 })).rejects.toThrow("more than --cache-size");
  });

  /** Merges, and is killed at the removal number `at`, half of which is done; whether it came so far. */
  async function killedAt(directory: string, at: number): Promise<boolean> {
    const { rmSync } = fs;
    const killed = new Error("killed");
    let removals = 0;
    const spy = vi.spyOn(fs, "rmSync").mockImplementation((file, options) => {
      if (++removals !== at) return rmSync(file, options);
      const [first] = fs.statSync(file).isDirectory() ? fs.readdirSync(file) : [];
      if (first !== undefined) rmSync(path.join(String(file), first));
      throw killed;
    });
    const failure = await mergeParts(directory, STORAGE).then(
      () => undefined,
      (error: unknown) => error,
    );
    spy.mockRestore();
    if (failure !== undefined && failure !== killed) throw failure;
    return failure === killed;
  }

  test("killed at any removal, it is run again", async () => {
    const server = await bucketWith(registry(20));
    const directory = temporaryDirectory();
    await readParts(server, directory, 2);
    const expected = { parts: 3, manifests: (await mergeParts(directory, STORAGE)).manifests };
    // Of what the cache had, three parts, and the marker.
    for (const at of [1, 2, 3, 4, 5]) {
      await readParts(server, directory, 3);
      expect(await killedAt(directory, at)).toBe(true);
      expect(await mergeParts(directory, STORAGE)).toMatchObject(expected);
      expect(fs.readdirSync(directory)).toEqual([expect.stringMatching(/\.manifests$/)]);
    }
    await readParts(server, directory, 3);
    expect(await killedAt(directory, 6)).toBe(false);
  });

  test("killed, it is not taken for that of another storage, and leaves a part alone that was read again", async () => {
    const server = await bucketWith(registry(20));
    const directory = temporaryDirectory();
    await readParts(server, directory, 3);
    expect(await killedAt(directory, 2)).toBe(true);
    await expect(mergeParts(directory, { location: "s3://other", server: undefined })).rejects.toThrow(
      "is of a merge of s3://b, not of s3://other",
    );
    await readPart(server, directory, 0, 3);
    await expect(mergeParts(directory, STORAGE)).rejects.toThrow("there is no part 1/3, 2/3");
    expect(fs.readdirSync(directory)).toContain("part-0-of-3");
  });

  test("a part that another version had begun is read again, and its segments are not merged", async () => {
    const server = await bucketWith(registry(20));
    const directory = await finished();
    const old = segmentOf(directory, 1);
    const content = fs.readFileSync(old);
    content[MAGIC_OF_ALL_VERSIONS.length] = "0".charCodeAt(0);
    fs.writeFileSync(old, content);
    await expect(mergeParts(directory, STORAGE)).rejects.toThrow("was written by another version of regcheck");
    expect((await readPart(server, directory, 1, 3)).read).toBeGreaterThan(0);
    expect(fs.existsSync(old)).toBe(true);
    expect(await mergeParts(directory, STORAGE)).toMatchObject({ parts: 3 });
    expect(fs.readdirSync(directory)).toHaveLength(1);
  });

  test("stops at a signal with nothing lost", async () => {
    const directory = await finished();
    await expect(mergeParts(directory, STORAGE, { signal: AbortSignal.abort(new Error("stopped")) })).rejects.toThrow("stopped");
    expect(await mergeParts(directory, STORAGE)).toMatchObject({ parts: 3 });
  });
});
