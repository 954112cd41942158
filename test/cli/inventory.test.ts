import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { RepositoryBuilder, sha256 } from "../support/builder.js";
import { buildFixture } from "../support/fixture.js";
import { entriesOf, inventoryFiles, writeInventory } from "../support/inventory.js";
import type { InventoryEntry, InventoryShape } from "../support/inventory.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import type { S3Server } from "../support/s3-server/index.js";
import { garbageRegistry } from "../support/sweeping.js";
import { readExportFile } from "../support/tables.js";
import { temporaryDirectory } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };
const AS_OF = Date.parse("2026-11-26T01:00:00Z");

interface Json {
  readonly complete: boolean;
  readonly notices: readonly string[];
  readonly verdicts?: readonly { readonly rule: string }[];
  readonly policy: { readonly grace: number };
  readonly findings: readonly { readonly code: string; readonly path: string; readonly message: string }[];
  readonly storageRequests: Readonly<Record<string, number>>;
}

function loop(): string {
  const link = path.join(temporaryDirectory(), "loop");
  fs.symlinkSync(link, link);
  return link;
}

/** The folder of a configuration whose only inventory has a directory of the manifest's name. */
function directoryForManifest(): string {
  const folder = path.join(temporaryDirectory(), "weekly");
  fs.mkdirSync(path.join(folder, "2026-11-20T01-00Z/manifest.json"), { recursive: true });
  fs.writeFileSync(path.join(folder, "2026-11-20T01-00Z/manifest.checksum"), "");
  return folder;
}

async function filled(tree = buildFixture()): Promise<S3Server> {
  const server = await startedServer({ buckets: ["b", "inv"] });
  store(server, tree);
  return server;
}

/** An inventory of the fixture on the disk; `change` may damage its files. */
function inventory(
  shape: InventoryShape = {},
  change: (files: Map<string, Buffer>) => void = () => {},
  entries: readonly InventoryEntry[] = entriesOf(buildFixture()),
): string {
  const files = inventoryFiles(entries, shape);
  change(files);
  return writeInventory(temporaryDirectory(), files);
}

async function checked(server: S3Server, named: string, ...more: string[]) {
  const args = ["s3://b", "--endpoint", server.endpoint, "--inventory", named, "--inventory-age", "99999d", "--format", "json"];
  const run = await regcheck([...args, ...more], KEYS);
  return { ...run, report: (run.stdout === "" ? undefined : JSON.parse(run.stdout)) as Json | undefined };
}

/** More than fits into small files. */
function manyEntries(): InventoryEntry[] {
  const links = "docker/registry/v2/repositories/app/_layers/sha256";
  return Array.from({ length: 2000 }, (_, i) => ({
    key: `${links}/${sha256(Buffer.from(String(i))).slice("sha256:".length)}/link`,
    size: 71,
    modified: AS_OF / 1000,
    etag: "",
  }));
}

/** A run that can write no file of more than so many kilobytes. */
function regcheckWithin(kilobytes: number, args: readonly string[], environment: Readonly<Record<string, string>>) {
  const program = path.resolve(import.meta.dirname, "../../dist/program/main.js");
  const words = ["-c", `ulimit -f ${kilobytes}; exec "$0" "$@"`, process.execPath, program, ...args];
  const child = spawn("bash", words, { env: { PATH: process.env["PATH"], ...environment }, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve) => child.on("close", (exitCode) => resolve({ exitCode, stderr })));
}

const named = (report: Json | undefined): string[] | undefined =>
  report?.findings.map(({ code, path: file }) => `${code} ${file}`).sort();

