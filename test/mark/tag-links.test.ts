import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { severityOf } from "#regcheck/report/catalogue.js";
import { messageOf } from "#regcheck/report/finding-words.js";
import { RegistryBuilder, sha256 } from "../support/builder.js";
import { checkDirectory, checkTree } from "../support/check-tree.js";
import { written } from "../support/temporary.js";
import type { Report } from "#regcheck/report/report.js";

const POLICIES = [{}, { deleteUntagged: true }, { dropDanglingTags: true }, { deleteUntagged: true, dropDanglingTags: true }];
/** What is wrong with tags and links; and what a sweep would take. */
function about(report: Report): readonly string[] {
  const { blobs, revisions, layerLinks } = report.reclaimable[report.selected];
  const findings = Array.from(report.findings(), ({ code, digest }) => `${code} ${String(digest)}`);
  const going = blobs + revisions + layerLinks === 0 ? [] : ["something goes"];
  return [...findings.filter((finding) => /^(?:tag|link)-/.test(finding)), ...going].sort();
}

const NEVER = sha256("never pushed");

/** A tag of an image that has an untagged signature, with another tag beside it, and a repository of others. */
function tagged() {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  const image = app.image({ layers: ["a layer"], config: "a config", tag: "1.0" });
  app.image({ layers: ["a signature"], config: "{}", subject: image });
  const other = app.image({ layers: ["another"], config: "another config", tag: "other" });
  const elsewhere = registry.repository("team/elsewhere").image({ layers: ["elsewhere"], config: "elsewhere", tag: "1" });
  const tag = `${app.path}/_manifests/tags/1.0`;
  const overwrite = (content: string): void => registry.tree.write(`${tag}/current/link`, content);
  return { registry, app, image, other, elsewhere, tag, overwrite };
}

describe("a tag's link that was written over", () => {
  test.each([
    ["a digest that was never pushed", () => NEVER, true],
    ["what another repository has", ({ elsewhere }: ReturnType<typeof tagged>) => elsewhere.digest, true],
    ["another image of the repository", ({ other }: ReturnType<typeof tagged>) => other.digest, false],
  ])("with %s holds its repository, as an empty one does", async (_, digestOf, dangles) => {
    const all = tagged();
    const digest = digestOf(all);
    all.overwrite(digest);
    for (const policy of POLICIES) {
      const report = await checkTree(all.registry.tree, policy);
      expect(about(report)).toEqual([`link-mismatch ${digest}`, ...(dangles ? [`tag-dangling ${digest}`] : [])].sort());
      const [mismatch] = report.findings(["link-mismatch"]);
      expect(mismatch).toMatchObject({ path: `${all.tag}/current/link`, repository: "team/app", tag: "1.0" });
      if (mismatch === undefined) continue;
      expect(severityOf(mismatch)).toBe("error");
      expect(messageOf(mismatch)).toContain(
        `the tag's link names ${digest}, which its index does not list, so that no push has written it: push the tag again, or remove it`,
      );
    }
  });

  test("is mended by a push of what it names, and by its removal", async () => {
    const all = tagged();
    all.overwrite(all.other.digest);
    all.app.tag("1.0", all.other.digest);
    expect(about(await checkTree(all.registry.tree))).toEqual([]);
    all.app.untag("1.0");
    expect(about(await checkTree(all.registry.tree))).toEqual([]);
  });

  test("lets nothing go that its history names, be it only still stored", async () => {
    const all = tagged();
    all.app.deleteManifest(all.image);
    all.overwrite(all.other.digest);
    for (const policy of POLICIES)
      expect(about(await checkTree(all.registry.tree, policy))).toEqual([`link-mismatch ${all.other.digest}`]);
  });

  test("with what an entry names that is damaged is in its history", async () => {
    const all = tagged();
    all.app.tag("1.0", all.other.digest);
    all.registry.tree.write(`${all.tag}/index/${all.other.digest.replace(":", "/")}/link`, "");
    const [mismatch, ...more] = (await checkTree(all.registry.tree)).findings(["link-mismatch"]);
    expect([mismatch?.cause?.kind, more]).toEqual(["history-entry", []]);
  });

  test("without any history is no contradiction: a dangling tag may be dropped", async () => {
    const all = tagged();
    all.app.remove(`_manifests/tags/1.0/index`);
    expect(about(await checkTree(all.registry.tree))).toEqual([]);
    all.overwrite(NEVER);
    expect(about(await checkTree(all.registry.tree))).toEqual([`tag-dangling ${NEVER}`]);
  });

  test("while it was read is no finding: the registry writes while it is checked", async () => {
    const all = tagged();
    const now = Math.floor(Date.now() / 1000);
    all.registry.tree.write(`${all.tag}/current/link`, all.other.digest, now);
    expect(about(await checkTree(all.registry.tree, { now: now - 10 }))).toEqual([]);
    expect(about(await checkTree(all.registry.tree, { now }))).toEqual([`link-mismatch ${all.other.digest}`]);
  });
});

describe("a tag's links that are gone, while their directories are there", () => {
  /** The same tag on a disk; removes both of its links, and keeps the directories. */
  function emptied() {
    const all = tagged();
    const directory = written(all.registry.tree);
    const tag = path.join(directory, all.tag);
    const entry = path.join(tag, "index", all.image.digest.replace(":", "/"));
    const current = path.join(tag, "current");
    return { ...all, directory, entry, current };
  }

  test("hold the repository, as empty ones do", async () => {
    const { directory, entry, current } = emptied();
    for (const link of [entry, current]) fs.rmSync(path.join(link, "link"));
    for (const policy of POLICIES)
      expect(about(await checkDirectory(directory, policy))).toEqual(["tag-without-current undefined"]);
    const [finding] = (await checkDirectory(directory)).findings(["tag-without-current"]);
    expect(finding).toMatchObject({ cause: { kind: "had-link" } });
  });

  test("hold it where the tag's link was emptied, or names something else, and what was lost is still stored", async () => {
    const { directory, entry, current, image, app, other } = emptied();
    fs.rmSync(path.join(entry, "link"));
    fs.rmSync(path.join(directory, app.path, app.revisionLink(image.digest), "link"));
    for (const [content, code] of [
      ["", "tag-link-invalid undefined"],
      [other.digest, `link-mismatch ${other.digest}`],
    ] as const) {
      fs.writeFileSync(path.join(current, "link"), content);
      for (const policy of POLICIES) expect(about(await checkDirectory(directory, policy))).toEqual([code]);
    }
  });

  test("are nothing where the other link is there: the tag pulls", async () => {
    const { directory, entry } = emptied();
    fs.rmSync(path.join(entry, "link"));
    expect(about(await checkDirectory(directory))).toEqual([]);
    // Nor is what is left of an entry beside the tag's own.
    fs.writeFileSync(path.join(entry, "link"), path.basename(entry).replace(/^/, "sha256:"));
    fs.mkdirSync(path.join(path.dirname(entry), "a".repeat(64)));
    expect(about(await checkDirectory(directory, { deleteUntagged: true }))).toEqual([]);
  });

  test("are no damage where a registry was killed in the first push of the tag", async () => {
    const { directory, entry, current } = emptied();
    fs.rmSync(current, { recursive: true });
    fs.renameSync(path.join(entry, "link"), path.join(entry, "link.0192a5f0-0000-7000-8000-000000000000.tmp"));
    const [finding] = (await checkDirectory(directory)).findings(["tag-without-current"]);
    expect(finding).toMatchObject({ holds: false });
  });
});
