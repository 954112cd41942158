import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { RepairOptions } from "#regcheck/repair.js";
import { REPAIR_CODES } from "#regcheck/repair/codes.js";
import type { RepairCode } from "#regcheck/repair/codes.js";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { readRun } from "#regcheck/journal/read-run.js";
import { restoreObjects } from "#regcheck/undo/restore.js";
import { blobFile, RegistryBuilder, V2 } from "../support/builder.js";
import type { RepositoryBuilder } from "../support/builder.js";
import { pull, pullAll } from "../support/pullable.js";
import { RegistryTree } from "../support/registry-tree.js";
import {
  brokenRegistry,
  changesOf,
  codesOf,
  planDirectory,
  POLICY,
  repairDirectory,
  repairOptions,
} from "../support/repairing.js";
import { contentOf, leftIn } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

/** What is planned for a repository that was built so: the repairs, and why others are none. */
async function planned(build: (app: RepositoryBuilder) => void, codes: readonly RepairCode[] = REPAIR_CODES) {
  const registry = new RegistryBuilder();
  build(registry.repository("team/app"));
  const directory = written(registry.tree);
  const { repairs, unrepairable } = await planDirectory(
    directory,
    repairOptions(temporaryDirectory(), { codes: new Set(codes) }),
  );
  expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(registry.tree));
  return {
    repairs: repairs.map(({ code, action, subject, content }) => [code, action, subject, content]),
    notes: repairs.flatMap(({ notes }) => notes),
    because: unrepairable.map(({ code, because }) => [code, because]),
  };
}

describe("what path and storage prove is repaired", () => {
  test("every code; then every tag pulls, nothing is found any more, and restore brings back the same bytes", async () => {
    const before = brokenRegistry(2);
    const directory = written(before);
    expect(await codesOf(directory)).toEqual(
      [...REPAIR_CODES, "layer-link-missing", "tag-link-invalid"].flatMap((code) => [code, code]).sort(),
    );
    const journal = temporaryDirectory();
    const { result, unrepairable } = await repairDirectory(directory, repairOptions(journal));
    expect({ stopped: result?.stopped, unrepairable }).toEqual({ stopped: undefined, unrepairable: [] });
    expect(result?.outcomes.map(({ status }) => status)).toEqual(Array.from({ length: 18 }, () => "written"));
    expect(await codesOf(directory)).toEqual([]);
    const pulls = [...pullAll(RegistryTree.readFrom(directory))];
    expect(pulls).toHaveLength(14);
    expect(pulls.filter(([, content]) => content === undefined)).toEqual([]);
    expect(leftIn(directory)).toEqual([]);

    const run = readRun(journal, result?.runId ?? "");
    expect(await restoreObjects(run, changesOf(directory))).toEqual({ restored: 18, present: 0, warnings: [], problems: [] });
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(before));
    expect(await restoreObjects(run, changesOf(directory))).toEqual({ restored: 0, present: 18, warnings: [], problems: [] });
  });

  test("only the codes that are named", async () => {
    const directory = written(brokenRegistry());
    const { result } = await repairDirectory(
      directory,
      repairOptions(temporaryDirectory(), { codes: new Set(["layer-link-invalid"]) }),
    );
    expect(result?.outcomes).toHaveLength(1);
    expect(new Set(await codesOf(directory))).toEqual(new Set(REPAIR_CODES.slice(1)));
  });

  test("an entry of a tag's history that was emptied with the tag's link still proves it by its path", async () => {
    const { repairs } = await planned((app) => {
      const image = app.image({ tag: "1" });
      app.link("_manifests/tags/1/current", "");
      app.link(`_manifests/tags/1/index/${image.digest.replace(":", "/")}`, "");
    });
    expect(repairs).toEqual([["tag-link-invalid", "rewrite", "team/app:1", expect.stringMatching(/^sha256:/)]]);
  });

  test("what a tag names and its history does not is no proof that its manifest was linked", async () => {
    const { repairs, because } = await planned((app) => {
      app.image({ layers: ["a layer"], config: "a config", tag: "1" });
      const { digest } = app.registry
        .repository("team/elsewhere")
        .image({ layers: ["elsewhere"], config: "elsewhere", tag: "1" });
      app.registry.tree.write(`${app.path}/_manifests/tags/1/current/link`, digest);
    });
    expect(repairs.filter(([code]) => code === "tag-dangling")).toEqual([]);
    expect(because).toContainEqual([
      "tag-dangling",
      "the tag's history has no entry of that manifest, so no push has made the tag name it",
    ]);
  });

  test("two tags that dangle on one manifest are one link", async () => {
    const { repairs } = await planned((app) => {
      const image = app.image({ tag: "1" });
      app.tag("2", image.digest);
      app.deleteManifest(image);
    });
    expect(repairs.map(([, , subject]) => subject)).toEqual(["team/app:1, team/app:2"]);
  });
});

