import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import type { Report } from "#regcheck/report/report.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { detailOf } from "#regcheck/report/finding-words.js";
import { blobFile, RegistryBuilder, V2 } from "../../support/builder.js";
import type { Descriptor } from "../../support/builder.js";
import { temporaryDirectory, written } from "../../support/temporary.js";

const POLICY = { deleteUntagged: true, dropDanglingTags: true, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };

/** Checks a directory; with `change`, verifies its blobs and changes something when they are about to be read. */
async function checked(directory: string, change?: () => void): Promise<Report> {
  const storage = FilesystemStorage.open(directory);
  const verify = storage.verifyBlobs.bind(storage);
  storage.verifyBlobs = (...args) => {
    change?.();
    return verify(...args);
  };
  try {
    return await check(storage, { policy: POLICY, verify: change && { part: 1, parts: 1 } });
  } finally {
    await storage.close();
  }
}

/** A registry with an image, and its files by what they are. */
function registry() {
  const builder = new RegistryBuilder();
  const app = builder.repository("team/app");
  const layer: Descriptor = app.push("a layer");
  const image = app.image({ layers: [layer], tag: "1" });
  builder.repository("team/other").image({ layers: ["another layer"], tag: "1" });
  const directory = written(builder.tree);
  const at = (file: string): string => path.join(directory, file);
  return {
    directory,
    manifest: at(blobFile(image.digest)),
    layer: at(blobFile(layer.digest)),
    layerLink: at(`${app.path}/${app.layerLink(layer.digest)}/link`),
    revisionLink: at(`${app.path}/${app.revisionLink(image.digest)}/link`),
    current: at(`${app.path}/_manifests/tags/1/current/link`),
    layers: at(`${app.path}/_layers`),
    layerAlgorithm: at(`${app.path}/_layers/sha256`),
    manifests: at(`${app.path}/_manifests`),
    revisions: at(`${app.path}/_manifests/revisions`),
    revision: path.dirname(at(`${app.path}/${app.revisionLink(image.digest)}/link`)),
    tags: at(`${app.path}/_manifests/tags`),
    tag: at(`${app.path}/_manifests/tags/1`),
    currentDirectory: at(`${app.path}/_manifests/tags/1/current`),
    index: at(`${app.path}/_manifests/tags/1/index`),
    blobs: at(`${V2}/blobs`),
    blobAlgorithm: at(`${V2}/blobs/sha256`),
    blobPrefix: path.dirname(path.dirname(at(blobFile(image.digest)))),
    blobDirectory: path.dirname(at(blobFile(image.digest))),
    repositories: at(`${V2}/repositories`),
    repository: at(app.path),
  };
}

type Place = keyof ReturnType<typeof registry>;

function replaceBySymlink(file: string): void {
  fs.renameSync(file, `${file}.elsewhere`);
  fs.symlinkSync(`${file}.elsewhere`, file);
}

function replaceByDirectory(file: string): void {
  fs.rmSync(file);
  fs.mkdirSync(file);
}

function replaceByFile(directory: string): void {
  fs.rmSync(directory, { recursive: true });
  fs.writeFileSync(directory, "what a broken filesystem leaves");
}

function replaceByPipe(file: string): void {
  fs.rmSync(file);
  execFileSync("mkfifo", [file]);
}

