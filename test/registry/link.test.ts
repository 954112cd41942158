import { describe, expect, test } from "vitest";
import { parseLink } from "#regcheck/registry/link.js";

const DIGEST = `sha256:${"ab".repeat(32)}`;
const LONG = `sha512:${"cd".repeat(64)}`;

describe("parseLink", () => {
  test.each([DIGEST, LONG])("%s", (text) => {
    expect(parseLink(Buffer.from(text))).toEqual({ digest: expect.objectContaining({ hex: text.slice(7) }) as unknown });
  });

  test.each([
    ["nothing", "", { kind: "empty" }],
    ["a newline behind it: the registry never trims (D#2635)", `${DIGEST}\n`, { kind: "padded" }],
    ["white space before it", ` ${DIGEST}`, { kind: "padded" }],
    ["a byte order mark", `\u{feff}${DIGEST}`, { kind: "binary", bytes: 74 }],
    ["half of it", DIGEST.slice(0, 40), { kind: "no-digest", text: DIGEST.slice(0, 40) }],
    ["zeros, as after a crash", "\0".repeat(71), { kind: "zeros", bytes: 71 }],
    ["a part of it, then zeros", `${DIGEST.slice(0, 40)}${"\0".repeat(31)}`, { kind: "binary", bytes: 71 }],
    ["two of them", DIGEST + DIGEST, { kind: "no-digest", text: (DIGEST + DIGEST).slice(0, 80) }],
    ["far too much", "x".repeat(257), { kind: "too-long", maxBytes: 256 }],
    ["a path", "../../../../etc/passwd", { kind: "no-digest", text: "../../../../etc/passwd" }],
    ["an algorithm that is none", `md5:${"ab".repeat(16)}`, { kind: "no-digest", text: `md5:${"ab".repeat(16)}` }],
  ])("%s is a problem", (_, text, problem) => {
    const parsed = parseLink(Buffer.from(text));
    expect("problem" in parsed && parsed.problem).toEqual(problem);
  });
});
