import { beforeAll, describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import type { CheckOptions } from "#regcheck/check.js";
import type { Baseline } from "#regcheck/report/baseline.js";
import { BaselineReader } from "#regcheck/report/baseline-reader.js";
import { changesSince } from "#regcheck/report/changes.js";
import { formatHtml } from "#regcheck/report/html/html.js";
import { formatJson } from "#regcheck/report/json.js";
import { formatNdjson } from "#regcheck/report/ndjson.js";
import type { Report } from "#regcheck/report/report.js";
import { formatText } from "#regcheck/report/text.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { blobFile, RegistryBuilder, sha256 } from "../support/builder.js";
import { damagedRegistry } from "../support/damaged-registry.js";
import { problemsOf } from "../support/json-schema.js";
import { FIXTURE } from "../support/run.js";
import { written } from "../support/temporary.js";

const TOOL = { name: "regcheck", version: "1.2.3" };
const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };

async function checked(directory: string, options: Partial<CheckOptions> = {}): Promise<Report> {
  const storage = FilesystemStorage.open(directory, { concurrency: 1 });
  try {
    return await check(storage, { policy: POLICY, ...options });
  } finally {
    await storage.close();
  }
}

function textOf(report: Report): string {
  return [...formatNdjson(report, TOOL, 0)].join("");
}

function read(text: string, location: string): Baseline {
  const reader = new BaselineReader({ storage: { driver: "filesystem", location } });
  for (const line of text.replace(/\n$/, "").split("\n")) reader.push(line);
  return reader.end();
}

/** The next report of a storage, compared with one that is read back from its text. */
function next(before: Report, options: Partial<CheckOptions> = {}): Promise<Report> {
  const { location } = before.storage;
  return checked(location, { ...options, baseline: read(textOf(before), location) });
}

describe("a report that is read back", () => {
  let fixture: Report;
  beforeAll(async () => {
    fixture = await checked(FIXTURE);
  });

  test("has every finding of it", async () => {
    expect(fixture.counts["tag-dangling"]).toBeGreaterThan(0);
    const { baseline, notices } = await next(fixture);
    expect(baseline).toMatchObject({ startedAt: fixture.startedAt, complete: true, new: 0, gone: 0, unread: [] });
    expect(notices).toEqual([]);
  });

  test.each([
    ["", "it is empty"],
    ["\n", "it is no report of regcheck"],
    ["{}\n", "it is no report of regcheck"],
    ["[]\n", "it is no report of regcheck"],
    ["{\n}\n", "it is in JSON, not in NDJSON"],
    ["DAMAGED: 11 errors\n", "it is no report of regcheck"],
    ['{"tool": {"name": "regcheck"}, "schemaVersion": "1.0", "findings": []}\n', "it is in JSON, not in NDJSON"],
    ['{"type": "report", "tool": {"name": "trivy"}}\n', "it is no report of regcheck"],
    ['{"type": "report", "tool": {"name": "regcheck"}, "schemaVersion": "2.0"}\n', 'its version is "2.0", not 1.x'],
  ])("is refused as %j", (text, why) => {
    const reader = new BaselineReader({ storage: fixture.storage });
    expect(() => {
      if (text !== "") for (const line of text.slice(0, -1).split("\n")) reader.push(line);
      reader.end();
    }).toThrow(why);
  });

  test("is refused for another storage", () => {
    expect(() => read(textOf(fixture), "/elsewhere")).toThrow(`it is about "${FIXTURE}", not about /elsewhere`);
  });

  test("is refused for a bucket of the same name on another server", () => {
    const bucket = (server?: string) => ({ driver: "s3", location: "s3://b", server });
    const readOn = (server: string | undefined, of: string | undefined) => {
      const reader = new BaselineReader({ storage: bucket(server) });
      for (const line of textOf({ ...fixture, storage: bucket(of) })
        .slice(0, -1)
        .split("\n"))
        reader.push(line);
      return reader.end();
    };
    expect(() => readOn("minio-b:9000", "minio-a:9000")).toThrow(
      'it is about "s3://b at minio-a:9000", not about s3://b at minio-b:9000',
    );
    expect(() => readOn("minio-a:9000", undefined)).toThrow('it is about "s3://b at AWS", not about s3://b at minio-a:9000');
    expect(() => readOn(undefined, "minio-a:9000")).toThrow('it is about "s3://b at minio-a:9000", not about s3://b at AWS');
    for (const server of ["minio-a:9000", undefined]) expect(readOn(server, server).complete).toBe(true);
  });

  test("is refused when it was cut off or damaged, wherever that is", () => {
    const lines = textOf(fixture).split("\n").slice(0, -1);
    const places = [1, 5, Math.floor(lines.length / 2), lines.length - 3, lines.length - 1];
    const cut = places.map((at) => lines.slice(0, at));
    for (const damaged of [...cut, lines.toSpliced(-2, 1), [...lines, "{}"]])
      expect(() => read(damaged.join("\n"), FIXTURE)).toThrow(/^it (?:was cut off|is damaged|is no report)/);
  });

  test("says by a notice that it was told something else", async () => {
    const told = { ...POLICY, deleteUntagged: true, grace: 60 };
    expect((await next(await checked(FIXTURE, { policy: told }))).notices).toEqual([
      "The baseline was made with another --delete-untagged, --grace: what is new or gone may come of that alone.",
    ]);
    const filter = { glob: "team/web", matches: (name: string) => name === "team/web" };
    const some = await checked(FIXTURE, { filter });
    expect((await next(some, { filter })).notices).toEqual([]);
    expect((await next(some)).notices).toEqual([expect.stringMatching(/^The baseline was made with another --repository: /)]);
    expect((await next(fixture, { filter })).notices).toEqual([]);
  });
});

