import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test, vi } from "vitest";
import { Digest } from "#regcheck/registry/digest.js";
import { ManifestCache } from "#regcheck/storage/s3/manifest-cache.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import type { S3Options } from "#regcheck/storage/s3/options.js";
import { blobFile, RegistryBuilder } from "../../support/builder.js";
import { buildFixture } from "../../support/fixture.js";
import { regcheck } from "../../support/run.js";
import { bucketOf, CREDENTIALS, optionsFor, startedServer, store } from "../../support/s3-bucket.js";
import { regcheckWith } from "../../support/system-calls.js";
import { temporaryDirectory } from "../../support/temporary.js";
import { reportOf } from "../suite.js";

function digestOf(number: number): Digest {
  const digest = Digest.fromParts("sha256", crypto.hash("sha256", String(number)));
  if (digest === undefined) throw new Error("a digest");
  return digest;
}

/** Words that tell which number they are for. */
const wordsOf = (number: number): Uint32Array =>
  Uint32Array.of(0, number, 0xffffffff - number, ...Array.from({ length: number % 7 }, (_, i) => i));

function fill(directory: string, from: number, to: number): void {
  const cache = ManifestCache.open(directory);
  for (let i = from; i < to; i++) cache.add(digestOf(i), { words: wordsOf(i), bytes: 100 + i });
  cache.close();
}

