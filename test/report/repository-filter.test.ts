import { describe, expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { written } from "../support/temporary.js";

interface Report {
  readonly filter: object;
  readonly plan: { readonly bytes: number; readonly items: Readonly<Record<string, number>> };
  readonly reclaimable: Readonly<
    Record<"selected", { readonly bytes: number; readonly blobs: number; readonly layerLinks: number }>
  >;
  readonly totals: { readonly blobs: number };
  readonly findings: readonly { readonly code: string }[];
}

function run(glob: string, ...options: readonly string[]) {
  return regcheck([FIXTURE, "--grace", "0", "--fail-on", "never", "--repository", glob, ...options]);
}

describe("a report on some repositories", () => {
  test.each(["team/web", "team/*", "**"])("%s has the figures that a sweep of these has", async (glob) => {
    const { stdout } = await run(glob, "--dry-run", "--format", "json");
    const { filter, plan, reclaimable, findings } = JSON.parse(stdout) as Report;
    expect(filter).toEqual({ repository: glob });
    expect(plan.bytes).toBe(reclaimable.selected.bytes);
    expect(plan.items["blob"]).toBe(reclaimable.selected.blobs);
    expect(findings.filter(({ code }) => code === "blob-unreferenced")).toHaveLength(reclaimable.selected.blobs);
    expect(plan.items["layer-link"]).toBe(reclaimable.selected.layerLinks);
  });

  test.each([
    ["app*", 2],
    ["*", 3],
    ["app-one", 0],
  ])("%s: what only matching repositories share goes with their links", async (glob, blobs) => {
    const builder = new RegistryBuilder();
    const shared = builder.blob("shared by two");
    for (const name of ["app-one", "app-two"]) builder.repository(name).mount(shared);
    const all = builder.blob("shared by all");
    for (const name of ["app-one", "app-two", "else"]) builder.repository(name).mount(all);
    const both = builder.repository("app-one").push("shared as well");
    builder.repository("app-two").mount(both);
    builder.repository("else").image({ layers: ["kept"], tag: "1" });
    const { exitCode, stdout } = await regcheck([
      written(builder.tree),
      "--repository",
      glob,
      "--dry-run",
      "--registry-stopped",
      "--max-delete=100%",
      "--format",
      "json",
    ]);
    expect(exitCode).toBe(0);
    expect((JSON.parse(stdout) as Report).plan.items["blob"]).toBe(blobs);
  });

  test("says so in every format that has room for it", async () => {
    const note = "Only repositories that match team/web, 1 of 15; the totals are of the whole registry.";
    const { stdout: text } = await run("team/web");
    expect(text).toContain(`\n${note}\n`);
    expect(text).toMatch(/\n\nReclaimable in team\/web\n/);
    expect(text.trimEnd()).toMatch(/ reclaimable in team\/web$/);
    const { stdout: page } = await run("team/web", "--format", "html");
    expect(page).toContain(`<p class="note">${note}</p>`);
    expect(page).not.toContain("to reclaim belong to no single one");
    const { stdout: line } = await run("team/web", "--format", "ndjson");
    expect(line).toMatch(/^\{"type":"report",.*"filter":\{"repository":"team\/web"\}/);
    const { stdout: metrics } = await run("team/web", "--format", "prometheus");
    const samples = metrics.split("\n").filter((one) => /^[^#]/.test(one));
    expect(samples.filter((one) => !one.includes('repository="team/web"'))).toEqual([]);
  });

  test("is refused where none matches: a slip would look like a sound repository", async () => {
    const { exitCode, stdout, stderr } = await run("team/wbe", "--quiet");
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(
      /^regcheck: --repository team\/wbe: matches none of the 15 repositories, such as team\/web, \S+, \S+\n$/,
    );
  });
});
