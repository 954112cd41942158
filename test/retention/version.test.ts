import { describe, expect, test } from "vitest";
import { parseVersion, rankByVersion } from "#regcheck/retention/version.js";

describe("the version that a tag names", () => {
  test.each([
    ["1.2.3", "1.2.3"],
    ["v1.2.3", "1.2.3"],
    ["1.2", "1.2.0"],
    ["v1.2-rc.1", "1.2.0-rc.1"],
    ["1.2_build.5", "1.2.0"],
    ["1.2.3-rc.1_build.5", "1.2.3-rc.1"],
    ["10.0.0", "10.0.0"],
    ["01.2.3", "1.2.3"],
    ["v24.04", "24.4.0"],
    ["2024.05.01", "2024.5.1"],
    ["1.00.0", "1.0.0"],
    ["24.04-rc.01", "24.4.0-rc.1"],
    ["1.4.0-0123456", "1.4.0-123456"],
    ["1.4.0-a-01.0", "1.4.0-a-01.0"],
    ["1.2.3_a_b", "1.2.3"],
    ["1.2.3-x_a+b", "1.2.3-x"],
  ])("%s is %s", (tag, version) => {
    expect(parseVersion(tag)?.version).toBe(version);
  });

  test.each([
    "1",
    "v7",
    "20240131",
    "latest",
    "vnext",
    "1.2.3.4",
    "1.2.x",
    "release-1.2.3",
    "1.2.3-",
    "99999999999999999999.0.0",
  ])("%s is none", (tag) => {
    expect(parseVersion(tag)).toBeUndefined();
  });

  test("orders tags, with pre-releases before the release, and build data without a rank of its own", () => {
    const tags = ["v1.10.0", "v1.9.0", "latest", "1.10.0-rc.2", "1.10.0-rc.10", "1.10", "1.9.0_a", "1.9.0_b"];
    expect(rankByVersion(tags.map((name) => ({ name, pushed: 0 })))).toEqual([3, 0, undefined, 1, 2, 3, 0, 0]);
  });

  test.each([
    ["a distribution's revisions", ["1.25.3-debian-9-r12", "1.25.3-debian-12-r7", "1.25.3-debian-12-r9", "1.25.3-debian-12-r10"]],
    ["candidates without a dot", ["v2.0.0-beta11", "v2.0.0-rc8", "v2.0.0-rc9", "v2.0.0-rc10", "v2.0.0-rc11", "v2.0.0"]],
    ["what is longer than a number can be", ["1.0.0-r9", "1.0.0-r20240131120000123456", "1.0.0-r20240131120000123457"]],
    ["numbers, then texts, and fewer of them first", ["1.0.0-9", "1.0.0-10", "1.0.0-a", "1.0.0-a.1", "1.0.0-a-", "1.0.0-a1"]],
  ])("takes digits in a pre-release for numbers: %s", (_, tags) => {
    const ranks = rankByVersion(tags.toReversed().map((name) => ({ name, pushed: 0 })));
    expect(ranks).toEqual([...tags.keys()].toReversed());
  });

  test("zeros before such a number make no difference", () => {
    const tags = ["1.0.0-r08", "1.0.0-r8", "1.0.0-r008.01", "1.0.0-r9"];
    expect(rankByVersion(tags.map((name) => ({ name, pushed: 0 })))).toEqual([0, 0, 1, 2]);
  });

  test("has no place in the order where it only looks like one", () => {
    const tags = ["24.04", "24.10", "24.10.1.2", "v1.2.x", "99999999999999999999.0.0", "1.2.3-", "20240131", "nightly-1.2"];
    const none = "unordered";
    expect(rankByVersion(tags.map((name) => ({ name, pushed: 0 })))).toEqual([
      0,
      1,
      none,
      none,
      none,
      none,
      undefined,
      undefined,
    ]);
  });
});