/** Damage after which a path cannot be read, though it is there: the check must neither follow, hang, nor call it absent. */
describe("what cannot be read makes the scan incomplete, names its path, and stops nothing else", () => {
  test.each<[string, Place, (file: string) => void]>([
    ["a manifest that is a symbolic link", "manifest", replaceBySymlink],
    ["a blob that is a symbolic link", "layer", replaceBySymlink],
    ["a blob that is a directory", "layer", replaceByDirectory],
    ["a blob that is a pipe", "layer", replaceByPipe],
    ["a layer link that is a symbolic link", "layerLink", replaceBySymlink],
    ["a layer link that is a directory", "layerLink", replaceByDirectory],
    ["a revision link that is a symbolic link", "revisionLink", replaceBySymlink],
    ["a revision link that is a directory", "revisionLink", replaceByDirectory],
    ["a tag's link that is a symbolic link", "current", replaceBySymlink],
    ["a tag's link that is a directory", "current", replaceByDirectory],
    ["a section that is a symbolic link", "layers", replaceBySymlink],
    ["a repository that is a symbolic link", "repository", replaceBySymlink],
    ["all blobs behind a symbolic link", "blobs", replaceBySymlink],
    ["all repositories behind a symbolic link", "repositories", replaceBySymlink],
    ...(
      [
        "layers",
        "layerAlgorithm",
        "manifests",
        "revisions",
        "revision",
        "tags",
        "currentDirectory",
        "index",
        "blobs",
        "blobAlgorithm",
        "blobPrefix",
        "blobDirectory",
        "repositories",
      ] as const
    ).map((place): [string, Place, (file: string) => void] => [`a file in place of ${place}`, place, replaceByFile]),
  ])("%s", async (_, place, damage) => {
    const files = registry();
    damage(files[place]);
    const report = await checked(files.directory);
    const faults = [...report.findings()].filter(({ code }) => code === "storage-unreadable");
    const damaged = path.relative(files.directory, files[place]);
    expect(faults.some((fault) => `${damaged}/`.startsWith(`${fault.path}/`) || fault.path === `${damaged}/link`)).toBe(true);
    expect(faults.every((fault) => detailOf(fault) !== undefined && detailOf(fault) !== "")).toBe(true);
    expect(report.complete).toBe(false);
    const others = report.repositories.filter(({ name }) => name === "team/other");
    expect(others).toHaveLength(place === "repositories" ? 0 : 1);
    // Nothing is called garbage: what could not be read may need it.
    expect(report.severities.garbage).toBe(0);
    expect(report.reclaimable.withBoth).toEqual({ blobs: 0, bytes: 0, revisions: 0, layerLinks: 0 });
  });

  test("a name that is not UTF-8", async () => {
    const { directory, tag } = registry();
    fs.renameSync(tag, Buffer.concat([Buffer.from(`${path.dirname(tag)}/`), Buffer.from([0xff, 0xfe])]));
    const report = await checked(directory);
    const faults = [...report.findings()].filter(({ code }) => code === "storage-unreadable");
    expect(faults.map(detailOf)).toEqual(["its name is not UTF-8"]);
    expect(report.severities.garbage).toBe(0);
  });

  test("an unreadable directory is one fault, with its cause", async () => {
    const { directory, repository } = registry();
    replaceByFile(repository);
    fs.rmSync(repository);
    fs.mkdirSync(repository, { mode: 0o000 });
    // Root may read everything: another user's eyes are needed.
    const main = path.resolve(import.meta.dirname, "../../../dist/cli/main.js");
    const asNobody = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    fs.chmodSync(directory, 0o755);
    const [program, ...args] = [...asNobody, process.execPath, main, directory, "--grace", "0", "--format", "csv"];
    const { stdout, status } = spawnSync(program, args, { encoding: "utf8" });
    expect(status).toBe(3);
    const faults = stdout.split("\r\n").filter((line) => line.startsWith("storage-unreadable"));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain("permission denied");
  });
});

test("a blob from a time that 32 bits do not hold is young, not old", async () => {
  const builder = new RegistryBuilder();
  const blob = builder.blob("from the future");
  builder.repository("team/app").image({ layers: ["a layer"], tag: "1" });
  const directory = written(builder.tree);
  fs.utimesSync(path.join(directory, blobFile(blob.digest)), 5_700_000_000, 5_700_000_000);
  const storage = FilesystemStorage.open(directory);
  try {
    const report = await check(storage, { policy: { ...POLICY, grace: 3600 } });
    expect(report.counts).toEqual({});
  } finally {
    await storage.close();
  }
});

describe("a blob that is verified", () => {
  const GONE = "gone since it was listed";
  test.each<[string, (file: string) => void, string]>([
    ["is gone since it was listed", (file) => fs.rmSync(file), GONE],
    ["is gone with its directory", (file) => fs.rmSync(path.dirname(file), { recursive: true }), GONE],
    ["is a symbolic link by now", replaceBySymlink, "too many symbolic links encountered"],
    ["is a directory by now", replaceByDirectory, "illegal operation on a directory"],
  ])("%s: incomplete, whatever it was needed for", async (_, damage, cause) => {
    const files = registry();
    const report = await checked(files.directory, () => damage(files.layer));
    const faults = [...report.findings()].filter(({ code }) => code === "storage-unreadable");
    expect(faults).toEqual([
      {
        code: "storage-unreadable",
        path: path.relative(files.directory, files.layer),
        cause: { kind: "fault", fault: expect.stringContaining(cause) as unknown },
      },
    ]);
    expect(report.complete).toBe(false);
    expect(report.verified?.blobs).toBe(report.totals.blobs - 1);
  });

  test("has another size than when it was listed: corrupt, and the size is named", async () => {
    const files = registry();
    const report = await checked(files.directory, () => fs.truncateSync(files.layer, 3));
    const [finding] = [...report.findings()];
    expect({ code: finding?.code, bytes: finding?.bytes, complete: report.complete }).toEqual({
      code: "blob-corrupt",
      bytes: 3,
      complete: true,
    });
    expect(finding && detailOf(finding)).toMatch(
      /^its content has the digest sha256:[0-9a-f]{64}, and 3 bytes instead of the 7 that were listed$/,
    );
  });

  test("was being written when it was listed: sound", async () => {
    const files = registry();
    const content = fs.readFileSync(files.layer);
    fs.truncateSync(files.layer, 3);
    const report = await checked(files.directory, () => fs.writeFileSync(files.layer, content));
    expect(report.counts["blob-corrupt"]).toBeUndefined();
  });
});

