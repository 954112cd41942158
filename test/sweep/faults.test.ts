import fs from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { pullAll } from "../support/pullable.js";
import { RegistryTree } from "../support/registry-tree.js";
import { garbageRegistry, leftIn } from "../support/sweeping.js";
import { regcheckWith, sweepEverything } from "../support/system-calls.js";
import type { Plan } from "../support/system-calls.js";
import { makeTemporaryDirectory } from "../support/temporary.js";

/** A system call that fails from some time on, and what the exit code says of it. */
interface Case {
  readonly what: string;
  readonly call: string;
  readonly path: string;
  readonly exitCode: 0 | 3 | 4 | 5;
  readonly skip?: number;
  readonly quarantine?: boolean;
}

const DURING_MARK: readonly Case[] = [
  { what: "the list of algorithms", call: "readdirSync", path: "/v2/blobs$", exitCode: 3 },
  { what: "the list of blobs' first bytes", call: "readdirSync", path: "/v2/blobs/sha256$", exitCode: 3 },
  { what: "a list of blobs", call: "readdirSync", path: "/v2/blobs/sha256/..$", exitCode: 3, skip: 5 },
  { what: "a blob's size", call: "lstatSync", path: "/v2/blobs/.*/data$", exitCode: 3, skip: 5 },
  { what: "the list of repositories", call: "readdirSync", path: "/v2/repositories$", exitCode: 3 },
  { what: "a repository", call: "readdirSync", path: "/team/app-0$", exitCode: 3 },
  { what: "a list of layer links", call: "readdirSync", path: "/team/app-0/_layers/sha256$", exitCode: 3 },
  { what: "a layer link", call: "openSync", path: "/_layers/.*/link$", exitCode: 3, skip: 3 },
  { what: "a layer link, once it is open", call: "readSync", path: "/_layers/.*/link$", exitCode: 3, skip: 3 },
  { what: "a list of revisions", call: "readdirSync", path: "/team/app-0/_manifests/revisions/sha256$", exitCode: 3 },
  { what: "a revision link", call: "openSync", path: "/revisions/.*/link$", exitCode: 3, skip: 3 },
  { what: "a list of tags", call: "readdirSync", path: "/team/app-0/_manifests/tags$", exitCode: 3 },
  { what: "what a tag names", call: "openSync", path: "/current/link$", exitCode: 3, skip: 2 },
  { what: "a tag's history", call: "readdirSync", path: "/moved/index/sha256$", exitCode: 3 },
  { what: "all that a tag that goes consists of", call: "readdirSync", path: "/tags/dangling$", exitCode: 3, skip: 1 },
  { what: "an upload", call: "readdirSync", path: "/_uploads/[^/]+$", exitCode: 3 },
  { what: "a manifest", call: "openSync", path: "/v2/blobs/.*/data$", exitCode: 3, skip: 3 },
  { what: "a manifest, once it is open", call: "readSync", path: "/v2/blobs/.*/data$", exitCode: 3, skip: 3 },
  { what: "the age of a link", call: "lstatSync", path: "/_layers/.*/link$", exitCode: 3 },
];

const BEFORE_THE_FIRST_DELETE: readonly Case[] = [
  { what: "the directory of the lock", call: "mkdirSync", path: "/regcheck$", exitCode: 4 },
  { what: "the lock", call: "writeFileSync", path: "/regcheck/lock", exitCode: 4 },
  { what: "the list of repositories, read again", call: "readdirSync", path: "/v2/repositories$", exitCode: 3, skip: 1 },
  { what: "a list of tags, read again", call: "readdirSync", path: "/team/app-0/_manifests/tags$", exitCode: 3, skip: 1 },
  { what: "the journal", call: "openSync", path: "/journal/.*ndjson$", exitCode: 4 },
  { what: "the journal's first line", call: "fsyncSync", path: "/journal/", exitCode: 4 },
];

const DURING_THE_SWEEP: readonly Case[] = [
  { what: "the storage's id, which it goes without", call: "writeFileSync", path: "/regcheck/id", exitCode: 0 },
  { what: "a line of the journal", call: "writeFileSync", path: "/journal/", exitCode: 5, skip: 3 },
  { what: "a line of the journal, to the disk", call: "fsyncSync", path: "/journal/", exitCode: 5, skip: 5 },
  { what: "the barrier", call: "fsyncSync", path: "/docker/registry/v2/", exitCode: 5 },
  { what: "a tag's history", call: "unlinkSync", path: "/index/", exitCode: 5, skip: 1 },
  { what: "a dangling tag", call: "unlinkSync", path: "/dangling/current/link$", exitCode: 5, skip: 1 },
  { what: "a revision link", call: "unlinkSync", path: "/revisions/", exitCode: 5, skip: 2 },
  { what: "a layer link", call: "unlinkSync", path: "/_layers/", exitCode: 5, skip: 2 },
  { what: "a blob", call: "unlinkSync", path: "/v2/blobs/", exitCode: 5, skip: 3 },
  { what: "an upload", call: "unlinkSync", path: "/_uploads/", exitCode: 5, skip: 1 },
  { what: "an emptied directory, which may stay", call: "rmdirSync", path: "/docker/registry/v2/", exitCode: 0, skip: 3 },
  { what: "a directory of the quarantine", call: "mkdirSync", path: "/quarantine/", exitCode: 5, skip: 3, quarantine: true },
  { what: "a move to the quarantine", call: "linkSync", path: "/v2/blobs/", exitCode: 5, skip: 3, quarantine: true },
  { what: "the end of a move", call: "unlinkSync", path: "/_layers/", exitCode: 5, skip: 3, quarantine: true },
  { what: "the lock, at the end", call: "unlinkSync", path: "/regcheck/lock$", exitCode: 5 },
];