describe("what is new and what is gone is told", () => {
  const LAYOUT = { colour: false, width: undefined };

  test("in text and on the page", async () => {
    const { directory, spoil, clean } = damagedRegistry();
    const before = await checked(directory);
    spoil("new");
    clean();
    const after = await next(before);
    const text = formatText(after, LAYOUT);
    expect(text).toContain("✗ tag-link-invalid (2 errors, 1 new): ");
    expect(text).toContain("\n    team/app:new  (new)\n");
    expect(text).toContain("\n    team/app:old\n");
    const time = new Date(before.startedAt).toISOString();
    const since = `Since ${time.slice(0, 10)} ${time.slice(11, 16)} UTC: 1 new (1 tag-link-invalid), 2 gone (1 `;
    expect(text.split("\n").at(-3)).toContain(since);
    const page = [...formatHtml(after, TOOL, 1)].join("");
    expect(page).toContain("<code>team/app:new</code> <em>new</em>");
    expect(page).toContain("<code>team/app:old</code><i>");
    expect(page).toContain(since);
    const onlyNew = formatText(after, { ...LAYOUT, onlyNew: true });
    expect(onlyNew).toContain("\n    team/app:new  (new)\n");
    expect(onlyNew).not.toMatch(/team\/app:old|Reclaimable/);
  });

  test("with what is new among the findings that are shown, however many there are", async () => {
    const { directory, spoil } = damagedRegistry();
    for (let i = 0; i < 20; i++) spoil(`a-${i}`);
    const before = await checked(directory);
    spoil("z-new");
    const text = formatText(await next(before), LAYOUT);
    expect(text).toContain("(22 errors, 1 new)");
    expect(text).toContain("    team/app:z-new  (new)\n");
  });

  test("with a doubt where the earlier run was incomplete", async () => {
    const { directory } = damagedRegistry();
    const incomplete = { ...(await checked(directory)), complete: false };
    expect(formatText(await next(incomplete), LAYOUT)).toContain(
      "0 new, 0 gone. That run was incomplete: what is new may be older\n",
    );
  });
});

describe("a corrupt blob of an earlier report", () => {
  /** A registry with a corrupt layer, and the part of two that it is in. */
  function rotten() {
    const registry = new RegistryBuilder();
    registry.repository("team/app").image({ layers: ["a layer"], tag: "1" });
    const file = blobFile(sha256("a layer"));
    const sound = written(registry.tree);
    registry.tree.write(file, "a LAYER");
    const part = parseInt(sha256("a layer").slice("sha256:".length, "sha256:".length + 1), 16) < 8 ? 1 : 2;
    return { tree: registry.tree, sound, part, other: 3 - part };
  }

  test("is neither gone nor new again because other parts were read in between, or none", async () => {
    const { tree, part, other } = rotten();
    const found = await checked(written(tree), { verify: { part, parts: 2 } });
    expect(found.counts["blob-corrupt"]).toBe(1);
    const between = await next(found, { verify: { part: other, parts: 2 } });
    expect(between.baseline).toMatchObject({ new: 0, gone: 0, unread: [{ code: "blob-corrupt", repository: "team/app" }] });
    expect(between.baseline && changesSince(between.baseline)).toMatch(
      /UTC: 0 new, 0 gone, 1 not looked at again \(blob-corrupt\)$/,
    );
    const without = await next(between);
    expect(without.baseline).toMatchObject({ new: 0, gone: 0, unread: [{ code: "blob-corrupt" }] });
    const again = await next(without, { verify: { part, parts: 2 } });
    expect(again.baseline).toMatchObject({ new: 0, gone: 0, unread: [] });
    expect(problemsOf(JSON.parse([...formatJson(between, TOOL, 0)].join("")))).toBe("No errors");
    for (const line of textOf(between).trim().split("\n")) expect(problemsOf(JSON.parse(line), "ndjson")).toBe("No errors");
  });

  test("is gone when it was read and is sound, or is not stored any more", async () => {
    const { tree, sound, part, other } = rotten();
    const found = await checked(written(tree), { verify: { part, parts: 2 } });
    const text = textOf(found).replaceAll(found.storage.location, sound);
    const after = await checked(sound, { verify: { part: 1, parts: 1 }, baseline: read(text, sound) });
    expect(after.baseline).toMatchObject({ new: 0, gone: 1, unread: [] });
    const without = new RegistryBuilder();
    without.repository("team/app").image({ layers: ["another layer"], tag: "1" });
    const empty = written(without.tree);
    const elsewhere = textOf(found).replaceAll(found.storage.location, empty);
    const nothing = await checked(empty, { verify: { part: other, parts: 2 }, baseline: read(elsewhere, empty) });
    expect(nothing.baseline).toMatchObject({ gone: 1, unread: [] });
  });
});
