import { describe, expect, test, vi } from "vitest";
import { parsePage } from "#regcheck/storage/s3/page.js";

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">';
const object = (key: string, etag = "&quot;d41d8cd98f00b204e9800998ecf8427e&quot;", rest = ""): string =>
  `<Contents><Key>${key}</Key><LastModified>2024-01-02T03:04:05.678Z</LastModified><ETag>${etag}</ETag><Size>71</Size>${rest}</Contents>`;
const page = (body: string, truncated = "<IsTruncated>false</IsTruncated>"): string =>
  `${HEAD}${truncated}${body}</ListBucketResult>`;

describe("parsePage", () => {
  test("objects, the token, and the end", () => {
    const xml = page(
      `<Name>b</Name>${object("a/b")}${object("a/c")}<NextContinuationToken>1/x=&amp;</NextContinuationToken>`,
      "<IsTruncated>true</IsTruncated>",
    );
    const { objects, isTruncated, nextToken } = parsePage(xml);
    expect(objects.map(({ key }) => key)).toEqual(["a/b", "a/c"]);
    expect(objects[0]).toEqual({ key: "a/b", size: 71, etag: "d41d8cd98f00b204e9800998ecf8427e", modified: 1_704_164_645 });
    expect([isTruncated, nextToken]).toEqual([true, "1/x=&"]);
  });

  test.each([
    ["&lt;&amp;&gt;&apos;&quot;", `<&>'"`],
    ["&#x1;&#10;&#x1F600;", "\u0001\n\u{1f600}"],
    ["naïve/日本", "naïve/日本"],
  ])("the key %s", (written, key) => {
    expect(parsePage(page(object(written))).objects[0]?.key).toBe(key);
  });

  test.each([
    ['"abc-1"', "abc-1"],
    ["abc", "abc"],
    ["&#34;abc&#34;", "abc"],
    ["", ""],
  ])("the ETag %s", (written, etag) => {
    expect(parsePage(page(object("k", written))).objects[0]?.etag).toBe(etag);
  });

  test("common prefixes, which are no token and no key", () => {
    const xml = page(
      `<CommonPrefixes><Prefix>a&amp;b/</Prefix></CommonPrefixes><CommonPrefixes>\n<Prefix>c/</Prefix></CommonPrefixes>`,
    );
    expect(parsePage(xml)).toEqual({ objects: [], prefixes: ["a&b/", "c/"], isTruncated: false, nextToken: undefined });
  });

  test("a time without a zone is UTC, wherever this runs", () => {
    vi.stubEnv("TZ", "Asia/Tokyo");
    const objects = ["05.678Z", "05.678", "05"].map((end) => parsePage(page(object("k").replace("05.678Z", end))).objects[0]);
    vi.unstubAllEnvs();
    expect(objects.map((one) => one?.modified)).toEqual([1_704_164_645, 1_704_164_645, 1_704_164_645]);
  });

  test.each([
    ["0001-01-01T00:00:00Z", 0xffffffff],
    ["1969-12-31T23:59:59Z", 0xffffffff],
    ["1970-01-01T00:00:00Z", 0],
    ["2300-01-01T00:00:00Z", 0xffffffff],
  ])("of %s, which no server has, the age is not known or the least", (date, modified) => {
    expect(parsePage(page(object("k").replace("2024-01-02T03:04:05.678Z", date))).objects[0]?.modified).toBe(modified);
  });

  test("an owner with an element of the same name as another", () => {
    const owner = "<Owner><ID>i</ID><DisplayName>d</DisplayName></Owner><StorageClass>STANDARD</StorageClass>";
    expect(parsePage(page(object("k", "e", owner))).objects).toHaveLength(1);
  });

  test.each([
    ["cut off", `${HEAD}${object("a")}`],
    ["cut off in an object", page(object("a")).slice(0, 150)],
    ["an error", "<Error><Code>InternalError</Code></Error>"],
    ["a page of a proxy", "<html><body>Bad gateway</body></html>"],
    ["an object without a key", page("<Contents><LastModified>2024-01-01T00:00:00Z</LastModified><Size>1</Size></Contents>")],
    ["an object with a size that is none", page(object("k").replace("71", "many"))],
    ["an object with a date that is none", page(object("k").replace("2024", "year"))],
    ["an object in another form", page(object("k").replace("<Contents>", "<Contents >"))],
    ["no word of whether there is more", page(object("k"), "")],
    ["nothing at all", "<ListBucketResult/>"],
  ])("%s is damaged, and worth another attempt", (_, xml) => {
    expect(() => parsePage(xml)).toThrow(expect.objectContaining({ name: "DamagedPage", $retryable: {} }));
  });
});
