import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { temporaryDirectory } from "../../support/temporary.js";

const LINK = "docker/a/link";
const OLD = Buffer.from("old");
const NEW = Buffer.from("new");

/** A storage that holds what is given, by path. */
function changed(files: Readonly<Record<string, string>> = {}) {
  const root = fs.realpathSync(temporaryDirectory());
  const at = (file: string): string => path.join(root, file);
  for (const [file, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(at(file)), { recursive: true });
    fs.writeFileSync(at(file), content);
  }
  const list = (): string[] => fs.readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  return { changes: new FilesystemChanges(root), root, at, list, text: (file: string) => fs.readFileSync(at(file), "utf8") };
}

const permissions = (file: string): number => fs.statSync(file).mode & 0o7777;
const isRoot = process.getuid?.() === 0;

describe("create", () => {
  test("makes a file and its directories, and leaves nothing else", async () => {
    const { changes, list, text } = changed();
    expect(await changes.create(LINK, NEW)).toBe("created");
    expect(list()).toEqual(["docker", "docker/a", LINK]);
    expect(text(LINK)).toBe("new");
  });

  test("overwrites nothing, not even an empty file or a broken symbolic link", async () => {
    const { changes, at, list } = changed({ [LINK]: "", "docker/b/file": "" });
    expect(await changes.create(LINK, NEW)).toBe("exists");
    expect(fs.readFileSync(at(LINK), "utf8")).toBe("");
    fs.symlinkSync("/no/such/place", at("docker/b/link"));
    expect(await changes.create("docker/b/link", NEW)).toBe("exists");
    expect(list()).toEqual(["docker", "docker/a", LINK, "docker/b", "docker/b/file", "docker/b/link"]);
  });

  test("of many at once, one has it, and its content is whole", async () => {
    const { root, text } = changed();
    const all = Array.from({ length: 8 }, (_, i) => new FilesystemChanges(root).create("lock", Buffer.from(`process ${i}`)));
    const results = await Promise.all(all);
    expect(results.filter((result) => result === "created")).toHaveLength(1);
    expect(text("lock")).toBe(`process ${results.indexOf("created")}`);
  });

  test("the registry may write what was made, whoever made it: mode and owner are those of the directory above", async () => {
    const { changes, at } = changed({ "docker/file": "" });
    fs.chmodSync(at("docker"), 0o2770);
    if (isRoot) fs.chownSync(at("docker"), 1234, 4321);
    await changes.create("docker/a/b/link", NEW);
    expect(["docker/a", "docker/a/b", "docker/a/b/link"].map((file) => permissions(at(file)))).toEqual([0o2770, 0o2770, 0o660]);
    const { uid, gid } = fs.statSync(at("docker"));
    for (const file of ["docker/a", "docker/a/b", "docker/a/b/link"]) expect(fs.statSync(at(file))).toMatchObject({ uid, gid });
  });

  test("follows no symbolic link", async () => {
    const { changes, at } = changed({ "docker/a/file": "", "elsewhere/file": "" });
    fs.symlinkSync(at("elsewhere"), at("docker/b"));
    await expect(changes.create("docker/b/link", NEW)).rejects.toThrow("is a symbolic link, which is not followed");
    expect(fs.readdirSync(at("elsewhere"))).toEqual(["file"]);
  });
});

describe("replace", () => {
  test("takes the place of what is expected there, and of nothing else", async () => {
    const { changes, list, text } = changed({ [LINK]: "old" });
    expect(await changes.replace(LINK, Buffer.from("older"), NEW)).toBe("changed");
    expect(await changes.replace(LINK, Buffer.alloc(0), NEW)).toBe("changed");
    expect(text(LINK)).toBe("old");
    expect(await changes.replace(LINK, OLD, NEW)).toBe("replaced");
    expect(text(LINK)).toBe("new");
    expect(await changes.replace("docker/none/link", OLD, NEW)).toBe("absent");
    expect(list()).toEqual(["docker", "docker/a", LINK]);
  });

  test("an empty file, and back again", async () => {
    const { changes, text } = changed({ [LINK]: "" });
    expect(await changes.replace(LINK, Buffer.alloc(0), NEW)).toBe("replaced");
    expect(await changes.replace(LINK, NEW, Buffer.alloc(0))).toBe("replaced");
    expect(text(LINK)).toBe("");
  });

  test("keeps mode and owner", async () => {
    const { changes, at } = changed({ [LINK]: "old" });
    fs.chmodSync(at(LINK), 0o664);
    if (isRoot) fs.chownSync(at(LINK), 1234, 4321);
    const { uid, gid } = fs.statSync(at(LINK));
    await changes.replace(LINK, OLD, NEW);
    expect(fs.statSync(at(LINK))).toMatchObject({ uid, gid });
    expect(permissions(at(LINK))).toBe(0o664);
  });

  test("leaves the content of another name of the same file alone", async () => {
    const { changes, at, text } = changed({ [LINK]: "old" });
    fs.linkSync(at(LINK), at("backup"));
    await changes.replace(LINK, OLD, NEW);
    expect([text(LINK), text("backup")]).toEqual(["new", "old"]);
  });

  test("follows no symbolic link, and takes the place of plain files only", async () => {
    const { changes, at, text } = changed({ "docker/a/file": "old" });
    fs.symlinkSync(at("docker/a/file"), at(LINK));
    await expect(changes.replace(LINK, OLD, NEW)).rejects.toThrow("docker/a/link: it is no plain file");
    await expect(changes.read(LINK)).rejects.toThrow("docker/a/link: too many symbolic links encountered");
    expect(text("docker/a/file")).toBe("old");
  });
});

