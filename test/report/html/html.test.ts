import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CATALOGUE } from "#regcheck/report/catalogue.js";
import type { Finding } from "#regcheck/mark/finding.js";
import { shareOut, SHOWN_FINDINGS } from "#regcheck/report/html/findings.js";
import { formatHtml } from "#regcheck/report/html/html.js";
import { escapeForHtml } from "#regcheck/report/html/markup.js";
import { partsOf } from "#regcheck/report/html/parts.js";
import type { Report } from "#regcheck/report/report.js";
import { manyFindings, reportOf, repositoryOf } from "../../support/report.js";

function pageOf(report: Report): string {
  return [...formatHtml(report, { name: "regcheck", version: "1.2.3" }, 1)].join("");
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

describe("the HTML report", () => {
  const cause = { kind: "link-problem", problem: { kind: "empty" } } as const;
  const finding: Finding = { code: "tag-link-invalid", path: "a/path", repository: "team/app", tag: "v1", cause };

  test("allows its own style and script by their hashes, and nothing else", () => {
    const page = pageOf(reportOf([finding]));
    const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(page)?.[1]?.split("; ") ?? [];
    const style = /<style>([^]*?)<\/style>/.exec(page)?.[1] ?? "";
    const script = /<script>([^]*?)<\/script>/.exec(page)?.[1] ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`style-src ${hashOf(style)}`);
    expect(policy).toContain(`script-src ${hashOf(script)}`);
    expect(policy.filter((rule) => /unsafe|\*|https?:/.test(rule))).toEqual([]);
    // Such a policy would silence these.
    expect(page).not.toMatch(/<[^>]+\s(?:style|on[a-z]+)=/);
    expect(page.match(/<style|<script/g)).toHaveLength(2);
  });

  test("names no other place: nothing is loaded", () => {
    const page = pageOf(reportOf([finding]));
    expect(page).not.toMatch(/https?:|url\(|@import/);
    expect(page.match(/(?:src|href)="[^"]*"/g)).toEqual(['href="data:,"']);
  });

  test.each([
    [{}, "SOUND"],
    [{ complete: false }, "INCOMPLETE"],
    [{ severities: { error: 0, warning: 1, garbage: 0, info: 0 } }, "SERVING, with warnings"],
    [{ severities: { error: 2, warning: 1, garbage: 0, info: 0 } }, "DAMAGED"],
  ])("has the verdict on top, as the text report has it: %j", (change, word) => {
    const page = pageOf(reportOf([], change));
    expect(page).toContain(`<strong>${word}</strong>`);
    expect(page).toContain(`<title>${word}: /var/lib/registry`);
  });

  test("says what was verified, and which part of all blobs that is", () => {
    const verified = { part: 1, parts: 1, blobs: 12, bytes: 3.4e9, vouchedBytes: 0 };
    expect(pageOf(reportOf([], { verified }))).toMatch(/<dt>verified<\/dt>\s*<dd>3.40 GB<\/dd>/);
    expect(pageOf(reportOf([], { verified: { ...verified, part: 2, parts: 7 } }))).toContain("<dt>verified, part 2 of 7</dt>");
    expect(pageOf(reportOf([]))).not.toContain("<dt>verified");
  });

  test("has the finding, with what it means and what to do", () => {
    const page = pageOf(reportOf([finding]));
    expect(page).toContain("team/app:v1");
    expect(page).toContain("<i>the link is empty</i>");
    expect(page).toContain("a/path");
    expect(page).toContain(escapeForHtml(CATALOGUE["tag-link-invalid"].meaning));
    expect(page).toContain(escapeForHtml(CATALOGUE["tag-link-invalid"].remedy));
    expect(page).toContain("Holds its repository back");
  });

  test("shows each finding once, and says how many it leaves out", () => {
    const page = pageOf(reportOf(manyFindings(1234)));
    expect(page.match(/<li><b>/g)).toHaveLength(1234);
    expect(page).not.toContain("more. All of them");
    const more = pageOf(reportOf(manyFindings(SHOWN_FINDINGS + 6000)));
    expect(more.match(/<li><b>/g)?.length).toBeGreaterThan(SHOWN_FINDINGS - 10);
    expect(more.match(/<li><b>/g)?.length).toBeLessThanOrEqual(SHOWN_FINDINGS);
    expect(more).toMatch(/… and 1,00[01] more\. All of them: <code>--format json<\/code>/);
  });

  test("when not all can be shown, codes with few findings show all of them", () => {
    const groups = [3, 500, 9000].map((count) => ({ count }));
    const shares = shareOut(groups, 703);
    expect(groups.map((group) => shares.get(group))).toEqual([3, 350, 350]);
  });

  test("comes in pieces: millions of findings are never one text", () => {
    const pieces = [...formatHtml(reportOf(manyFindings(5000)), { name: "regcheck", version: "1.2.3" }, 0)];
    expect(pieces.length).toBeGreaterThan(5000);
  });
});

describe("names from the storage", () => {
  const tags = (page: string): string[] => page.match(/<[^>]*>/g)?.map((tag) => tag.replace(/"[^"]*"/g, '""')) ?? [];
  const named = (name: string): string =>
    pageOf(
      reportOf([{ code: "tag-name-invalid", path: name, repository: name, tag: name, cause: { kind: "fault", fault: name } }], {
        storage: { driver: "filesystem", location: name },
        notices: [name],
        repositories: [repositoryOf(name, { bytes: 1000, exclusiveBytes: 1000 })],
      }),
    );

  test("cannot become markup", () => {
    const page = named(`"><script>alert(1)</script><img src=x onerror='alert(2)'>`);
    expect(page).not.toMatch(/<script>alert|<img/);
    expect(page).toContain("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
  });

  test("make no difference to the page's structure, whatever they are, and show what would act", () => {
    const name = fc.oneof(
      fc.string({ unit: "binary", minLength: 1 }),
      fc.string({ unit: fc.constantFrom("<", ">", "&", '"', "'", "/", "=", " ", "\u0000", "\n", "\u202e", "a"), minLength: 1 }),
    );
    const plain = tags(named("a"));
    fc.assert(
      fc.property(name, (some) => {
        const page = named(some);
        expect(tags(page)).toEqual(plain);
        expect(page.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe("a repository's parts", () => {
  test("add up to its bytes, whatever is held and shared", () => {
    const bytes = fc.integer({ min: 0, max: 1000 });
    fc.assert(
      fc.property(bytes, bytes, bytes, bytes, (live, shared, reclaimable, held) => {
        const exclusiveBytes = live + reclaimable;
        const all = {
          bytes: exclusiveBytes + shared,
          exclusiveBytes,
          reclaimableBytes: reclaimable,
          heldBytes: Math.min(held, live + shared),
        };
        const parts = partsOf(repositoryOf("team/app", all));
        expect(parts.live + parts.shared + parts.reclaimable + parts.held).toBe(all.bytes);
        expect(Math.min(...Object.values(parts))).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