describe("what they do not prove is not", () => {
  test.each<[string, (app: RepositoryBuilder) => void, RepairCode, string]>([
    [
      "a tag that has named two manifests",
      (app) => {
        app.image({ config: "1", tag: "1" });
        app.image({ config: "2", tag: "1" });
        app.link("_manifests/tags/1/current", "");
      },
      "tag-link-invalid",
      "its history has 2 entries, any of which it may have named last",
    ],
    [
      "a tag without a history",
      (app) => {
        app.image({ tag: "1" });
        app.link("_manifests/tags/1/current", "");
        app.remove("_manifests/tags/1/index");
      },
      "tag-link-invalid",
      "its history has no entry",
    ],
    [
      "a tag whose history contradicts itself",
      (app) => {
        const image = app.image({ tag: "1" });
        app.link("_manifests/tags/1/current", "");
        app.link(`_manifests/tags/1/index/${image.digest.replace(":", "/")}`, app.image({ config: "other" }).digest);
      },
      "tag-link-invalid",
      "the only entry of its history contradicts itself",
    ],
    [
      "a tag whose manifest was deleted, or lost its link: nobody knows",
      (app) => {
        const image = app.image({ tag: "1" });
        app.link("_manifests/tags/1/current", "");
        app.deleteManifest(image);
      },
      "tag-link-invalid",
      "the repository has no sound revision link for it",
    ],
    [
      "a tag whose manifest is not stored",
      (app) => {
        const image = app.image({ tag: "1" });
        app.link("_manifests/tags/1/current", "");
        app.registry.tree.remove(blobFile(image.digest));
      },
      "tag-link-invalid",
      "its manifest is not stored",
    ],
    [
      "a tag whose manifest is corrupt",
      (app) => {
        const image = app.image({ tag: "1" });
        app.link("_manifests/tags/1/current", "");
        app.registry.tree.write(blobFile(image.digest), "rotten");
      },
      "tag-link-invalid",
      "its manifest is corrupt: its content has the digest",
    ],
    [
      "a revision whose manifest is not stored",
      (app) => {
        const image = app.image({});
        app.link(app.revisionLink(image.digest), "");
        app.registry.tree.remove(blobFile(image.digest));
      },
      "revision-link-invalid",
      "its manifest is not stored",
    ],
    [
      "a revision whose manifest is corrupt",
      (app) => {
        const image = app.image({});
        app.link(app.revisionLink(image.digest), "");
        app.registry.tree.write(blobFile(image.digest), "rotten");
      },
      "revision-link-invalid",
      "its manifest is corrupt",
    ],
    [
      "a revision whose blob is no manifest",
      (app) => app.link(app.revisionLink(app.push("a layer").digest), ""),
      "revision-link-invalid",
      "its manifest is invalid: the manifest is not JSON",
    ],
    [
      "a dangling tag whose manifest is gone",
      (app) => {
        const image = app.image({ tag: "1" });
        app.deleteManifest(image);
        app.registry.tree.remove(blobFile(image.digest));
      },
      "tag-dangling",
      "its manifest is not stored",
    ],
    [
      "a dangling tag whose manifest is corrupt",
      (app) => {
        const image = app.image({ tag: "1" });
        app.deleteManifest(image);
        app.registry.tree.write(blobFile(image.digest), "rotten");
      },
      "tag-dangling",
      "its manifest is corrupt",
    ],
    [
      "a layer link whose blob is not stored",
      (app) => {
        const layer = app.push("a layer");
        app.image({ layers: [layer], tag: "1" });
        app.link(app.layerLink(layer.digest), "");
        app.registry.tree.remove(blobFile(layer.digest));
      },
      "layer-link-invalid",
      "its blob is not stored",
    ],
    [
      "a sha512 link, which holds another digest than its path names",
      (app) => {
        const layer = app.pushAlias("a layer");
        app.image({ layers: [layer], tag: "1" });
        app.link(app.layerLink(layer.digest), "");
      },
      "layer-link-invalid",
      "a sha512 link holds the sha256 digest of the same blob, which its path does not tell",
    ],
    [
      "a link that is too large for the journal",
      (app) => app.link(app.layerLink(app.push("a layer").digest), "x".repeat(64 * 1024 + 1)),
      "layer-link-invalid",
      "the link holds 65537 bytes",
    ],
  ])("%s", async (_, build, code, reason) => {
    const { repairs, because } = await planned(build, [code]);
    expect({ repairs, because }).toEqual({ repairs: [], because: [[code, expect.stringContaining(reason) as unknown]] });
  });

  test("names that no registry serves", async () => {
    const registry = new RegistryBuilder();
    const image = registry.repository("team/UPPER").image({ tag: "1" });
    registry.repository("team/UPPER").link(registry.repository("team/UPPER").revisionLink(image.digest), "");
    registry.repository("team/app").image({ tag: "-bad" });
    registry.repository("team/app").link("_manifests/tags/-bad/current", "");
    const { repairs, unrepairable } = await planDirectory(written(registry.tree), repairOptions(temporaryDirectory()));
    expect(repairs).toEqual([]);
    expect(unrepairable.map(({ because }) => because)).toEqual([
      "its repository's name is outside the grammar, so no registry serves it",
      "its name is outside the grammar, so no registry serves it",
    ]);
  });
});

