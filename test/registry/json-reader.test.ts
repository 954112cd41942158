import fc from "fast-check";
import { expect, test } from "vitest";
import { FieldNames, JsonReader, NotJson } from "#regcheck/registry/json-reader.js";

/** Whether the text is one value of JSON. */
function isRead(text: string): boolean {
  const reader = new JsonReader(Buffer.from(text).toString("latin1"));
  try {
    reader.skip();
    reader.end();
    return true;
  } catch (error) {
    if (error instanceof NotJson) return false;
    throw error;
  }
}

function isParsed(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test("reads exactly what JSON.parse does", () => {
  const broken = fc.tuple(
    fc.json({ maxDepth: 4 }),
    fc.nat(),
    fc.constantFrom("", "{", "]", ",", ":", '"', "\\", "0", "1e", "\n", " ", "\0", "nul", "true"),
  );
  fc.assert(
    fc.property(broken, ([json, at, inserted]) => {
      const text = json.slice(0, at % (json.length + 1)) + inserted + json.slice((at % (json.length + 1)) + (at % 3));
      expect([isRead(json), isRead(text)]).toEqual([true, isParsed(text)]);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ["-0", 0],
  ["9223372036854775807", 2 ** 63],
  ["9223372036854775808", undefined],
  ["-9223372036854775809", undefined],
  ["1.0", undefined],
  ["1e2", undefined],
  ['"1"', undefined],
])("%s as an integer of 64 bits", (text, number) => {
  expect(new JsonReader(text).integer()).toEqual(number === 0 ? -0 : number);
});

test("finds a name as it is written before one that is written otherwise", () => {
  const names = new FieldNames("digest", "Size", "size");
  expect(["digest", "DIGEST", "Size", "size", "\u00C5\u00BFize", "sizes"].map((name) => names.find(name))).toEqual([
    "digest",
    "digest",
    "Size",
    "size",
    "size",
    undefined,
  ]);
});
