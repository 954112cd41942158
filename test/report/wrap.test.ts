import { stripVTControlCharacters, styleText } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { wrapLines, wrapText } from "#regcheck/report/wrap.js";

const DIGEST = `sha256:${"5e".repeat(32)}`;

describe("a text that is wrapped", () => {
  test("keeps a number with its unit", () => {
    expect(wrapText(`${DIGEST}  559 B`, { width: 82 }, "    ")).toEqual([`    ${DIGEST}  559 B`]);
    expect(wrapText(`${DIGEST}  559 B`, { width: 81 }, "    ")).toEqual([`    ${DIGEST}`, "    559 B"]);
    expect(wrapText("read in 4 min 10 s, 12 blobs", { width: 12 })).toEqual(["read in", "4 min 10 s,", "12 blobs"]);
  });

  test("has no stray blank where a line begins or ends, and loses nothing else", () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z0-9:]{1,12}$/), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 20, max: 60 }),
        (words, width) => {
          const rows = wrapText(words.join(" "), { width }, "    ", "      ");
          for (const [i, row] of rows.entries()) {
            expect(row).toMatch(i === 0 ? /^ {4}\S(?:.*\S)?$/ : /^ {6}\S(?:.*\S)?$/);
            expect(row.length).toBeLessThanOrEqual(width);
          }
          expect(rows.map((row) => row.trim()).join(" ")).toBe(words.join(" "));
        },
      ),
    );
  });

  test("never breaks a digest or a path, however narrow the terminal is", () => {
    expect(wrapText(`it is a layer of ${DIGEST}, and more`, { width: 30 }, "  ")).toEqual([
      "  it is a layer of",
      `  ${DIGEST},`,
      "  and more",
    ]);
  });

  test("in ASCII takes no character that the locale lacks", () => {
    expect(wrapLines(["  → push … again"], { width: 14, ascii: true })).toEqual(["  -> push ...", "     again"]);
  });

  test("in a pipe stays a line", () => {
    expect(wrapText("a ".repeat(100), { width: undefined }, "  ")).toEqual([`  ${"a ".repeat(100)}`]);
  });
});

describe("lines that are wrapped", () => {
  test.each([
    ["  → push the image again", ["  → push the", "    image", "    again"]],
    ["    because it is so", ["    because it", "    is so"]],
    ["  passed   max-delete: none of 3", ["  passed   max-delete:", "           none of 3"]],
  ])("go on below their text: %j", (line, wrapped) => {
    expect(wrapLines([line], { width: line.includes("passed") ? 22 : 14 })).toEqual(wrapped);
  });

  test("do so behind a coloured word", () => {
    const line = `  ${styleText("red", "REFUSES", { validateStream: false })}  no-writers: it takes writes`;
    const [first = "", ...rest] = wrapLines([line], { width: 24 });
    expect(first.startsWith("  \u001b[31mREFUSES\u001b[39m  no-writers:")).toBe(true);
    expect([first, ...rest].map((one) => stripVTControlCharacters(one))).toEqual([
      "  REFUSES  no-writers:",
      "           it takes",
      "           writes",
    ]);
  });

  test("are left alone where they are a command", () => {
    const command = "  redis-cli --scan --pattern 'blobs::*' | xargs -r redis-cli del";
    expect(wrapLines([command], { width: 20 })).toEqual([command]);
  });
});
