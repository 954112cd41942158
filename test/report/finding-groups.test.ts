import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { RegistryBuilder, V2 } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { temporaryDirectory, written } from "../support/temporary.js";

describe("findings of one code and two severities", () => {
  const CODE = "tag-without-current";

  /** The text report and the page of a registry with both. */
  async function reports(): Promise<{ readonly text: string; readonly page: string }> {
    const registry = new RegistryBuilder();
    for (const name of ["lost", "mild"]) registry.repository(name).image({ tag: "v1" });
    registry.tree.remove(`${V2}/repositories/lost/_manifests/tags/v1/current`);
    const directory = written(registry.tree);
    // By path, those that hold nothing back come before the one that does, and after it.
    for (const tag of ["lost/_manifests/tags/a", "mild/_manifests/tags/empty"])
      fs.mkdirSync(path.join(directory, V2, "repositories", tag));
    const output = path.join(temporaryDirectory(), "report.html");
    const { stdout: text } = await regcheck([directory, "--grace", "0", "--format", "text", "--output", output]);
    return { text, page: fs.readFileSync(output, "utf8") };
  }

  test("are told apart in text, errors first, and only what holds its repository back is said to", async () => {
    const { text } = await reports();
    const told = text.split("\n\n").filter((paragraph) => paragraph.includes(` ${CODE} (`));
    expect(told.map((paragraph) => paragraph.split(":", 1)[0])).toEqual([`✗ ${CODE} (1 error)`, `! ${CODE} (2 warnings)`]);
    expect(told.map((paragraph) => paragraph.includes("Holds its repository back"))).toEqual([true, false]);
    expect(text).toContain("1 error, 2 warnings");
  });

  test("are told apart in HTML", async () => {
    const { page } = await reports();
    const groups = [...page.matchAll(/<details class="code (\w+)"[^]*?<\/details>/g)].filter(([group]) => group.includes(CODE));
    const what = groups.map(([group, severity]) => [
      severity,
      group.split("<li>").length - 1,
      group.includes("Holds its repository back"),
    ]);
    expect(what).toEqual([
      ["error", 1, true],
      ["warning", 2, false],
    ]);
  });

  test("count as errors in the picture and the table where they are errors", async () => {
    const { page } = await reports();
    expect(page).toMatch(/<title>lost: [^<]*; 1 error<\/title>/);
    expect(page).toMatch(/<title>mild: [^<;]*<\/title>/);
    const cells = [...page.matchAll(/<th scope="row">(\w+)<\/th>[^]*?([\d–]+)<\/td>\s*<\/tr>/g)];
    expect(cells.map(([, name, errors]) => [name, errors])).toEqual(
      expect.arrayContaining([
        ["lost", "1"],
        ["mild", "–"],
      ]),
    );
  });
});
