import { EventEmitter, once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { changeUnderGuard } from "#regcheck/guard/change-under-guard.js";
import type { GuardedChange, JudgedPlan } from "#regcheck/guard/change-under-guard.js";
import { withLock } from "#regcheck/guard/lock.js";
import type { StorageChanges } from "#regcheck/storage/changes.js";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { S3Changes } from "#regcheck/storage/s3/changes.js";
import { optionsFor, startedServer } from "../support/s3-bucket.js";
import { temporaryDirectory } from "../support/temporary.js";

interface Place {
  /** As another process opens it. */
  readonly open: () => StorageChanges;
  /** What an operator does to the lock of a run on another host. */
  readonly removeLock: () => void;
}

function directory(): Place {
  const root = fs.realpathSync(temporaryDirectory());
  fs.mkdirSync(path.join(root, "docker"));
  return { open: () => new FilesystemChanges(root), removeLock: () => fs.unlinkSync(path.join(root, "regcheck/lock")) };
}

async function bucket(versioned: boolean): Promise<Place> {
  const server = await startedServer({ buckets: [{ name: "b", versioned }] });
  const open = () => {
    const changes = new S3Changes(optionsFor(server), 20);
    onTestFinished(() => changes.close());
    return changes;
  };
  return { open, removeLock: () => server.remove("b", "regcheck/lock") };
}

const PLACES: readonly (readonly [string, () => Place | Promise<Place>])[] = [
  ["a directory", directory],
  ["a bucket", () => bucket(false)],
  ["a bucket with versions", () => bucket(true)],
];

/** A run that holds the lock until it is told to end. */
async function held({ open }: Place, what: string) {
  const events = new EventEmitter();
  const [begun, ended] = [once(events, "begun"), once(events, "ended")];
  const run = withLock(open(), "here", what, async (lock) => {
    events.emit("begun");
    await ended;
    return (await lock.judge()).evidence;
  });
  await Promise.race([begun, run]);
  return {
    end: () => {
      events.emit("ended");
      return run;
    },
  };
}

const locking = ({ open }: Place): Promise<unknown> => withLock(open(), "here", "sweep", async () => "at work");

test("a lock says whose it is, as every version reads it, what the number of the process is a number of, and when that began", async () => {
  const at = directory();
  const run = await held(at, "sweep");
  expect(JSON.parse(Buffer.from((await at.open().read("regcheck/lock")) ?? "").toString())).toEqual({
    host: os.hostname(),
    pid: process.pid,
    bootId: fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    pidNamespace: fs.readlinkSync("/proc/self/ns/pid"),
    startTicks: expect.any(Number) as unknown,
    timeNamespace: fs.readlinkSync("/proc/self/ns/time"),
    startedAt: expect.any(String) as unknown,
    command: "sweep",
  });
  await run.end();
});

describe.each(PLACES)("the lock of %s", (_, place) => {
  test("goes with its run, and without a word", async () => {
    const at = await place();
    expect(await (await held(at, "sweep")).end()).toEqual({ result: "no other regcheck is at work", lockLeft: undefined });
    expect(await (await held(at, "sweep")).end()).toMatchObject({ lockLeft: undefined });
  });

  test("that was taken from its run and is the next one's stays, and both say so", async () => {
    const at = await place();
    const first = await held(at, "sweep");
    at.removeLock();
    const second = await held(at, "purge");
    expect(await first.end()).toEqual({
      result: expect.stringMatching(
        /^the lock of this run was removed while it was at work, it is of a run of purge on /,
      ) as unknown,
      lockLeft:
        "the sweep has come to its end, but its lock on here was removed while it was at work, another run has it now, and keeps it: another run may have been at work at the same time",
    });
    await expect(locking(at)).rejects.toThrow("here is locked by a run of purge");
    expect(await second.end()).toMatchObject({ lockLeft: undefined });
    expect(await locking(at)).toMatchObject({ result: "at work" });
  });

  test("that is gone is told of", async () => {
    const at = await place();
    const run = await held(at, "sweep");
    at.removeLock();
    expect(await run.end()).toEqual({
      result: "the lock of this run was removed while it was at work, it is gone",
      lockLeft: expect.stringContaining("was removed while it was at work, it is gone: another run may have been") as unknown,
    });
  });

  test("of another run outlives the error of one that has lost its own", async () => {
    const at = await place();
    const failing = withLock(at.open(), "here", "sweep", async () => {
      at.removeLock();
      await at.open().create("regcheck/lock", Buffer.from("another's"));
      throw new Error("EIO");
    });
    await expect(failing).rejects.toThrow("EIO");
    expect(await at.open().read("regcheck/lock")).toEqual(Buffer.from("another's"));
  });
});

test("a change whose lock is lost while it is planned is not made", async () => {
  const root = fs.realpathSync(temporaryDirectory());
  fs.mkdirSync(path.join(root, "docker/registry/v2/blobs"), { recursive: true });
  const storage = FilesystemStorage.open(root, { concurrency: 1 });
  onTestFinished(() => storage.close());
  let isPerformed = false;
  const change: GuardedChange<JudgedPlan, void> = {
    work: "sweep",
    writers: undefined,
    signal: new AbortController().signal,
    plan: async () => {
      fs.writeFileSync(path.join(root, "regcheck/lock"), "another's");
      return { verdicts: [] };
    },
    perform: async () => void (isPerformed = true),
  };
  const changing = changeUnderGuard({ storage, changes: new FilesystemChanges(root) }, change);
  await expect(changing).rejects.toMatchObject({ exitCode: 4, message: expect.stringContaining("one-at-a-time") as unknown });
  expect(isPerformed).toBe(false);
  expect(fs.readFileSync(path.join(root, "regcheck/lock"), "utf8")).toBe("another's");
});
