import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { mountOf, mountPoints, mountPointsBelow } from "#regcheck/storage/filesystem/mounts.js";
import { temporaryDirectory } from "../../support/temporary.js";

test("mount points are read as the system writes them, whatever their names and the fields behind them", () => {
  const mountinfo = [
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard",
    String.raw`65 27 254:0 /from\040here /srv/the\040registry/\011tab\012line\134040 rw shared:7 master:1 - ext4 /dev/vda rw`,
    String.raw`66 27 0:40 / /srv/regístry\0407 rw - fuse.sshfs me@host:/a\040b rw`,
    "",
  ].join("\n");
  expect(mountPoints(mountinfo)).toEqual(["/", "/srv/the registry/\ttab\nline\\040", "/srv/regístry 7"]);
});

test("what is no list of mounts has no mount points", () => {
  expect(mountPoints("")).toEqual([]);
  expect(mountPoints("27 1 254:0\n\n")).toEqual([]);
});

test.runIf(process.platform === "linux")("the system's own mounts are seen", () => {
  expect(mountPointsBelow("/")).toContain("/proc");
  expect(mountPointsBelow("/pro")).not.toContain("/proc");
  expect(mountOf("/proc/self")).not.toBe(mountOf("/"));
  expect(mountOf("/proc/self/status")).toBe(mountOf("/proc"));
});

test("all below a directory on which nothing is mounted is on its mount", () => {
  const directory = temporaryDirectory();
  fs.mkdirSync(path.join(directory, "a"));
  fs.writeFileSync(path.join(directory, "a/file"), "");
  expect(mountOf(path.join(directory, "a/file"))).toBe(mountOf(directory));
  expect(mountPointsBelow(directory)).toEqual([]);
});