/** Of batches that are large enough for threads; each of these passes over `skip` of its own. */
const IN_THREADS: readonly Case[] = [
  { what: "a layer link", call: "unlinkSync", path: "/_layers/", exitCode: 5, skip: 2 },
  { what: "a blob", call: "unlinkSync", path: "/v2/blobs/", exitCode: 5, skip: 2 },
  { what: "an emptied directory, which may stay", call: "rmdirSync", path: "/v2/blobs/", exitCode: 0, skip: 2 },
  {
    what: "a directory that a thread needs",
    call: "mkdirSync",
    path: "/quarantine/.*/_layers/sha256/[0-9a-f]+$",
    exitCode: 5,
    quarantine: true,
  },
  { what: "a directory that all need", call: "mkdirSync", path: "/quarantine/.*/_layers/sha256$", exitCode: 5, quarantine: true },
  { what: "a move to the quarantine", call: "linkSync", path: "/v2/blobs/", exitCode: 5, skip: 2, quarantine: true },
  { what: "the end of a move", call: "unlinkSync", path: "/_layers/", exitCode: 5, skip: 2, quarantine: true },
];

test("a full disk, which only a sweep can help, is locked all the same, if a file without content finds its place there", async () => {
  const directory = makeTemporaryDirectory();
  garbageRegistry(1).writeTo(path.join(directory, "storage"));
  const plan = { call: "writeFileSync", path: "/regcheck/lock", code: "ENOSPC", times: 1 };
  const args = sweepEverything(path.join(directory, "storage"), path.join(directory, "journal"));
  expect(await regcheckWith(plan, args)).toMatchObject({ exitCode: 0, injected: true });
  expect(await regcheckWith({ ...plan, times: 2 }, args)).toMatchObject({
    exitCode: 4,
    stderr: expect.stringContaining("cannot be locked: regcheck/lock: no space left on device") as unknown,
  });
  expect(leftIn(path.join(directory, "storage"))).toEqual([]);
  fs.rmSync(directory, { recursive: true });
});

test.each([
  ["of the storage", "/docker/registry/v2/"],
  ["of the journal", "/journal$"],
])("a network filesystem that does not sync directories %s is no reason not to sweep", async (_, where) => {
  const directory = makeTemporaryDirectory();
  garbageRegistry(1).writeTo(path.join(directory, "storage"));
  const args = sweepEverything(path.join(directory, "storage"), path.join(directory, "journal"));
  const plan = { call: "fsyncSync", path: where, code: "EINVAL" };
  expect(await regcheckWith(plan, args)).toMatchObject({ exitCode: 0, injected: true });
  fs.rmSync(directory, { recursive: true });
});

const CAUSES = [
  ["EACCES", "permission denied"],
  ["EIO", "i/o error"],
  ["ENOSPC", "no space left on device"],
  ["EMFILE", "too many open files"],
] as const;

describe.each([
  ["during the mark", DURING_MARK, 1],
  ["before the first delete", BEFORE_THE_FIRST_DELETE, 1],
  ["during the sweep", DURING_THE_SWEEP, 1],
  ["during the sweep, in its threads", IN_THREADS, 3],
] as const)("a fault %s: less is removed, never anything else, and the exit code says so", (_, cases, threads) => {
  const before = garbageRegistry(threads === 1 ? 3 : 8);
  const pullable = new Map([...pullAll(before)].filter(([, content]) => content !== undefined));
  let whole: ReadonlySet<string>;

  /** Runs a sweep. Returns what it has removed, with its exit code. */
  async function sweepWith(plan: Plan, quarantine = false) {
    const base = makeTemporaryDirectory();
    const directory = path.join(base, "storage");
    before.writeTo(directory);
    const more = ["--concurrency", String(threads), ...(quarantine ? ["--quarantine"] : [])];
    const run = await regcheckWith(plan, sweepEverything(directory, path.join(base, "journal"), ...more));
    const after = RegistryTree.readFrom(directory);
    const removed = new Set([...before.files.keys()].filter((file) => !after.files.has(file)));
    const pulls = new Map([...pullAll(after)].filter(([, content]) => content !== undefined));
    fs.rmSync(base, { recursive: true });
    return { ...run, removed, pulls };
  }

  beforeAll(async () => {
    const { removed, exitCode } = await sweepWith({ call: "openSync", path: "nowhere", code: "" });
    if (exitCode !== 0) throw new Error("a sweep without a fault failed");
    whole = removed;
  });

  test.each(cases)("$what ($call)", async ({ call, path: where, skip = 0, quarantine, exitCode }) => {
    await Promise.all(
      CAUSES.map(async ([code, cause]) => {
        const run = await sweepWith({ call, path: where, code, skip }, quarantine);
        const injected = threads === 1 ? run.injected : run.injectedInThread;
        expect({ injected, exitCode: run.exitCode }, `${code} ${run.stderr}`).toEqual({ injected: true, exitCode });
        expect([...run.removed].filter((file) => !whole.has(file))).toEqual([]);
        expect(run.pulls).toEqual(pullable);
        // Refused or incomplete: nothing at all.
        expect(exitCode === 3 || exitCode === 4 ? run.removed.size : 0).toBe(0);
        expect(run.stderr + run.stdout).toContain(exitCode === 0 ? "" : cause);
        expect(run.stderr).not.toContain("this is a bug");
      }),
    );
  });
});
