import { expect, test } from "vitest";
import type { Finding } from "#regcheck/mark/finding.js";
import type { Marked } from "#regcheck/mark/marked.js";
import type { Report } from "#regcheck/report/report.js";
import { makePlan } from "#regcheck/sweep/plan.js";
import type { PlanOptions } from "#regcheck/sweep/plan.js";
import { reportOf } from "../support/report.js";

const OPTIONS = { purgeUploads: true, pruneEmpty: true };

/** The paths that a sweep of these findings would remove, where damage holds the repositories that are named. */
function planned(findings: readonly Finding[], ...held: readonly string[]): string[] {
  return plannedWith(OPTIONS, (codes) => findings.filter(({ code }) => codes?.includes(code) === true), held);
}

function plannedWith(options: PlanOptions, findings: Report["findings"], held: readonly string[] = []): string[] {
  const repositories = held.map((name) => ({ name, heldBlobs: new Set<number>() }));
  const stages = makePlan(reportOf([], { findings }), { repositories } as unknown as Marked, options);
  return stages.flatMap(({ items }) => Array.from(items(), ({ path }) => path));
}

/** What is garbage whatever the rest of its repository is. */
function garbageOf(repository: string): Finding[] {
  const objects = [{ name: "data", bytes: 1 }];
  return [
    { code: "tag-index-dangling", path: `${repository}/history`, repository, tag: "moved" },
    { code: "tag-without-current", path: `${repository}/empty`, repository, tag: "empty", reclaimable: true },
    { code: "upload-stale", path: `${repository}/upload`, repository, objects },
    { code: "layer-link-unreferenced", path: `${repository}/layer`, repository },
  ];
}

test("of a repository that damage holds nothing is planned, of the others all", () => {
  const all = [...garbageOf("held"), ...garbageOf("sound")];
  expect(planned(all).filter((path) => path.startsWith("held/"))).toHaveLength(4);
  expect(new Set(planned(all, "held"))).toEqual(new Set(garbageOf("sound").map(({ path }) => path)));
});

test("what consists of several objects stays where they are not known", () => {
  const [upload, tag]: [Finding, Finding] = [
    { code: "upload-stale", path: "app/upload", repository: "app" },
    { code: "tag-dangling", path: "app/tag", repository: "app", tag: "1", reclaimable: true },
  ];
  expect(planned([upload, tag])).toEqual([]);
  expect(planned([upload, tag].map((finding) => ({ ...finding, objects: [] })))).toHaveLength(2);
});

test("empty repositories are planned by one look at the abandoned uploads, however many there are", () => {
  const empty = Array.from({ length: 100 }, (_, i): Finding => ({
    code: "repository-empty",
    path: `r${i}`,
    repository: `r${i}`,
  }));
  const [upload]: [Finding] = [{ code: "upload-stale", path: "r7/upload", repository: "r7", objects: [] }];
  let looks = 0;
  const paths = plannedWith({ purgeUploads: false, pruneEmpty: true }, (codes) => {
    if (codes?.includes("upload-stale") === true) looks++;
    return [...empty, upload].filter(({ code }) => codes?.includes(code) === true);
  });
  expect(paths).toEqual(empty.flatMap(({ path }) => (path === "r7" ? [] : [path])));
  expect(looks).toBe(1);
});
