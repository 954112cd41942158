import { describe, expect, test } from "vitest";
import { formatText } from "#regcheck/report/text.js";
import { reportOf } from "../support/report.js";

/** The lines before the findings, from what was verified on. */
function headOf(change: Parameters<typeof reportOf>[1]): string[] {
  return formatText(reportOf([], change), { colour: false, width: undefined }).split("\n\n")[0]?.split("\n").slice(4) ?? [];
}

describe("the text report of what was verified", () => {
  const verified = { part: 1, parts: 1, blobs: 1200, bytes: 3.4e9, vouchedBytes: 0 };
  const storage = { driver: "s3", location: "s3://bucket" };
  const requests = { list: 20, get: 1200, head: 0, put: 0, delete: 0 };

  test.each([
    [undefined, []],
    [verified, ["verified 1,200 blobs, 3.40 GB"]],
    [{ ...verified, part: 2, parts: 7 }, ["verified 1,200 blobs, 3.40 GB (part 2 of 7)"]],
    [{ ...verified, vouchedBytes: 3e9 }, ["verified 1,200 blobs, 3.40 GB, 3.00 GB of it by the checksums that S3 keeps"]],
  ])("%j", (what, lines) => {
    expect(headOf({ verified: what })).toEqual(lines);
  });

  test("says that the price of the requests is not the price of reading it all", () => {
    const price = (more: object) => headOf({ storage, requests, requestCost: 0.0006, ...more }).at(-1);
    expect(price({})).toBe("1,220 requests (20 list, 1,200 get, 0 head), about $0.00060 at AWS's list prices");
    expect(price({ verified })).toMatch(/at AWS's list prices, without the transfer$/);
  });
});

test("no line is longer than a terminal of 20 columns", () => {
  const finding = {
    code: "blob-missing",
    path: "docker/registry/v2/blobs/sha256/aa/data",
    repository: "team/application",
    cause: { kind: "fault", fault: "it is a layer of something with a long name" },
  } as const;
  const text = formatText(reportOf([finding]), { colour: false, width: 20 });
  const long = text.split("\n").filter((line) => line.length > 20);
  expect(long.filter((line) => /\S \S/.test(line))).toEqual([]);
});
