import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parseGlob } from "#regcheck/registry/glob.js";
import { temporaryDirectory } from "../support/temporary.js";

const NAMES =
  "v v0 v1 v2 v07 v08 v8 v9 v10 v11 v12 v13 v1.0 v1.0-rc V1 pr-1 main latest a b c A team team/app team/web team/app/web ops ops/app teams teams/x web".split(
    " ",
  );

/** What bash makes of a glob among directories of these names. */
function matchedByBash(glob: string): string[] {
  const root = temporaryDirectory();
  for (const name of NAMES) fs.mkdirSync(path.join(root, name), { recursive: true });
  const options = ["extglob", "globstar", "nullglob"].flatMap((option) => ["-O", option]);
  // The options must be set before the line with the glob is parsed.
  const words = execFileSync("bash", [...options, "-c", String.raw`printf '%s\n' ${glob}`], {
    cwd: root,
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
    encoding: "utf8",
  });
  const found = new Set(words.split("\n").map((word) => word.replace(/\/$/, "")));
  return NAMES.filter((name) => found.has(name));
}

describe("a glob matches what it does in bash", () => {
  test.each([
    "*",
    "**",
    "v*",
    "v?",
    "[!v]*",
    "[^v]*",
    "v[!0-9]*",
    "v[!01]*",
    "[a-c]",
    "[A-C]*",
    "v[0-9]",
    "v{10..12}",
    "v{8..12}",
    "v{12..8}",
    "v{08..12}",
    "v{2..10}*",
    "v{7..08}",
    "{a..c}",
    "v1{,.*}",
    "v{{8..9},1*}",
    "{v1*,[!v]*}",
    "!(v*)",
    "!(v*|main)",
    "team/*",
    "team/**",
    "**/web",
    "team/**/web",
    "*/app",
    "{team,ops}/app",
    "{team/**,web}",
    "team/!(web)",
    "*/!(web|x)",
  ])("%s", (glob) => {
    const kind = glob.includes("**") || glob.includes("/") ? "repository" : "tag";
    const names = kind === "tag" ? NAMES.filter((name) => !name.includes("/")) : NAMES;
    expect(names.filter(parseGlob(glob, kind))).toEqual(matchedByBash(glob));
  });
});