test("a pipe in a link's place is damage, and not waited for", async () => {
  const files = registry();
  replaceByPipe(files.revisionLink);
  const { counts, complete } = await checked(files.directory);
  expect({ counts, complete }).toMatchObject({ counts: { "revision-link-invalid": 1 }, complete: true });
});

test("a registry without a repository and a blob is refused as one that may not be mounted, not called clean", async () => {
  await expect(checked(written(new RegistryBuilder().tree))).rejects.toThrow("nothing here yet, or not mounted");
});

describe("what the layout allows to be absent is no fault", () => {
  test("directories whose file the registry has deleted: of a revision, a layer link, a blob", async () => {
    const files = registry();
    for (const file of [files.manifest, files.layer, files.layerLink, files.revisionLink]) fs.rmSync(file);
    fs.rmSync(path.dirname(path.dirname(files.current)), { recursive: true });
    const report = await checked(files.directory);
    expect(report.complete).toBe(true);
    expect(report.counts).not.toHaveProperty("manifest-missing");
  });
});

describe("notices", () => {
  test.each([
    [
      "there are blobs, but no repositories",
      (root: string) => fs.rmSync(path.join(root, V2, "repositories"), { recursive: true }),
      "no docker/registry/v2/repositories",
    ],
    [
      "there are repositories, but no blobs",
      (root: string) => fs.rmSync(path.join(root, V2, "blobs"), { recursive: true }),
      "no docker/registry/v2/blobs",
    ],
    [
      "a pull-through cache",
      (root: string) => fs.writeFileSync(path.join(root, "scheduler-state.json"), "{}"),
      "pull-through cache",
    ],
    [
      "a registry with a database",
      (root: string) => {
        fs.mkdirSync(path.join(root, "docker/registry/lockfiles"));
        fs.writeFileSync(path.join(root, "docker/registry/lockfiles/database-in-use"), "");
      },
      "GitLab's database decides what is live",
    ],
  ])("%s", async (_, change, notice) => {
    const { directory } = registry();
    change(directory);
    expect((await checked(directory)).notices).toEqual([expect.stringContaining(notice)]);
  });
});

test("a directory named like a pull-through cache's file is no sign of such a cache: what is missing is damage", async () => {
  const { directory, layer } = registry();
  fs.rmSync(layer);
  fs.mkdirSync(path.join(directory, "scheduler-state.json"));
  const report = await checked(directory);
  expect(report.truthElsewhere).toEqual([]);
  expect(report.counts["blob-missing"]).toBe(1);
});

test("a root whose docker cannot be looked into is not called another thing than a storage", () => {
  const directory = temporaryDirectory();
  // As what may not be read, but for root too.
  fs.symlinkSync("docker", path.join(directory, "docker"));
  expect(() => FilesystemStorage.open(directory)).toThrow(
    `${directory}: ${directory}/docker/registry/v2: too many symbolic links encountered`,
  );
});

describe.each(["docker", "docker/registry", "docker/registry/v2"])("a root whose %s is a symbolic link", (link) => {
  // Named by what is below the link, the rootdirectory would be taken for another: its markers would not be seen.
  test.each(["", "docker", "docker/registry", "docker/registry/v2"])("is refused, if it is named by %j", (suffix) => {
    const { directory } = registry();
    const elsewhere = path.join(temporaryDirectory(), link);
    fs.mkdirSync(path.dirname(elsewhere), { recursive: true });
    fs.renameSync(path.join(directory, link), elsewhere);
    fs.symlinkSync(elsewhere, path.join(directory, link));
    expect(() => FilesystemStorage.open(path.join(directory, suffix))).toThrow(
      `${path.join(directory, link)} is a symbolic link, which is not followed`,
    );
  });
});
