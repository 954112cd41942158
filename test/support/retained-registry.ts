import fc from "fast-check";
import { arbitraryRegistry, GRACE, NOW } from "./arbitrary-registry.js";
import { RegistryBuilder, V2 } from "./builder.js";
import { hasLayerLink, judge, readWorld, targetOf } from "./oracle.js";
import type { OraclePolicy, Repository, World } from "./oracle.js";
import { RegistryTree } from "./registry-tree.js";
import { closure, judgeTags } from "./retention-oracle.js";
import type { OraclePolicyEntry } from "./retention-oracle.js";

const REFERRER = /^sha256-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?$/;
const CURRENT = /^(.*\/repositories\/.+?\/_manifests\/tags)\/([^/]+)\/current\/link$/;

const sound = new RegistryBuilder();
sound.repository("library/alpine").image({ layers: ["alpine"], config: "alpine", tag: "3.20" });

/** A registry to which random things happened, with tags of signatures, and tags that were pushed at different times. */
export const arbitraryRetained = fc
  .record({
    registry: arbitraryRegistry,
    hours: fc.array(fc.integer({ min: -1, max: 6 }), { minLength: 1, maxLength: 12 }),
    referrers: fc.array(
      fc.record({
        repository: fc.nat(5),
        subject: fc.nat(9),
        image: fc.nat(9),
        suffix: fc.constantFrom("", ".sig", ".att", ".sbom"),
      }),
      {
        maxLength: 5,
      },
    ),
    grace: fc.constantFrom(0, GRACE),
  })
  .map(({ registry: { tree, pins }, hours, referrers, grace }) => {
    // Storage without repositories, or without a tag, is another matter: there nothing is garbage for certain. This tag stays.
    for (const [file, { content }] of sound.tree.files) tree.write(file, content);
    const { repositories } = readWorld(tree, pins, NOW);
    for (const { repository, subject, image, suffix } of referrers) {
      const of = repositories[repository % Math.max(1, repositories.length)];
      const digests = [...(of?.revisions.keys() ?? [])].filter((digest) => digest.startsWith("sha256:"));
      if (of === undefined || digests.length === 0) continue;
      const tag = `${digests[subject % digests.length]?.replace(":", "-") ?? ""}${suffix}`;
      tree.write(`${V2}/repositories/${of.name}/_manifests/tags/${tag}/current/link`, digests[image % digests.length] ?? "");
    }
    const currents = [...tree.files].filter(([file]) => CURRENT.test(file));
    for (const [i, [file, { content }]] of currents.entries()) {
      const halves = file.includes("/library/alpine/") ? -1 : (hours[i % hours.length] ?? 0);
      const pushed = NOW - halves * 1800;
      tree.write(file, content, pushed);
      // A push writes the link of the manifest as well.
      const revision = file.replace(CURRENT, "$1").replace(/tags$/, `revisions/${content.toString().replace(":", "/")}/link`);
      const link = tree.files.get(revision);
      if (link !== undefined && link.modified < pushed) tree.write(revision, link.content, pushed);
    }
    return { tree, pins, grace };
  });

/**
 * What a run may have done by a policy file: the tree without the tags that go, and how many of them there were. The tag of a referrer stays
 * while its subject lives in another repository.
 */
export function withoutTags(
  tree: RegistryTree,
  policies: readonly OraclePolicyEntry[],
  policy: Pick<OraclePolicy, "pins" | "grace" | "dropDanglingTags">,
) {
  const world = readWorld(tree, policy.pins, NOW - policy.grace);
  let going = world.repositories.flatMap((repository) =>
    goingTags(tree, world, repository, policies, policy.grace).map((tag) => ({ repository: repository.name, tag })),
  );
  const files = [...tree.files];
  const removeFrom = (target: RegistryTree): void => {
    for (const { repository, tag } of going) target.remove(`${V2}/repositories/${repository}/_manifests/tags/${tag}`);
  };
  for (let before = -1; before !== going.length;) {
    before = going.length;
    const rest = new RegistryTree();
    for (const [file, { content, modified }] of files) rest.write(file, content, modified);
    removeFrom(rest);
    const left = judge(rest, { ...policy, deleteUntagged: true, now: NOW });
    const isKept = (digest: string): boolean =>
      world.stored.has(digest) ? !left.blobs.includes(digest) : world.repositories.some(({ revisions }) => revisions.has(digest));
    going = going.filter(({ tag }) => {
      const hex = REFERRER.exec(tag)?.[1];
      return hex === undefined || !isKept(`sha256:${hex}`);
    });
  }
  removeFrom(tree);
  return going.length;
}

/** The oracle's tags of a repository. Nothing goes where damage holds it back. */
function goingTags(
  tree: RegistryTree,
  { stored, parse, manifestsOf, meaningsOf, pinsIn }: World,
  repository: Repository,
  policies: readonly OraclePolicyEntry[],
  grace: number,
): string[] {
  const { name, revisions, tags, history, held } = repository;
  if (held) return [];
  const { layerLinked, droppable, kept } = manifestsOf(repository);
  const here = new Set([...revisions.keys(), ...layerLinked, ...droppable, ...kept]);
  const parts = (digest: string): string[] => {
    const { children = [], blobs = [] } = parse(digest) ?? {};
    const manifests = [...children, ...blobs].flatMap((named) => [named, ...meaningsOf(repository, named)]);
    return manifests.filter((manifest) => here.has(manifest) && manifest !== digest);
  };
  const pinned = new Set(pinsIn(repository));
  const isYoung = (modified: number | undefined): boolean => modified !== undefined && modified > NOW - grace;
  /** What a tag names, as it is stored: registry 2.x finds it by a layer link too. */
  const found = (digest: string): string | undefined => {
    if (revisions.has(digest)) return digest;
    const target = targetOf(repository, digest);
    return hasLayerLink(repository, digest) && (stored.has(target) || revisions.has(target)) ? target : undefined;
  };
  /** What nothing but a tag, now or once, tells to be a manifest would be swept without it. */
  const isLayerAlone = (digest: string): boolean => layerLinked.has(targetOf(repository, digest));
  const isNeeded = (tag: string, image: string): boolean =>
    isLayerAlone(image) || history.some((entry) => entry.tag === tag && isLayerAlone(entry.digest));
  const isJudged = (tag: string, image: string): boolean =>
    /^\w[\w.-]{0,127}$/.test(tag) && found(image) !== undefined && !isNeeded(tag, image);
  return judgeTags(
    policies,
    {
      name,
      tags: [...tags]
        .filter(([tag, image]) => isJudged(tag, image))
        .map(([tag, image]) => {
          const hex = REFERRER.exec(tag)?.[1];
          const pushed = tree.files.get(`${V2}/repositories/${name}/_manifests/tags/${tag}/current/link`)?.modified ?? Number.NaN;
          return { name: tag, image: found(image) ?? image, pushed, subject: hex && `sha256:${hex}` };
        }),
      children: (digest) => [...parts(digest), ...[...here].filter((one) => parse(one)?.subject === digest)],
      others: [
        ...[...tags].filter(([tag, image]) => !isJudged(tag, image)).map(([, image]) => image),
        ...[...here].filter((digest) => pinned.has(digest) || isYoung(stored.get(digest)?.modified)),
        ...[...here].filter((digest) => isYoung(revisions.get(digest)?.modified)),
      ],
    },
    { now: NOW, grace, isPinned: (image) => [...closure(image, parts)].some((digest) => pinned.has(digest)) },
  );
}
