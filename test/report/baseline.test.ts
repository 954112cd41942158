import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Finding } from "#regcheck/mark/finding.js";
import { Digest } from "#regcheck/registry/digest.js";
import { BaselineFindings, compareFindings } from "#regcheck/report/baseline.js";
import { FingerprintSet } from "#regcheck/report/fingerprint-set.js";
import { sha256 } from "../support/builder.js";
import { manyFindings } from "../support/report.js";

function compare(before: readonly Finding[], now: readonly Finding[]) {
  const findings = new BaselineFindings();
  for (const { digest, ...finding } of before) findings.add({ ...finding, digest: digest?.toString() });
  return compareFindings({ startedAt: 0, complete: true, findings }, now, () => true);
}

const finding: Finding = {
  code: "tag-dangling",
  path: "docker/registry/v2/repositories/team/app/_manifests/tags/1/current/link",
  repository: "team/app",
  tag: "1",
  digest: Digest.parse(sha256("x")),
  bytes: 7,
  recoverable: true,
  uploadId: "upload 1",
};

describe("a finding", () => {
  test.each<Partial<Finding>>([
    {},
    { bytes: 8 },
    { cause: { kind: "fault", fault: "in other words" } },
    { recoverable: false },
    { reclaimable: true },
    { tag: "2" },
  ])("that differs by %j is the same", (change) => {
    expect(compare([finding], [{ ...finding, ...change }])).toMatchObject({ new: 0, gone: 0, newByCode: {}, goneByCode: {} });
  });

  test("of a bucket's rule is the same whatever object it is shown by, and another one by another rule", () => {
    const of = (rule: string | undefined, path: string): Finding => ({ code: "bucket-expires", path, rule });
    expect(compare([of("old", "a")], [of("old", "b")])).toMatchObject({ new: 0, gone: 0 });
    expect(compare([of("old", "a")], [of("new", "a")])).toMatchObject({ new: 1, gone: 1 });
    expect(compare([of("old", "a")], [of(undefined, "a")])).toMatchObject({ new: 1, gone: 1 });
  });

  test.each<Partial<Finding>>([
    { code: "tag-link-invalid" },
    { path: "elsewhere" },
    { repository: "team/web" },
    { digest: Digest.parse(sha256("y")) },
    { digest: undefined },
    { uploadId: "upload 2" },
  ])("that differs by %j is another one", (change) => {
    const now = { ...finding, ...change };
    const { isNew, ...counts } = compare([finding], [now]);
    expect(counts).toMatchObject({ new: 1, gone: 1, newByCode: { [now.code]: 1 }, goneByCode: { "tag-dangling": 1 } });
    expect([isNew(now), isNew(finding)]).toEqual([true, false]);
  });

  test("that was a warning and is an error is another one, and so is the reverse", () => {
    const empty = { code: "tag-without-current", path: "tags/1", reclaimable: true } as const;
    const lost = { ...empty, reclaimable: false } as const;
    const known = (severity: string, one: Finding): BaselineFindings => {
      const findings = new BaselineFindings();
      findings.add({ code: one.code, path: one.path, severity });
      return findings;
    };
    expect([known("warning", empty).has(empty), known("error", lost).has(lost)]).toEqual([true, true]);
    expect([known("warning", empty).has(lost), known("error", lost).has(empty)]).toEqual([false, false]);
  });

  test("about an unreferenced blob is the same when its repository's last link goes", () => {
    const blob: Finding = { ...finding, code: "blob-unreferenced" };
    expect(compare([blob], [{ ...blob, repository: undefined }])).toMatchObject({ new: 0, gone: 0 });
  });
});

test("new findings are counted by their severity", () => {
  const untagged: Finding = { code: "manifest-unreferenced", path: "x" };
  const now = [finding, untagged, { ...untagged, path: "y", reclaimable: true }];
  expect(compare([], now).newSeverities).toEqual({ error: 1, warning: 0, garbage: 1, info: 1 });
});

test("among very many findings just those that differ are found", () => {
  const all = manyFindings(100_000);
  const { isNew, ...counts } = compare(all.slice(3), all.slice(0, -2));
  expect(counts).toMatchObject({ new: 3, gone: 2 });
  expect(all.filter(isNew)).toEqual(all.slice(0, 3));
});

test("a set of fingerprints holds what was added, whatever their bits", () => {
  // Few different halves, so that many land in the same slot.
  const half = fc.oneof(fc.integer({ min: 0, max: 7 }), fc.constantFrom(1024, 2048, 4096, 0xffffffff));
  const fingerprint = fc.record({ low: half, high: half }).filter(({ low, high }) => low !== 0 || high !== 0);
  const key = ({ low, high }: { low: number; high: number }): string => `${low} ${high}`;
  fc.assert(
    fc.property(fc.array(fingerprint, { maxLength: 60 }), fc.array(fingerprint, { maxLength: 60 }), (added, asked) => {
      const set = new FingerprintSet();
      const model = new Map<string, number>();
      for (const [i, one] of added.entries()) {
        set.add(one, i);
        if (!model.has(key(one))) model.set(key(one), i);
      }
      expect(set.size).toBe(model.size);
      expect(asked.map((one) => set.tick(one))).toEqual(asked.map((one) => model.has(key(one))));
      const left = new Map(model);
      for (const one of asked) left.delete(key(one));
      const unticked: number[] = [];
      set.forEachUnticked((value) => unticked.push(value));
      expect(unticked.sort((a, b) => a - b)).toEqual([...left.values()].sort((a, b) => a - b));
    }),
  );
});