describe("a dangling tag", () => {
  function dangling(app: RepositoryBuilder): void {
    const child = app.image({ config: "child" });
    const layers = ["lost", "unlinked"].map((layer) => app.push(layer));
    const image = app.image({ layers, tag: "1" });
    app.index([child, image], "index");
    app.deleteManifest(image);
    app.deleteManifest(child);
    app.registry.tree.remove(blobFile(layers[0]?.digest ?? ""));
    app.remove(app.layerLink(layers[1]?.digest ?? ""));
    const index = app.registry.tree.text(`${app.path}/_manifests/tags/index/current/link`) ?? "";
    app.remove(app.revisionLink(index));
  }

  test("is said to become pullable again, and what a pull still misses is said too", async () => {
    const { notes } = await planned(dangling, ["tag-dangling"]);
    const pullable = "if the manifest was deleted on purpose, this makes it pullable again, by tag and by digest";
    expect(notes).toEqual([
      pullable,
      expect.stringContaining("pulls still fail: 1 blob of it not stored"),
      expect.stringContaining("pulls still fail: 1 blob of it without a sound layer link"),
      pullable,
      expect.stringContaining("pulls of 1 platform still fail"),
    ]);
  });

  test("with its layer links repaired in the same run, these are none of it", async () => {
    const { notes } = await planned(dangling, ["tag-dangling", "layer-link-missing"]);
    expect(notes.filter((note) => note.includes("without a sound layer link"))).toEqual([]);
  });
});

