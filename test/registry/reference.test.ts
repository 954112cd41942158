import { describe, expect, test } from "vitest";
import { isRepositoryName, isTagName } from "#regcheck/registry/reference.js";

describe("isRepositoryName", () => {
  test.each([
    "nginx",
    "library/nginx",
    "a/b/c/d/e",
    "a.b_c__d-e---f/0",
    "list",
    "my.host/app",
    "My.Host/app",
    "LOCALHOST/app",
    "a".repeat(255),
    `mirror.example.com/${"a".repeat(255)}`,
    `mirror/${"a".repeat(255)}`,
  ])("%s is one", (name) => expect(isRepositoryName(name)).toBe(true));

  test.each([
    "",
    "Nginx",
    "team/Api",
    "/app",
    "app/",
    "a//b",
    "_app",
    "app_",
    "a___b",
    "a..b",
    "a._b",
    "-app",
    "app/../other",
    "./app",
    "app name",
    "äpp",
    "app\n",
    "app:tag",
    "Host/",
    "a".repeat(256),
    `mirror.example.com/${"a".repeat(256)}`,
    `mirror__1/${"a".repeat(255)}`,
  ])("%j is none", (name) => expect(isRepositoryName(name)).toBe(false));
});

describe("isTagName", () => {
  test.each([
    "latest",
    "1",
    "V1.0-rc_1",
    "_layers",
    "_manifests",
    "list",
    "current",
    "index",
    "link",
    "sha256-ab.sig",
    "a".repeat(128),
  ])("%s is one", (name) => expect(isTagName(name)).toBe(true));

  test.each(["", ".hidden", "-latest", "a/b", "a b", "a:b", "latest\n", "tág", "a".repeat(129)])("%j is none", (name) =>
    expect(isTagName(name)).toBe(false),
  );
});
