import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { mark } from "#regcheck/mark/mark.js";
import { Digest } from "#regcheck/registry/digest.js";
import { evaluate } from "#regcheck/retention/evaluate.js";
import { parsePolicyFile } from "#regcheck/retention/policy-file.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { RegistryBuilder, sha256 } from "../support/builder.js";
import type { Descriptor } from "../support/builder.js";
import { written } from "../support/temporary.js";

/** One of the worked examples that the documentation of retention is made of. */
interface Example {
  readonly title: string;
  readonly policy: string;
  readonly repository?: string;
  readonly tags?: Readonly<Record<string, readonly [image: string, age: string]>>;
  readonly children?: Readonly<Record<string, readonly string[]>>;
  readonly pins?: readonly string[];
  readonly problems?: Readonly<Record<string, string>>;
  readonly goes?: Readonly<Record<string, string>>;
  readonly error?: string;
}

const NOW = 1_800_000_000;
const SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

const examples = parse(fs.readFileSync(path.join(import.meta.dirname, "examples.yaml"), "utf8")) as readonly Example[];

function seconds(age: string): number {
  return Number(age.slice(0, -1)) * (SECONDS[age.slice(-1)] ?? Number.NaN);
}

/** What goes, with the reason. */
function judge({ policy, repository = "app", tags = {}, children = {}, pins = [], problems = {} }: Example) {
  const numbers = new Map<string, number>();
  const numberOf = (image: string): number => {
    const known = numbers.get(image) ?? numbers.size;
    numbers.set(image, known);
    return known;
  };
  const judged = Object.entries(tags).flatMap(([name, [image, age]]) =>
    name in problems ? [] : [{ name, image: numberOf(image), pushed: NOW - seconds(age) }],
  );
  const subjectOf = (name: string): string | undefined => /^\$(\w+)/.exec(name)?.[1];
  const ordinary = judged.filter(({ name }) => subjectOf(name) === undefined);
  const referrers = judged.flatMap((tag) => {
    const subject = subjectOf(tag.name);
    return subject === undefined ? [] : [{ ...tag, subject: numberOf(subject) }];
  });
  const below = new Map(Object.entries(children).map(([index, images]) => [numberOf(index), images.map(numberOf)]));
  const pinned = new Set(pins.map(numberOf));
  const { decisions, referrers: following } = evaluate(
    parsePolicyFile(policy, "policy.yaml"),
    {
      name: repository,
      tags: ordinary,
      referrers,
      others: [],
      forEachKept: (image, visit) => below.get(image)?.forEach((child) => visit(child)),
    },
    { now: NOW, grace: 3600, isPinned: (image) => pinned.has(image), isPlanned: () => true },
  );
  return Object.fromEntries(
    [
      ...ordinary.map(({ name }, i) => [name, decisions[i]] as const),
      ...referrers.map(({ name }, i) => [name, following[i]] as const),
    ]
      .filter(([, decision]) => decision?.goes === true)
      .map(([name, decision]) => [name, decision?.reason.kind === "delete-policy" ? decision.reason.policy : "its image goes"]),
  );
}

/** The same of a registry's storage. */
async function judgeStorage({ policy, repository = "app", tags = {}, children = {}, pins = [], problems = {} }: Example) {
  const builder = new RegistryBuilder();
  const app = builder.repository(repository);
  const push = (image: string): Descriptor =>
    image in children ? app.index((children[image] ?? []).map(push)) : app.image({ layers: [image], config: image });
  builder.now = NOW - 500 * 86_400;
  const images = [...Object.values(tags).map(([image]) => image), ...Object.values(children).flat()];
  const descriptors = new Map(images.map((image) => [image, push(image)]));
  // What a signature is about need not be there.
  const digestOf = (image: string): string => descriptors.get(image)?.digest ?? sha256(image);
  const nameOf = (tag: string): string => tag.replace(/^\$\w+/, (image) => digestOf(image.slice(1)).replace(":", "-"));
  const oldestFirst = Object.entries(tags).sort(([, [, one]], [, [, other]]) => seconds(other) - seconds(one));
  for (const [tag, [image, age]] of oldestFirst) {
    builder.now = NOW - seconds(age);
    // A push writes the link of the manifest, too.
    app.link(app.revisionLink(digestOf(image)), digestOf(image));
    app.tag(nameOf(tag), digestOf(image));
    if (problems[tag] === "tag-link-invalid") app.link(`_manifests/tags/${tag}/current`, "");
    if (problems[tag] === "tag-dangling") app.deleteManifest({ mediaType: "", digest: digestOf(image), size: 0 });
  }
  const retention = { retention: parsePolicyFile(policy, "policy.yaml"), file: "policy.yaml", detail: "decisions" as const };
  const given = { grace: 3600, now: NOW, pins: pins.flatMap((image) => Digest.parse(digestOf(image)) ?? []), retention };
  const storage = FilesystemStorage.open(written(builder.tree), { concurrency: 1 });
  try {
    const marked = await mark(storage, { deleteUntagged: false, dropDanglingTags: false, ...given });
    const decisions = marked.repositories.flatMap(({ retention: own }) => own?.decisions ?? []);
    const short = new Map(Object.keys(tags).map((tag) => [nameOf(tag), tag]));
    return Object.fromEntries(
      decisions
        .filter(({ goes }) => goes)
        .map(({ tag, reason }) => [short.get(tag), "policy" in reason ? reason.policy : "its image goes"]),
    );
  } finally {
    await storage.close();
  }
}

describe("the worked examples", () => {
  test("are all there", () => {
    expect(examples).toHaveLength(16);
  });

  test.each(examples.filter(({ error }) => error === undefined))("$title", (example) => {
    expect(judge(example)).toEqual(example.goes);
  });

  test.each(examples.filter(({ error }) => error === undefined))("$title: in a storage", async (example) => {
    // Damage holds the whole repository, so that there nothing goes.
    const isHeld = Object.values(example.problems ?? {}).includes("tag-link-invalid");
    expect(await judgeStorage(example)).toEqual(isHeld ? {} : example.goes);
    const sound = Object.entries(example.tags ?? {}).filter(([tag]) => example.problems?.[tag] !== "tag-link-invalid");
    expect(await judgeStorage({ ...example, tags: Object.fromEntries(sound) })).toEqual(example.goes);
  });

  test.each(examples.filter(({ error }) => error !== undefined))("$title", ({ policy, error = "" }) => {
    expect(() => parsePolicyFile(policy, "policy.yaml")).toThrow(error);
  });
});
