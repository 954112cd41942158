import { describe, expect, test } from "vitest";
import type { Finding } from "#regcheck/mark/finding.js";
import { parseLink } from "#regcheck/registry/link.js";
import { Digest } from "#regcheck/registry/digest.js";
import { CATALOGUE } from "#regcheck/report/catalogue.js";
import { linkWords } from "#regcheck/report/cause-words.js";
import { caseOf, detailOf } from "#regcheck/report/finding-words.js";
import { sha256 } from "../support/builder.js";

const MANIFEST = sha256("a manifest");
const manifest = Digest.fromParts("sha256", MANIFEST.slice("sha256:".length)) ?? expect.unreachable();

describe("a finding in English", () => {
  test.each<[string, Partial<Finding>, string | undefined]>([
    ["nothing but its code", {}, undefined],
    ["what it is used by", { usedBy: { digest: manifest, as: "config" } }, `it is the config of ${MANIFEST}`],
    [
      "what was found, then what it is used by",
      { cause: { kind: "size", stored: 1, expected: 2 }, usedBy: { digest: manifest, as: "layer" } },
      `1 bytes are stored, 2 expected; it is a layer of ${MANIFEST}`,
    ],
    [
      "an alias that is lost, after its use",
      { cause: { kind: "lost-alias" }, usedBy: { digest: manifest, as: "layer" } },
      `it is a layer of ${MANIFEST}; which blob that is only the link tells: all that the repository's layer links name is kept, and every blob of the size that a manifest says`,
    ],
  ])("%s", (_, more, detail) => {
    const finding: Finding = { code: "blob-missing", path: "a/path", ...more };
    expect(detailOf(finding)).toBe(detail);
    const { meaning } = CATALOGUE["blob-missing"];
    expect(caseOf(finding)).toBe(detail === undefined ? meaning : `${meaning}; ${detail}`);
  });

  test("that a missing manifest is not stored is said once", () => {
    const damage: Finding = {
      code: "manifest-missing",
      path: "a/path",
      cause: { kind: "manifest-damage", damage: { kind: "missing" } },
    };
    expect(caseOf(damage)).toBe("a revision link names a manifest whose blob is not stored");
  });

  test("a link's content is quoted on one line, and cut", () => {
    const parsed = parseLink(Buffer.from('\n"'.repeat(50)));
    const words = "problem" in parsed ? linkWords(parsed.problem) : "";
    expect(words).toMatch(/^the link holds "[ -~]{160}", which is no digest$/);
  });
});