describe("restore", () => {
  async function repaired() {
    const before = brokenRegistry();
    const directory = written(before);
    const journal = temporaryDirectory();
    const { result } = await repairDirectory(directory, repairOptions(journal));
    const at = (file: string): string => path.join(directory, file);
    return { before, directory, at, run: readRun(journal, result?.runId ?? "") };
  }

  test("leaves a link alone that somebody has changed since", async () => {
    const { before, directory, at, run } = await repaired();
    const [created, rewritten, gone] = [
      run.writes.find((write) => write.before === undefined),
      run.writes.find((write) => write.code === "tag-link-invalid"),
      run.writes.find((write) => write.code === "layer-link-invalid"),
    ].map((write) => write?.path ?? "");
    const other = `sha256:${"0".repeat(64)}`;
    fs.writeFileSync(at(created ?? ""), other);
    fs.writeFileSync(at(rewritten ?? ""), other);
    fs.rmSync(at(gone ?? ""));
    const { restored, problems } = await restoreObjects(run, changesOf(directory));
    expect(restored).toBe(6);
    expect(new Map(problems.map((problem) => [problem.path, problem.cause]))).toEqual(
      new Map([
        [created, "somebody has changed it since it was repaired: left as it is"],
        [rewritten, "somebody has changed it since it was repaired: left as it is"],
        [gone, "it is gone since it was repaired"],
      ]),
    );
    const after = contentOf(RegistryTree.readFrom(directory));
    const expected = contentOf(before);
    expected
      .set(created ?? "", other)
      .set(rewritten ?? "", other)
      .delete(gone ?? "");
    expect(after).toEqual(expected);
  });

  test("leaves a repository as it is in which anything was written since: a push may rely on what was repaired", async () => {
    const before = brokenRegistry(2);
    const directory = written(before);
    const journal = temporaryDirectory();
    const { result } = await repairDirectory(directory, repairOptions(journal));
    const run = readRun(journal, result?.runId ?? "");
    // Another image on a layer whose link was repaired: of what is pushed, only the manifest is new.
    const revision = `docker/registry/v2/repositories/team/app-0/_manifests/revisions/sha256/${"7".repeat(64)}/link`;
    fs.mkdirSync(path.dirname(path.join(directory, revision)), { recursive: true });
    fs.writeFileSync(path.join(directory, revision), `sha256:${"7".repeat(64)}`);
    const { restored, problems } = await restoreObjects(run, changesOf(directory));
    expect(restored).toBe(9);
    expect(problems).toHaveLength(9);
    expect(problems.every((problem) => problem.path.includes("/team/app-0/"))).toBe(true);
    expect(new Set(problems.map(({ cause }) => cause))).toEqual(
      new Set([`left as it is: ${revision} was written since the repair, and what it belongs to may need this link`]),
    );
    const ofOther = (tree: RegistryTree) => new Map([...contentOf(tree)].filter(([file]) => file.includes("app-1")));
    expect(ofOther(RegistryTree.readFrom(directory))).toEqual(ofOther(before));
  });

  test("takes the directory of a new link away with it", async () => {
    const { directory, at, run } = await repaired();
    await restoreObjects(run, changesOf(directory));
    const created = run.writes.filter((write) => write.before === undefined);
    expect(created).toHaveLength(5);
    expect(created.filter((write) => fs.existsSync(path.dirname(at(write.path))))).toEqual([]);
  });
});

describe("the rules of a sweep hold", () => {
  test.each<[string, (directory: string) => void, string, Partial<RepairOptions>?]>([
    [
      "nobody says that the registry is stopped",
      () => {},
      "repair refused by the rule no-writers",
      { writers: { registryUrls: [], registryStopped: false, config: undefined, probe: {} } },
    ],
    [
      "a fault of the storage",
      (directory) => fs.symlinkSync("/etc", path.join(directory, V2, "repositories/elsewhere")),
      "repair refused by the rule scan-complete",
    ],
    [
      "a pull-through cache",
      (directory) => fs.writeFileSync(path.join(directory, "scheduler-state.json"), "{}"),
      "repair refused by the rule no-proxy",
    ],
    [
      "a database",
      (directory) => {
        fs.mkdirSync(path.join(directory, "docker/registry/lockfiles"));
        fs.writeFileSync(path.join(directory, "docker/registry/lockfiles/database-in-use"), "");
      },
      "repair refused by the rule no-database",
    ],
    [
      "an upload under way",
      (directory) => {
        const upload = path.join(directory, V2, "repositories/team/app-0/_uploads/0f7c1c8e-6f0e-4f5e-9c39-5d3a4d3f8a11");
        fs.mkdirSync(upload, { recursive: true });
        fs.writeFileSync(path.join(upload, "startedat"), new Date(POLICY.now * 1000).toISOString());
      },
      "repair refused by the rule no-active-uploads",
    ],
    ["no journal, no write", () => {}, "the journal cannot be written", { journalDirectory: "/dev/null/journal" }],
  ])("%s", async (_, change, message, more = {}) => {
    const directory = written(brokenRegistry());
    change(directory);
    const before = contentOf(RegistryTree.readFrom(directory));
    await expect(repairDirectory(directory, repairOptions(temporaryDirectory(), more))).rejects.toThrow(message);
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(before);
  });

  test("another regcheck is at work", async () => {
    const before = brokenRegistry();
    const directory = written(before);
    await changesOf(directory).create("regcheck/lock", Buffer.from("{}"));
    const repairing = repairDirectory(directory, repairOptions(temporaryDirectory()));
    await expect(repairing).rejects.toThrow("another regcheck is at work");
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(before));
  });
});