test("what is moved back lies in directories that the registry may write to", async () => {
  const { changes, at } = changed({ "docker/file": "", "regcheck/quarantine/run/docker/a/link": "old" });
  fs.chmodSync(at("docker"), 0o775);
  if (isRoot) fs.chownSync(at("docker"), 1234, 4321);
  await changes.move([{ from: `regcheck/quarantine/run/${LINK}`, to: LINK }]);
  const { uid, gid } = fs.statSync(at("docker"));
  expect(fs.statSync(at("docker/a"))).toMatchObject({ uid, gid });
  expect(permissions(at("docker/a"))).toBe(0o775);
});

test("that blobs are on another device than the quarantine is known before anything moves", async () => {
  const { changes, root } = changed({ "docker/registry/v2/blobs/a": "", "docker/registry/v2/repositories/a": "" });
  expect(await changes.cannotMoveTo("regcheck/quarantine")).toBeUndefined();
  const { statSync } = fs;
  const other = vi.spyOn(fs, "statSync").mockImplementation((file, options) => {
    const stat = statSync(file, options);
    return String(file).endsWith("/blobs") && stat !== undefined ? Object.assign(stat, { dev: Number(stat.dev) + 1 }) : stat;
  });
  const why = await changes.cannotMoveTo("regcheck/quarantine");
  other.mockRestore();
  expect(why).toBe(`${root}/regcheck/quarantine is on another device than ${root}/docker/registry/v2/blobs`);
});

/** As where something is mounted at `below`, from the same device; `points` are the mount points that the system tells of, `below` too. */
function mounted(below: string, ...points: string[]): void {
  const { openSync, readFileSync } = fs;
  const opened = new Map<number, string>();
  vi.spyOn(fs, "openSync").mockImplementation((file, ...rest) => {
    const descriptor = openSync(file, ...rest);
    opened.set(descriptor, String(file));
    return descriptor;
  });
  vi.spyOn(fs, "readFileSync").mockImplementation((file, options) => {
    const [, descriptor] = /^\/proc\/self\/fdinfo\/(\d+)$/.exec(String(file)) ?? [];
    const at = opened.get(Number(descriptor));
    if (at !== undefined)
      return `pos:\t0\nflags:\t02100000\nmnt_id:\t${at === below || at.startsWith(`${below}/`) ? 65 : 44}\nino:\t7\n`;
    const lines = [below, ...points].map((point) => `65 44 254:0 /elsewhere ${point} rw,relatime - ext4 /dev/vda rw\n`);
    return String(file) === "/proc/self/mountinfo" ? lines.join("") : readFileSync(file, options);
  });
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
}

describe("a mount of the same device, out of which nothing can be linked", () => {
  const FILES = {
    "docker/registry/v2/blobs/sha256/aa": "",
    "docker/registry/v2/repositories/team/app": "",
    "regcheck/journal": "",
  };

  test.each([
    ["docker/registry/v2/blobs", "docker/registry/v2/blobs"],
    ["docker/registry/v2/blobs/sha256", "docker/registry/v2/blobs/sha256"],
    ["docker/registry/v2/repositories/team", "docker/registry/v2/repositories/team"],
    ["docker", "docker/registry/v2/blobs"],
    ["regcheck", "docker/registry/v2/blobs"],
  ])("at %s is known before anything moves", async (below, source) => {
    const { changes, root, at } = changed(FILES);
    mounted(at(below));
    expect(await changes.cannotMoveTo("regcheck/quarantine")).toBe(
      `${root}/regcheck/quarantine is on another mount than ${root}/${source}: no file can be moved between two mounts, even of one filesystem`,
    );
  });

  test("elsewhere is none of its business, nor is one that is gone or that another lies over", async () => {
    const { changes, at } = changed({ ...FILES, "docker/other/file": "", "docker/registry/v2/blobs-old/file": "" });
    mounted(
      at("docker/other"),
      at("docker/registry/v2/blobs-old"),
      at("docker/registry/v2/blobs/sha256"),
      at("docker/registry/v2/repositories/gone"),
    );
    expect(await changes.cannotMoveTo("regcheck/quarantine")).toBeUndefined();
  });

  test("is not known where the system does not tell: then the device alone decides", async () => {
    const { changes, at } = changed(FILES);
    mounted(at("docker/registry/v2/blobs"));
    vi.spyOn(fs, "readFileSync").mockImplementation(() => {
      throw Object.assign(new Error("no such file or directory"), { code: "ENOENT", syscall: "open" });
    });
    expect(await changes.cannotMoveTo("regcheck/quarantine")).toBeUndefined();
  });
});

describe("that nothing can be made in a directory is known without trying", () => {
  test.each([
    ["its own", ["regcheck/journal"], "/regcheck"],
    ["the storage's, while it has none of its own", ["docker/file"], ""],
  ])("by %s", async (_, files, nearest) => {
    const { changes, root } = changed(Object.fromEntries(files.map((file) => [file, ""])));
    expect(await changes.cannotWriteTo("regcheck")).toBeUndefined();
    vi.spyOn(fs, "accessSync").mockImplementation((_file, mode) => {
      expect(mode).toBe(fs.constants.W_OK | fs.constants.X_OK);
      throw Object.assign(new Error("EROFS"), { code: "EROFS", syscall: "access" });
    });
    onTestFinished(() => {
      vi.restoreAllMocks();
    });
    expect(await changes.cannotWriteTo("regcheck")).toBe(`${root}${nearest}: read-only file system`);
  });
});
