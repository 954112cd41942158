import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { readLock } from "#regcheck/guard/lock-owner.js";
import { temporaryDirectory } from "../support/temporary.js";

const LOCK = new URL("../../dist/guard/lock.js", import.meta.url);
const CHANGES = new URL("../../dist/storage/filesystem/changes.js", import.meta.url);

/** A program that locks a directory, says so, and is at work until it is ended. */
const SWEEP = `
  import { withLock } from ${JSON.stringify(LOCK.href)};
  import { FilesystemChanges } from ${JSON.stringify(CHANGES.href)};
  await withLock(new FilesystemChanges(process.argv[1]), "here", "sweep", async () => {
    console.log("locked");
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  });
`;

function running(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** A process at work that has locked a directory, and what its lock says. */
async function sweeping() {
  const root = fs.realpathSync(temporaryDirectory());
  fs.mkdirSync(path.join(root, "docker"));
  const child = running(process.execPath, ["--input-type=module", "--eval", SWEEP, root]);
  if (child.stdout !== null) await once(child.stdout, "data");
  const owner = JSON.parse(fs.readFileSync(path.join(root, "regcheck/lock"), "utf8")) as Readonly<Record<string, unknown>>;
  const end = async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  return { owner, end };
}

const read = (owner: object) => readLock({ read: async () => Buffer.from(JSON.stringify(owner)) });

/** A process that has nothing to do with any lock, whose name is made to look like the fields behind it. */
function stranger(): ChildProcess {
  const program = path.join(temporaryDirectory(), ") S 1 1 (x) 1");
  fs.symlinkSync("/bin/sh", program);
  return running(program, ["-c", "read line"]);
}

describe("the process of a lock", () => {
  test("is known for as long as it is at work, and not after", async () => {
    const { owner, end } = await sweeping();
    expect(await read(owner)).toMatchObject({ process: "running", owner: { startTicks: expect.any(Number) as unknown } });
    await end();
    expect(await read(owner)).toMatchObject({ process: "gone" });
  });

  test("whose number another one has now is gone", async () => {
    const { owner, end } = await sweeping();
    await end();
    const { pid } = stranger();
    expect(await read({ ...owner, pid })).toMatchObject({ process: "gone" });
  });

  test.each([
    ["an older version", { bootId: undefined, pidNamespace: undefined, startTicks: undefined, timeNamespace: undefined }],
    ["a version that wrote no start", { startTicks: undefined, timeNamespace: undefined }],
    ["a system whose clock is another", { startTicks: 1, timeNamespace: "time:[1]" }],
    ["a system that does not say by which clock", { startTicks: 1, timeNamespace: undefined }],
    ["a system that says it otherwise", { startTicks: "1" }],
    ["a system that does not say what its numbers are of", { startTicks: 1, pidNamespace: undefined }],
  ])("in a lock of %s is taken for the one that has its number", async (_, seen) => {
    const { owner } = await sweeping();
    expect(await read({ ...owner, ...seen })).toMatchObject({ process: "running" });
  });

  test("is known by its start whatever it is called", async () => {
    const { owner } = await sweeping();
    const { pid } = stranger();
    const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(")").at(-1)?.trim().split(" ");
    const startTicks = Number(fields?.[19]);
    expect(await read({ ...owner, pid, startTicks })).toMatchObject({ process: "running" });
    expect(await read({ ...owner, pid, startTicks: startTicks + 1 })).toMatchObject({ process: "gone" });
  });
});