/** What somebody does who writes to the storage when a repair comes to a certain point. */
class Meddled extends FilesystemChanges {
  constructor(
    directory: string,
    private readonly meddle: (at: "plan" | "write", file: string) => void,
  ) {
    super(fs.realpathSync(directory));
  }

  override list(directory: string) {
    this.meddle("plan", directory);
    return super.list(directory);
  }

  override replace(file: string, expected: Uint8Array, content: Uint8Array) {
    this.meddle("write", file);
    return super.replace(file, expected, content);
  }
}

describe("somebody writes in secret", () => {
  const other = `sha256:${"0".repeat(64)}`;

  test("while it is planned: refused", async () => {
    const before = brokenRegistry();
    const directory = written(before);
    const link = `${V2}/repositories/team/app-0/_manifests/tags/tag/current/link`;
    const meddle = (at: string, file: string): void => {
      if (at === "plan" && file.endsWith("/index")) fs.writeFileSync(path.join(directory, link), other);
    };
    const repairing = repairDirectory(directory, repairOptions(temporaryDirectory()), () => new Meddled(directory, meddle));
    await expect(repairing).rejects.toThrow(/refused by the rule links-unchanged: .*team\/app-0/);
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(before).set(link, other));
  });

  test("just before a link is written: it is left alone, and nothing after it is touched", async () => {
    const before = brokenRegistry();
    const directory = written(before);
    const link = [...before.files].find(([file, { content }]) => file.includes("_layers") && content.length === 0)?.[0] ?? "";
    const meddle = (at: string, file: string): void => {
      if (at === "write" && file === link) fs.writeFileSync(path.join(directory, link), other);
    };
    const { result } = await repairDirectory(
      directory,
      repairOptions(temporaryDirectory()),
      () => new Meddled(directory, meddle),
    );
    expect(result?.stopped).toBe(`1 link could not be written: ${link}: somebody has written it in the meantime`);
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(before).set(link, other));
  });
});

describe("a repair that ends early", () => {
  test("a signal ends it, and another run goes on from there", async () => {
    const directory = written(brokenRegistry());
    const controller = new AbortController();
    controller.abort();
    const repairing = repairDirectory(directory, repairOptions(temporaryDirectory(), { signal: controller.signal }));
    await expect(repairing).rejects.toThrow("This operation was aborted");
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(brokenRegistry()));
    await repairDirectory(directory, repairOptions(temporaryDirectory()));
    expect(await codesOf(directory)).toEqual([]);
  });
});

test("a repaired tag pulls what it named", async () => {
  const tree = brokenRegistry();
  const directory = written(tree);
  await repairDirectory(directory, repairOptions(temporaryDirectory()));
  const after = RegistryTree.readFrom(directory);
  const current = after.text(`${V2}/repositories/team/app-0/_manifests/tags/tag/current/link`) ?? "";
  expect(tree.text(`${V2}/repositories/team/app-0/_manifests/tags/tag/index/${current.replace(":", "/")}/link`)).toBe(current);
  expect(pull(after, "team/app-0", current)).toHaveLength(3);
});
