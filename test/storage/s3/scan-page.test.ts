import crypto from "node:crypto";
import { describe, expect, test } from "vitest";
import { parsePage } from "#regcheck/storage/s3/page.js";
import { readPage } from "#regcheck/storage/s3/scan-page.js";
import { ScannedObjects } from "#regcheck/storage/s3/scanned-objects.js";

const KEYS = ["a/b", "a/b/c", "a/bc", "a/c", "b"];
const md5 = (text: string): string => crypto.hash("md5", text, "hex");
const DATE = "2024-01-02T03:04:05.678Z";
const OWNER = "<Owner><ID>i</ID><DisplayName>d</DisplayName></Owner>";

const page = (objects: readonly string[], more = ""): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>ä</Prefix>${objects.join("")}<IsTruncated>true</IsTruncated><NextContinuationToken>1/x=&amp;</NextContinuationToken>${more}</ListBucketResult>\n`;

/** What servers write of an object, each in its own order. */
const DIALECTS: Readonly<Record<string, (key: string) => string>> = {
  AWS: (key) =>
    `<Contents><Key>${key}</Key><LastModified>${DATE}</LastModified><ETag>&quot;${md5(key)}&quot;</ETag><ChecksumAlgorithm>CRC32</ChecksumAlgorithm><Size>71</Size><StorageClass>STANDARD</StorageClass></Contents>`,
  radosgw: (key) =>
    `<Contents><Key>${key}</Key><LastModified>${DATE}</LastModified><ETag>&quot;${md5(key)}&quot;</ETag><Size>${key.length}</Size><StorageClass>STANDARD</StorageClass>${OWNER}<Type>Normal</Type></Contents>`,
  versitygw: (key) =>
    `<Contents><ETag>&#34;${md5(key)}&#34;</ETag><Key>${key}</Key><LastModified>2024-01-02T03:04:0${key.length}Z</LastModified><Size>${key.length}</Size></Contents>`,
  "one with lines": (key) =>
    `<Contents>\n  <Key>${key}</Key>\n  <Size>0</Size>\n  <ETag>"${md5(key)}-2"</ETag>\n  <LastModified>${DATE}</LastModified>\n</Contents>`,
  "one without ETags": (key) =>
    `<Contents><Key>${key}</Key><LastModified>${DATE}</LastModified><Size>123456789012</Size></Contents>`,
};

describe("a page that is read from its bytes says what its text does", () => {
  test.each(Object.entries(DIALECTS))("as %s writes it", (_, object) => {
    const xml = page(KEYS.map(object), "<CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes>");
    const { objects, ...rest } = readPage(Buffer.from(xml));
    expect(objects).toBeInstanceOf(ScannedObjects);
    expect({ objects: [...objects], ...rest }).toEqual(parsePage(xml));
    expect([objects.at(0)?.key, objects.at(-1)?.key, objects.at(5)]).toEqual(["a/b", "b", undefined]);
  });

  const plain = DIALECTS["AWS"] ?? String;
  test.each([
    ["an entity in a key", plain("a&amp;b")],
    ["a key that is not ASCII", plain("ä")],
    ["a key twice in one object", plain("a").replace("</Contents>", "<Key>b</Key></Contents>")],
    ["an archived object", plain("a").replace("STANDARD", "GLACIER")],
    [
      "a copy of an archived one",
      plain("a").replace("STANDARD", "DEEP_ARCHIVE").replace("</Contents>", "<RestoreExpiryDate/></Contents>"),
    ],
    ["a quote within an ETag", plain("a").replace("<ETag>", "<ETag>&quot;")],
    ["a size in another form", plain("a").replace("71", "7.1e1")],
    ["no object", ""],
    ["another element between objects", `${plain("a")}<X></X>\n${plain("b")}`],
    ["more objects than S3 gives", Array.from({ length: 1001 }, (__, i) => plain(`k${1000 + i}`)).join("")],
  ])("with %s", (_, objects) => {
    const xml = page([objects]);
    const read = readPage(Buffer.from(xml));
    expect({ ...read, objects: [...read.objects] }).toEqual(parsePage(xml));
  });

  test.each([
    ["cut off", (xml: string) => xml.slice(0, -40)],
    ["cut off in an object", (xml: string) => xml.slice(0, 500)],
    ["that lacks a size", (xml: string) => xml.replaceAll(/<Size>\d+<\/Size>/g, "")],
    ["with a date that is none", (xml: string) => xml.replaceAll("2024", "year")],
    ["with an object in another form", (xml: string) => xml.replace("<Contents>", "<Contents >")],
    ["that does not say whether there is more", (xml: string) => xml.replace("IsTruncated", "Is")],
    [
      "with an end before its objects",
      (xml: string) => `<ListBucketResult></ListBucketResult>${xml.replaceAll("ListBucketResult", "L")}`,
    ],
  ])("one %s is damaged", (_, damage) => {
    const xml = damage(page(KEYS.map(plain)));
    expect(() => readPage(Buffer.from(xml))).toThrow(expect.objectContaining({ name: "DamagedPage", $retryable: {} }));
  });
});

describe("the order of the keys of a page", () => {
  const read = (...keys: readonly string[]): ScannedObjects => {
    const { objects } = readPage(Buffer.from(page(keys.map(DIALECTS["AWS"] ?? String))));
    if (!(objects instanceof ScannedObjects)) throw new Error("not scanned");
    return objects;
  };

  test("that of their bytes, behind what came before, all with the prefix", () => {
    expect(read(...KEYS).isOrdered("", "a/")).toBe(true);
    expect(read(...KEYS).isOrdered("", "a/b")).toBe(false);
    expect(read(...KEYS).isOrdered("a/", "")).toBe(false);
    expect(read(...KEYS.slice(0, 4)).isOrdered("a/", "")).toBe(true);
  });

  test.each([
    ["a key twice", ["a", "a"]],
    ["one that goes back", ["a/b", "a/a"]],
    ["one that goes back to what another begins with", ["a/b/c", "a/b"]],
  ])("not %s", (_, keys) => expect(read(...keys).isOrdered("", "")).toBe(false));

  test("up to a key", () => {
    const objects = read(...KEYS);
    objects.endAt("a/bc");
    expect(Array.from(objects, ({ key }) => key)).toEqual(["a/b", "a/b/c", "a/bc"]);
  });
});

test.each([
  ["", '""'],
  ["<Error><Code>InternalError</Code></Error>", "the error InternalError"],
  ["<html><Contents></html>", '"<html><Contents></html>"'],
])("what is no listing is told by what it is: %s", (body, told) =>
  expect(() => readPage(Buffer.from(body))).toThrow(`expected a listing, got ${told}`),
);