describe("--inventory", () => {
  test("gives the findings of the live listing without a LIST but for multipart uploads and what regcheck keeps there", async () => {
    const server = await filled();
    const live = JSON.parse((await regcheck(["s3://b", "--endpoint", server.endpoint, "--format", "json"], KEYS)).stdout) as Json;
    server.forget();
    const { report, exitCode, stderr } = await checked(server, inventory());
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "" });
    expect(named(report)).toEqual(named(live));
    const lists = server.log.filter(({ operation }) => operation === "ListObjectsV2").map(({ prefix }) => prefix);
    expect(lists).toEqual(["regcheck/"]);
    expect(report?.notices).toEqual([expect.stringContaining("This is as of 2026-11-26T01:00:00.000Z, by the inventory ")]);
    expect(report?.policy.grace).toBe(24 * 3600);
  });

  test("is found in a bucket, by its manifest or by the folder of its configuration: the newest whole one", async () => {
    const server = await filled();
    const put = (files: ReadonlyMap<string, Buffer>): void => {
      for (const [key, content] of files) server.put("inv", key, content);
    };
    put(inventoryFiles(entriesOf(buildFixture()), { folder: "2026-11-26T01-00Z" }));
    const unfinished = inventoryFiles([], { folder: "2026-11-27T01-00Z", sourceBucket: "unfinished" });
    for (const [key, content] of unfinished) if (key.endsWith("manifest.json")) server.put("inv", key, content);
    for (const name of ["2026-11-26T01-00Z/manifest.json", "", "/"]) {
      const address = `s3://inv/inventories/b/weekly${name === "" || name === "/" ? name : `/${name}`}`;
      const { report } = await checked(server, address);
      expect(report?.complete).toBe(true);
      expect(report?.notices[0]).toContain("s3://inv/inventories/b/weekly/2026-11-26T01-00Z/manifest.json");
    }
  });

  test.each([
    ["there is no such bucket", "s3://other/weekly", undefined],
    ["access denied: reading needs s3:ListBucket", "s3://inv/weekly", "ListObjectsV2"],
    ["AccessDenied: access denied, these credentials need s3:GetObject", "s3://inv/manifest.json", "GetObject"],
  ] as const)("of a bucket that cannot be read: %s, exit 2", async (says, name, operation) => {
    const server = await filled();
    if (operation !== undefined)
      server.inject({ operation, bucket: "inv", times: Infinity, effect: { kind: "error", status: 403, code: "AccessDenied" } });
    const { exitCode, stderr } = await checked(server, name);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringContaining(`--inventory ${name}: ${says}`) as string,
    });
  });

  test.each([
    [
      "a wrong MD5",
      /\.parquet$/,
      (content: Buffer) => Buffer.from(content.map((byte, i) => (i === 9 ? byte ^ 1 : byte))),
      "its MD5 is not",
    ],
    ["a file that is cut short", /\.parquet$/, (content: Buffer) => content.subarray(0, -9), "bytes instead of the"],
    ["a missing file", /\.parquet$/, () => undefined, "it is missing"],
  ])("%s makes the scan incomplete: exit 3", async (_, which, damage, says) => {
    const server = await filled();
    const folder = inventory({ files: 2 }, (files) => {
      const key = [...files.keys()].find((name) => which.test(name)) ?? "";
      const damaged = damage(files.get(key) ?? Buffer.alloc(0));
      if (damaged === undefined) files.delete(key);
      else files.set(key, damaged);
    });
    const { report, exitCode } = await checked(server, folder);
    expect(exitCode).toBe(3);
    expect(report?.complete).toBe(false);
    expect(report?.findings.find(({ code }) => code === "storage-unreadable")?.message).toContain(says);
  });

  test("a key that is named twice makes the scan incomplete, be it a blob's or a link's", async () => {
    const server = await filled();
    const entries = entriesOf(buildFixture());
    for (const kind of ["/blobs/", "/_layers/"]) {
      const twice = entries.find(({ key }) => key.includes(kind));
      const { exitCode } = await checked(server, inventory({}, undefined, [...entries, ...(twice === undefined ? [] : [twice])]));
      expect(exitCode).toBe(3);
    }
  });

  test.each([
    ["ORC", { format: "ORC" }, "its files are ORC, which regcheck does not read: configure the inventory as Parquet"],
    ["another bucket's", { sourceBucket: "other" }, "it is of the bucket other, not of b"],
  ] as const)("%s is refused by name: exit 2", async (_, shape, says) => {
    const { exitCode, stderr, stdout } = await checked(await filled(), inventory(shape));
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(says);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("a prefix that does not cover the registry is refused", async () => {
    const only = entriesOf(buildFixture()).filter(({ key }) => key.startsWith("docker/registry/v2/blobs/"));
    const { exitCode, stderr } = await checked(await filled(), inventory({}, undefined, only));
    expect(exitCode).toBe(2);
    expect(stderr).toContain("no key below docker/registry/v2/repositories: its prefix does not cover the registry");
  });

  test.each([
    ["a folder without one", () => temporaryDirectory(), "no inventory in it"],
    ["what is no manifest", () => path.join(FIXTURE, "../registry.findings.json"), "it is no JSON object"],
    ["nothing", () => "/nonexistent/manifest.json", "ENOENT"],
    ["a symbolic link to itself", () => loop(), "too many symbolic links"],
    ["a name that is too long", () => path.join(temporaryDirectory(), "x".repeat(300)), "name too long"],
    ["a directory in a manifest's place", () => directoryForManifest(), "illegal operation on a directory"],
  ])("%s is refused by name", async (_, name, says) => {
    const { exitCode, stderr } = await checked(await filled(), name());
    expect(exitCode).toBe(2);
    expect(stderr).toContain("--inventory /");
    expect(stderr).toContain(says);
  });

  test("is never swept on, and is no listing of a directory", async () => {
    const server = await filled();
    const swept = await checked(server, inventory(), "--sweep", "--registry-stopped");
    expect(swept.exitCode).toBe(2);
    expect(swept.stderr).toContain("--inventory is never swept on");
    const directory = await regcheck([FIXTURE, "--inventory", "x"]);
    expect(directory.exitCode).toBe(2);
    expect(directory.stderr).toContain("--inventory is for a bucket");
  });

  test("a stale one is said to be", async () => {
    const server = await filled();
    const args = [
      "s3://b",
      "--endpoint",
      server.endpoint,
      "--inventory",
      inventory({ created: Date.parse("2020-01-01T00:00:00Z") }),
    ];
    const { stdout } = await regcheck(args, KEYS);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain("It is older than --inventory-age");
  });

  describe("where there is no room for its rows", () => {
    const room = (directory: string): string =>
      `${directory}: file too large. Temporary files are written there: make room, or set TMPDIR to another directory`;

    test.each(["a bucket", "a directory"])(
      "says so of that place, not of the inventory, and reads no further: %s",
      async (place) => {
        const server = await filled();
        const files = inventoryFiles(manyEntries(), { files: 3 });
        for (const [key, content] of files) server.put("inv", key, content);
        const source = place === "a bucket" ? "s3://inv/inventories/b/weekly" : writeInventory(temporaryDirectory(), files);
        const directory = temporaryDirectory();
        const args = ["s3://b", "--endpoint", server.endpoint, "--inventory", source, "--inventory-age", "99999d"];
        expect(await regcheckWithin(16, args, { TMPDIR: directory, ...KEYS })).toEqual({
          exitCode: 2,
          stderr: `regcheck: ${room(directory)}\n`,
        });
        const gets = server.log.filter(({ operation, key }) => operation === "GetObject" && key.endsWith(".parquet"));
        expect(gets).toHaveLength(place === "a bucket" ? 1 : 0);
        expect(fs.readdirSync(directory)).toEqual([]);
      },
    );

    test("or the place is missing", async () => {
      const server = await filled();
      const args = ["s3://b", "--endpoint", server.endpoint, "--inventory", inventory()];
      const { exitCode, stderr } = await regcheck(args, { TMPDIR: "/no/such/place", ...KEYS });
      expect(exitCode).toBe(2);
      expect(stderr).toContain("/no/such/place: no such file or directory. Temporary files are written there");
    });
  });

  test("a rehearsal on it does not say that the links are unchanged: an inventory cannot tell", async () => {
    const tree = garbageRegistry(1);
    const server = await filled(tree);
    const options = ["--dry-run", "--max-delete", "100%", "--registry-stopped", "--journal-dir", temporaryDirectory()];
    const { report } = await checked(server, inventory({}, undefined, entriesOf(tree)), ...options);
    expect(report?.verdicts?.map(({ rule }) => rule)).toContain("can-be-recorded");
    expect(report?.verdicts?.map(({ rule }) => rule)).not.toContain("links-unchanged");
  });

  test("what has changed since is no error: what came is there, what went is gone", async () => {
    const tree = buildFixture();
    const entries = entriesOf(tree);
    const app = [...tree.files.keys()].find((file) => /library\/alpine\/_manifests\/revisions\/.*\/link$/.test(file)) ?? "";
    const digest = tree.text(app) ?? "";
    const blob = `docker/registry/v2/blobs/${digest.replace(":", "/").replace(/\/(..)/, "/$1/$1")}/data`;
    expect(digest).toMatch(/^sha256:/);
    // The image was deleted, and a layer of another one was healed.
    for (const file of [app, blob]) tree.remove(file);
    const server = await filled(tree);
    const healed = Buffer.from("healed");
    server.put("b", `docker/registry/v2/blobs/${RepositoryBuilder.directory(sha256(healed))}/data`, healed);
    const { report, exitCode } = await checked(server, inventory({}, undefined, entries));
    expect(report?.complete).toBe(true);
    expect(exitCode).toBe(1);
    expect(report?.findings.filter(({ path: file }) => file === app)).toEqual([]);
  });

  test("an export of it is as of then", async () => {
    const server = await filled();
    const out = path.join(temporaryDirectory(), "out");
    const { exitCode } = await regcheck(
      ["export", out, "s3://b", "--endpoint", server.endpoint, "--inventory", inventory({ format: "CSV" })],
      KEYS,
    );
    expect(exitCode).toBe(0);
    expect(readExportFile(out)).toMatchObject({
      asOf: new Date(AS_OF).toISOString(),
      complete: true,
      policy: { grace: 86_400, cutoff: new Date(AS_OF - 86_400_000).toISOString() },
    });
    expect(fs.existsSync(path.join(out, "blobs/part-00000.parquet"))).toBe(true);
  });
});