/** What a new process finds: the numbers whose words are there. Words that are not what was written fail the test. */
function found(directory: string, to: number): number[] {
  const cache = ManifestCache.open(directory);
  const numbers: number[] = [];
  for (let i = 0; i < to; i++) {
    const words = cache.get(digestOf(i), 100 + i);
    if (words === undefined) continue;
    expect(words).toEqual(wordsOf(i));
    numbers.push(i);
  }
  cache.close();
  return numbers;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const segments = (directory: string): string[] => fs.readdirSync(directory).map((name) => path.join(directory, name));

describe("ManifestCache", () => {
  test("keeps what was added, over runs", () => {
    const directory = path.join(temporaryDirectory(), "not/there/yet");
    fill(directory, 0, 100);
    fill(directory, 50, 150);
    expect(found(directory, 200)).toEqual(upTo(150));
  });

  test("knows nothing of a blob that is not listed, or in another size", () => {
    const directory = temporaryDirectory();
    fill(directory, 0, 10);
    const cache = ManifestCache.open(directory);
    expect([Number.NaN, 0, 104, 106].map((bytes) => cache.get(digestOf(5), bytes))).toEqual(upTo(4).map(() => undefined));
    cache.close();
  });

  test("a run that reads nothing new writes nothing", () => {
    const directory = temporaryDirectory();
    fill(directory, 0, 10);
    const before = segments(directory);
    fill(directory, 0, 0);
    expect(segments(directory)).toEqual(before);
  });

  test("any byte that changes costs at most what it is in: nothing wrong is ever believed", () => {
    const directory = temporaryDirectory();
    fill(directory, 0, 20);
    const [file = ""] = segments(directory);
    const sound = fs.readFileSync(file);
    for (let at = 0; at < sound.length; at += 3) {
      const damaged = Buffer.from(sound);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      fs.writeFileSync(file, damaged);
      const numbers = found(directory, 20);
      // Damage of the places of blocks costs them all, damage of a block of eight those in it.
      expect([0, 12, 16]).toContain(numbers.length);
    }
  });

  test.each([0, 1, 15, 52, 60, 500, -1])("a file cut off at %d bytes is dropped or gives what is sound", (length) => {
    const directory = temporaryDirectory();
    fill(directory, 0, 20);
    const [file = ""] = segments(directory);
    const sound = fs.readFileSync(file);
    fs.writeFileSync(file, sound.subarray(0, length < 0 ? sound.length + length : length));
    expect(found(directory, 20).length).toBeLessThan(20);
    fill(directory, 0, 20);
    expect(found(directory, 20)).toEqual(upTo(20));
  });

  test("a segment of another version stays for the hosts that have that version, and goes when it is old", () => {
    const directory = temporaryDirectory();
    fill(directory, 0, 20);
    const [file = ""] = segments(directory);
    fs.writeFileSync(file, Buffer.concat([Buffer.from("regcheck-refs-0\n"), fs.readFileSync(file).subarray(16)]));
    expect(found(directory, 20)).toEqual([]);
    expect(segments(directory)).toEqual([file]);
    const old = new Date(Date.now() - 31 * 24 * 3600 * 1000);
    fs.utimesSync(file, old, old);
    expect(found(directory, 20)).toEqual([]);
    expect(segments(directory)).toEqual([]);
  });

  test("segments of another version count in the bound, and go first", () => {
    const directory = temporaryDirectory();
    fill(directory, 0, 100);
    const [other = ""] = segments(directory);
    fs.writeFileSync(other, Buffer.concat([Buffer.from("regcheck-refs-0\n"), fs.readFileSync(other).subarray(16)]));
    const old = new Date(Date.now() - 3600 * 1000);
    fs.utimesSync(other, old, old);
    fill(directory, 0, 10);
    expect(segments(directory)).toContain(other);
    ManifestCache.open(directory, fs.statSync(other).size).close();
    expect(segments(directory)).not.toContain(other);
    expect(found(directory, 10)).toEqual(upTo(10));
  });

  test("what is read in one run does not go as one where the bound is small", () => {
    const directory = temporaryDirectory();
    const cache = ManifestCache.open(directory, 400_000);
    for (let i = 0; i < 20_000; i++) cache.add(digestOf(i), { words: wordsOf(i), bytes: 100 + i });
    cache.close();
    expect(segments(directory).reduce((sum, file) => sum + fs.statSync(file).size, 0)).toBeLessThanOrEqual(400_000);
    expect(found(directory, 20_000).length).toBeGreaterThan(1000);
  });

  test("the bound holds while a run goes on, for open files too", () => {
    const directory = temporaryDirectory();
    fill(directory, 0, 100);
    const [other = ""] = segments(directory);
    fs.writeFileSync(other, Buffer.concat([Buffer.from("regcheck-refs-0\n"), fs.readFileSync(other).subarray(16)]));
    const openFiles = (): number => fs.readdirSync("/proc/self/fd").length;
    const before = openFiles();
    const cache = ManifestCache.open(directory, 400_000);
    for (let i = 0; i < 40_000; i++) {
      cache.add(digestOf(i), { words: wordsOf(i), bytes: 100 + i });
      if (i % 500 > 0) continue;
      expect(segments(directory).reduce((sum, file) => sum + fs.statSync(file).size, 0)).toBeLessThanOrEqual(400_000);
      expect(openFiles() - before).toBeLessThan(16);
    }
    expect(segments(directory)).not.toContain(other);
    const known = upTo(40_000).filter((i) => cache.get(digestOf(i), 100 + i) !== undefined);
    expect(known.length).toBeGreaterThan(1000);
    // What is not written yet is not asked for again.
    expect(known.at(-1)).toBeGreaterThan(37_000);
    cache.close();
    expect(openFiles()).toBe(before);
  });

  test("a segment that cannot be read for once stays", () => {
    const directory = temporaryDirectory();
    fill(directory, 0, 20);
    const failing = vi.spyOn(fs, "readSync").mockImplementationOnce(() => {
      throw Object.assign(new Error("ESTALE: stale file handle, read"), { code: "ESTALE", syscall: "read" });
    });
    expect(found(directory, 20)).toEqual([]);
    expect(failing).toHaveBeenCalledTimes(1);
    failing.mockRestore();
    expect(found(directory, 20)).toEqual(upTo(20));
  });

  test("what is not a segment is left alone, and in nobody's way", () => {
    const directory = temporaryDirectory();
    fill(directory, 0, 20);
    const [segment = ""] = segments(directory);
    const sound = fs.readFileSync(segment);
    const name = (number: number): string => `regcheck-00000000-0000-4000-8000-00000000000${number}.manifests`;
    const foreign: Readonly<Record<string, string | Buffer>> = {
      "mine.manifests": "mine",
      "mine.manifests.tmp": "mine",
      "copy.manifests": sound,
      [`old-${name(1)}`]: "regcheck-refs-0\n",
      [name(2)]: "a file of another program",
      [`${name(3)}.bak`]: sound,
      README: "what this directory is for",
    };
    const longAgo = new Date(0);
    for (const [file, content] of Object.entries(foreign)) {
      fs.writeFileSync(path.join(directory, file), content);
      fs.utimesSync(path.join(directory, file), longAgo, longAgo);
    }
    fs.mkdirSync(path.join(directory, "directory.manifests"));
    fs.mkdirSync(path.join(directory, name(4)));
    fs.symlinkSync("nowhere", path.join(directory, name(5)));
    const before = fs.readdirSync(directory);
    for (let run = 0; run < 3; run++) expect(found(directory, 20)).toEqual(upTo(20));
    expect(fs.readdirSync(directory)).toEqual(before);
  });

  test("what a process left unfinished goes after a day", () => {
    const directory = temporaryDirectory();
    const uuid = "00000000-0000-4000-8000-000000000000";
    const file = path.join(directory, `regcheck-${uuid}.manifests.${uuid}.tmp`);
    fs.writeFileSync(file, "");
    fill(directory, 0, 1);
    expect(fs.existsSync(file)).toBe(true);
    fs.utimesSync(file, new Date(0), new Date(0));
    fill(directory, 0, 1);
    expect(fs.existsSync(file)).toBe(false);
  });

  test("segments do not pile up", () => {
    const directory = temporaryDirectory();
    for (let run = 0; run < 40; run++) fill(directory, run * 5, run * 5 + 6);
    expect(segments(directory).length).toBeLessThanOrEqual(16);
    expect(found(directory, 201)).toEqual(upTo(201));
  });

  test("what is damaged costs its block alone", () => {
    const directory = temporaryDirectory();
    fill(directory, 0, 200);
    const [file = ""] = segments(directory);
    const damaged = fs.readFileSync(file);
    damaged[100] = (damaged[100] ?? 0) ^ 1;
    fs.writeFileSync(file, damaged);
    expect(found(directory, 200)).toHaveLength(200 - 8);
    // Joined with others, what is damaged stays behind.
    for (let run = 0; run < 20; run++) fill(directory, 200 + run, 201 + run);
    expect(found(directory, 220)).toHaveLength(220 - 8);
    fill(directory, 0, 200);
    expect(found(directory, 220)).toEqual(upTo(220));
  });

  test("the oldest segments go where all have more than the cache may have", () => {
    const directory = temporaryDirectory();
    for (let run = 0; run < 3; run++) {
      fill(directory, run * 100, run * 100 + 100);
      for (const file of segments(directory)) {
        const { mtimeMs } = fs.statSync(file);
        fs.utimesSync(file, new Date(), new Date(mtimeMs - 1000));
      }
    }
    const [bytes = 0] = segments(directory).map((file) => fs.statSync(file).size);
    ManifestCache.open(directory, 2.5 * bytes).close();
    expect(found(directory, 300)).toEqual(upTo(200).map((i) => i + 100));
    expect(segments(directory)).toHaveLength(2);
  });

  test("a bound costs the oldest alone, though small segments are joined", () => {
    const directory = temporaryDirectory();
    const begun = Date.now();
    let mostBytes = Infinity;
    for (let run = 0; run < 60; run++) {
      const cache = ManifestCache.open(directory, mostBytes);
      for (let i = run * 100; i < run * 100 + 100; i++) cache.add(digestOf(i), { words: wordsOf(i), bytes: 100 + i });
      cache.close();
      // As if the runs were a minute apart: whatever this one has written.
      for (const file of segments(directory)) {
        const { mtimeMs } = fs.statSync(file);
        if (mtimeMs >= begun) fs.utimesSync(file, new Date(), new Date(begun - (60 - run) * 60_000));
      }
      const bytes = segments(directory).reduce((sum, file) => sum + fs.statSync(file).size, 0);
      if (run === 0) mostBytes = 15.5 * bytes;
      expect(bytes).toBeLessThanOrEqual(mostBytes);
      expect(segments(directory).length).toBeLessThan(20);
    }
    const left = found(directory, 6000);
    expect(left.length).toBeGreaterThan(1000);
    expect(left).toContain(5999);
    expect(left).toContain(5000);
  });

  test("a manifest of thousands of references is kept as it is", () => {
    const directory = temporaryDirectory();
    const words = Uint32Array.from({ length: 1_000_000 }, (_, i) => i * 4000);
    const cache = ManifestCache.open(directory);
    for (let i = 0; i < 3; i++) cache.add(digestOf(i), { words, bytes: i });
    cache.close();
    const opened = ManifestCache.open(directory);
    expect(opened.get(digestOf(2), 2)).toEqual(words);
    expect(opened.has(digestOf(0)) && !opened.has(digestOf(3))).toBe(true);
    opened.close();
  });

  test("two that write at once lose nothing", () => {
    const directory = temporaryDirectory();
    for (let run = 0; run < 15; run++) fill(directory, run, run + 1);
    const [one, other] = [ManifestCache.open(directory), ManifestCache.open(directory)];
    for (let i = 20; i < 40; i++) (i % 2 === 0 ? one : other).add(digestOf(i), { words: wordsOf(i), bytes: 100 + i });
    one.close();
    expect(other.get(digestOf(3), 103)).toEqual(wordsOf(3));
    other.close();
    expect(found(directory, 50)).toEqual([...upTo(15), ...upTo(20).map((i) => i + 20)]);
  });
});

describe("a disk that fails", () => {
  test("while it is read, costs what is there, and is said at the end", () => {
    const directory = temporaryDirectory();
    fill(directory, 0, 20);
    const cache = ManifestCache.open(directory);
    const read = vi.spyOn(fs, "readSync").mockImplementation(() => {
      throw Object.assign(new Error("ESTALE: stale file handle, read"), { code: "ESTALE", syscall: "read" });
    });
    try {
      expect([cache.get(digestOf(5), 105), cache.has(digestOf(5))]).toEqual([undefined, false]);
    } finally {
      read.mockRestore();
    }
    expect(cache.get(digestOf(5), 105)).toEqual(wordsOf(5));
    expect(() => cache.close()).toThrow("ESTALE");
    expect(found(directory, 20)).toEqual(upTo(20));
  });

  test("before the run is over, stops the writing, and is said at the end", () => {
    const directory = temporaryDirectory();
    fill(directory, 0, 20);
    const cache = ManifestCache.open(directory);
    fs.rmSync(directory, { recursive: true });
    for (let i = 20; i < 100_030; i++) cache.add(digestOf(i), { words: Uint32Array.of(0), bytes: 1 });
    expect(cache.get(digestOf(5), 105)).toEqual(wordsOf(5));
    expect(() => cache.throwFailure()).toThrow("ENOENT");
    expect(() => cache.close()).toThrow("ENOENT");
    expect(fs.existsSync(directory)).toBe(false);
  });
});

describe("--cache", () => {
  test.each(["readSync", "writeFileSync"])("no failing disk ends a check (%s)", async (call) => {
    const server = await startedServer();
    store(server, buildFixture());
    const cache = temporaryDirectory();
    const environment = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };
    const args = ["s3://b", "--endpoint", server.endpoint, "--format", "csv", "--cache"];
    const sound = await regcheck([...args, temporaryDirectory()], environment);
    if (call === "readSync") await regcheck([...args, cache], environment);
    // What is read of a segment first is its head, its footer and where its blocks are.
    const plan = { call, code: "ESTALE", path: "\\.manifests", skip: call === "readSync" ? 3 : 0 };
    const { injected, exitCode, stdout, stderr } = await regcheckWith(plan, [...args, cache], environment);
    expect({ injected, exitCode, stdout }).toEqual({ injected: true, exitCode: sound.exitCode, stdout: sound.stdout });
    expect(stderr).toBe(`regcheck: warning: the cache ${cache} could not be read or written: ESTALE: injected, ${call}\n`);
    const part = ["manifests", ...args.slice(0, 3), "--cache", temporaryDirectory(), "--part", "0/1"];
    const failed = await regcheckWith({ ...plan, call: "writeFileSync", skip: 0 }, part, environment);
    expect({ injected: failed.injected, exitCode: failed.exitCode }).toEqual({ injected: true, exitCode: 2 });
  });

  test("the second run reads no manifest, and says the same", async () => {
    const server = await startedServer();
    store(server, buildFixture());
    const cache = temporaryDirectory();
    const first = await reportOf(new S3Storage(optionsFor(server, { cache })));
    const reads = server.requests["GetObject"] ?? 0;
    server.forget();
    expect(await reportOf(new S3Storage(optionsFor(server, { cache })))).toEqual(first);
    // What is damaged or missing is looked for each time, and so are links that only a GET can tell. Two blobs of a wrong size are hashed,
    // the one that is corrupt twice.
    expect(server.requests["GetObject"]).toBeLessThan(reads / 2);
    expect(server.log.filter(({ operation, key }) => operation === "GetObject" && key.includes("/blobs/"))).toHaveLength(4 + 3);
  });

  test.each(["gone", "empty", "longer"])("a manifest that is %s since it was cached is found as without a cache", async (how) => {
    const builder = new RegistryBuilder();
    const file = blobFile(builder.repository("app").image({ layers: ["a"], tag: "1" }).digest);
    builder.repository("team").image({ layers: ["b"], tag: "1" });
    const open = async (more: Partial<S3Options> = {}) => (await bucketOf(builder.tree, more)).storage;
    const cache = temporaryDirectory();
    await reportOf(await open({ cache }));
    if (how === "gone") builder.tree.remove(file);
    else builder.tree.write(file, how === "empty" ? "" : `${builder.tree.text(file) ?? ""}\n`);
    const expected = await reportOf(await open());
    expect(await reportOf(await open({ cache }))).toEqual(expected);
    expect(expected["findings"]).toContainEqual(
      expect.objectContaining({ code: how === "gone" ? "manifest-missing" : "manifest-corrupt" }),
    );
  });

  test("a manifest that arrives after the blobs were listed is read, not taken from the cache", async () => {
    const builder = new RegistryBuilder();
    builder.repository("team").image({ layers: ["b"], tag: "1" });
    const { server, storage } = await bucketOf(builder.tree);
    await storage.close();
    const file = blobFile(builder.repository("app").image({ layers: ["a"], tag: "1" }).digest);
    const cache = temporaryDirectory();
    await reportOf((await bucketOf(builder.tree, { cache })).storage);
    const late = new S3Storage(optionsFor(server, { cache }));
    const blobs = late.blobs.bind(late);
    late.blobs = async function* () {
      yield* blobs();
      store(server, builder.tree);
    };
    const { findings, complete } = await reportOf(late);
    expect({ findings, complete }).toEqual({ findings: [], complete: true });
    const gets = server.log.filter(({ operation, key }) => operation === "GetObject" && key === file);
    expect(gets).toHaveLength(1);
  });

  test("several processes at once share a directory", async () => {
    const server = await startedServer();
    store(server, buildFixture());
    const cache = temporaryDirectory();
    const environment = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };
    const args = ["s3://b", "--endpoint", server.endpoint, "--cache", cache, "--fail-on", "never"];
    const runs = await Promise.all(upTo(3).map(() => regcheck(args, environment)));
    expect(runs.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(upTo(3).map(() => ({ exitCode: 0, stderr: "" })));
  });

  test.each(["/dev/null/x", "/proc/x", "/etc/hostname"])("%s cannot be a directory, which is a mistake", async (cache) => {
    const { exitCode, stderr } = await regcheck(["s3://b", "--cache", cache]);
    expect(stderr).toMatch(new RegExp(`^regcheck: --cache ${cache}: .*\n$`));
    expect(exitCode).toBe(2);
  });
});
