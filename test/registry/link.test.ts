import { describe, expect, test } from "vitest";
import { parseLink } from "#regcheck/registry/link.js";

const DIGEST = `sha256:${"ab".repeat(32)}`;
const LONG = `sha512:${"cd".repeat(64)}`;

describe("parseLink", () => {
  test.each([DIGEST, LONG])("%s", (text) => {
    expect(parseLink(Buffer.from(text))).toEqual({ digest: expect.objectContaining({ hex: text.slice(7) }) as unknown });
  });

  test.each([
    ["nothing", "", "the link is empty"],
    [
      "a newline behind it: the registry never trims (D#2635)",
      `${DIGEST}\n`,
      "a digest with white space around it, which the registry does not trim",
    ],
    ["white space before it", ` ${DIGEST}`, "a digest with white space around it"],
    ["a byte order mark", `\u{feff}${DIGEST}`, "the link holds 74 bytes that are no text"],
    ["half of it", DIGEST.slice(0, 40), '"sha256:ababab'],
    ["zeros, as after a crash", "\0".repeat(71), "the link holds 71 zero bytes, as a power loss leaves them"],
    ["a part of it, then zeros", `${DIGEST.slice(0, 40)}${"\0".repeat(31)}`, "the link holds 71 bytes that are no text"],
    ["two of them", DIGEST + DIGEST, "which is no digest"],
    ["far too much", "x".repeat(257), "longer than 256 bytes"],
    ["a path", "../../../../etc/passwd", "which is no digest"],
    ["an algorithm that is none", `md5:${"ab".repeat(16)}`, "which is no digest"],
  ])("%s is a problem", (_, text, problem) => {
    expect(parseLink(Buffer.from(text))).toEqual({ problem: expect.stringContaining(problem) as unknown });
  });

  test("a problem quotes no more than a line", () => {
    const parsed = parseLink(Buffer.from("\u001b[31m".repeat(50)));
    expect("problem" in parsed && parsed.problem.length < 700 && !parsed.problem.includes("\u001b")).toBe(true);
  });
});
