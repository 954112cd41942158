import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluate } from "#regcheck/retention/evaluate.js";
import { parsePolicyFile } from "#regcheck/retention/policy-file.js";
import { arbitraryPolicies } from "../support/arbitrary-policies.js";
import { property, propertyRuns } from "../support/property.js";
import { judgeTags } from "../support/retention-oracle.js";

const TRIES = property(propertyRuns(500));
const NOW = 1_800_000_000;
const HOUR = 3600;

const NAMES = [
  "v1.0",
  "v1.0.0",
  "1.2.0",
  "v1.10",
  "latest",
  "main",
  "pr-1",
  "pr-2",
  "7",
  "v1.10-rc8",
  "v1.10-rc10",
  "1.2.0-debian-12-r7",
  "1.2.0-debian-12-r11",
] as const;
const policies = arbitraryPolicies({
  repositories: ["team/**", "team/*", "app"],
  tags: ["v*", "pr-*", "latest", "1.*", "sha256-*.sig", "*.att"],
  spans: ["1h", "2h", "3h", "1d"],
});
const IMAGES = 8;
const anyTag = fc.record({ image: fc.nat(IMAGES - 1), hours: fc.integer({ min: -1, max: 5 }), second: fc.nat(1) });

const anyRepository = fc.record({
  name: fc.constantFrom("app", "team/app", "team/app/web"),
  tags: fc.uniqueArray(fc.record({ name: fc.constantFrom(...NAMES), at: anyTag }), { selector: ({ name }) => name }),
  referrers: fc.array(fc.record({ subject: fc.nat(IMAGES - 1), at: anyTag }), { maxLength: 4 }),
  /** Only of images with a larger number: a digest cannot contain itself. */
  children: fc.array(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }), { minLength: IMAGES, maxLength: IMAGES }),
  others: fc.array(fc.nat(IMAGES - 1), { maxLength: 1 }),
  pinned: fc.array(fc.nat(IMAGES - 1), { maxLength: 1 }),
  grace: fc.constantFrom(0, HOUR),
});

/** The oracle knows by the tag what it is about: its digest here says nothing. */
function referrerName(i: number): string {
  return `sha256-${String(i).repeat(64)}${i % 2 === 0 ? ".sig" : ".att"}`;
}

test("what goes is what a naive oracle lets go, whatever the policies and the tags", () => {
  fc.assert(
    fc.property(policies, anyRepository, (file, { name, tags, referrers, children, others, pinned, grace }) => {
      const pushed = ({ hours, second }: { readonly hours: number; readonly second: number }): number =>
        NOW - hours * HOUR - second;
      const own = tags.map(({ name: tag, at }) => ({ name: tag, image: at.image, pushed: pushed(at) }));
      const about = referrers.map(({ subject, at }, i) => ({
        name: referrerName(i),
        image: at.image,
        pushed: pushed(at),
        subject,
      }));
      const below = (image: number): number[] =>
        (children[image] ?? []).map((step) => image + step).filter((child) => child < IMAGES);
      const { decisions, referrers: following } = evaluate(
        parsePolicyFile(JSON.stringify(file), "p.json"),
        { name, tags: own, referrers: about, others, forEachKept: (image, visit) => below(image).forEach(visit) },
        { now: NOW, grace, isPinned: (image) => pinned.includes(image), isPlanned: () => true },
      );
      const expected = judgeTags(
        file,
        {
          name,
          tags: [...own, ...about].map((tag) => ({
            ...tag,
            image: String(tag.image),
            subject: "subject" in tag ? String(tag.subject) : undefined,
          })),
          children: (image) => below(Number(image)).map(String),
          others: others.map(String),
        },
        { now: NOW, grace, isPinned: (image) => pinned.includes(Number(image)) },
      );
      const goes = [...own.filter((_, i) => decisions[i]?.goes === true), ...about.filter((_, i) => following[i]?.goes === true)];
      expect(goes.map((tag) => tag.name)).toEqual(expected);
    }),
    TRIES.options,
  );
});
