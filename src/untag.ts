import { EXIT_CODES, OperatorError, UsageError } from "./errors.js";
import { tagPath } from "./registry/layout.js";
import { isRepositoryName, isTagName } from "./registry/reference.js";
import type { Finding } from "./mark/finding.js";
import { ownersOf } from "./mark/truth.js";
import type { Owner } from "./registry/owners.js";
import { witnessOf } from "./mark/witness.js";
import type { Witness } from "./mark/witness.js";
import { chooseExhibits } from "./guard/serving.js";
import { objectsOfTags } from "./mark/tag-objects.js";
import { checkUploads } from "./mark/uploads.js";
import type { OwnObject, RepositoryListing, StorageFault } from "./storage/listing.js";
import type { Storage } from "./storage/storage.js";
import { refuseLastNames } from "./untag/last-names.js";
import { beforeOf, oddContent } from "./untag/odd-content.js";
import { findNamedImages } from "./untag/named-images.js";
import type { NamedImage } from "./untag/named-images.js";
import { execute } from "./sweep/execute.js";
import type { SweepResult } from "./sweep/execute.js";
import { changeUnderGuard, rehearse } from "./guard/change-under-guard.js";
import type { GuardedChange, Rehearsed } from "./guard/change-under-guard.js";
import type { Locked } from "./guard/lock.js";
import { judgeOwners, judgeUploads } from "./guard/guard.js";
import type { Verdict } from "./guard/guard.js";
import { judgeRun } from "./guard/judge-run.js";
import { judgeOthers } from "./guard/watch.js";
import { judgeWriters, plain } from "./guard/writers.js";
import type { WriterOptions } from "./guard/writers.js";
import type { PlanItem } from "./sweep/plan.js";
import { beginRun } from "./journal/target.js";
import type { SweepTarget } from "./journal/target.js";

/** A tag to remove. */
export interface TagReference {
  readonly repository: string;
  readonly tag: string;
}

/** What becomes of the manifest that a removed tag has named. */
export interface Untagged extends TagReference {
  /** Undefined where the tag names none, or its link is damaged. */
  readonly digest: string | undefined;
  /** Whether its link is there and holds no digest: what it named cannot be told. */
  readonly isDamaged: boolean;
  /** Whether the repository has the manifest, by a revision link or, as registry 2.x finds it, by a layer link: what a dangling tag names it lacks. */
  readonly isLinked: boolean;
  /** Other tags of the repository that name the same manifest. */
  readonly otherTags: readonly string[];
  /** Indexes of the repository that it is part of. */
  readonly parents: readonly string[];
  /** The manifest that it is about, if it says so: a sweep that keeps that keeps this. */
  readonly subject?: string | undefined;
  /** A file in its directory that is none of the registry's, if one is known: while it is there, the tag is listed. */
  readonly stray: string | undefined;
}

/** What an operator decides about it. */
export interface UntagOptions {
  readonly writers: WriterOptions;
  /** Who decides what is live, by the registry's config and variables. */
  readonly owners?: readonly Owner[] | undefined;
  /** Seconds: an upload that is younger says that somebody is pushing. */
  readonly grace: number;
  readonly quarantine: boolean;
  readonly journalDirectory: string;
  readonly signal: AbortSignal;
}

/** Parses `repository:tag`. Throws a `UsageError`. */
export function parseTagReference(text: string): TagReference {
  const colon = text.lastIndexOf(":");
  const [repository, tag] = [text.slice(0, colon), text.slice(colon + 1)];
  if (colon < 1 || !isRepositoryName(repository) || !isTagName(tag))
    throw new UsageError(`${text}: expected repository:tag, such as team/app:1.2`);
  return { repository, tag };
}

/** The tags that are to go. */
export interface NamedUntag {
  readonly untagged: readonly Untagged[];
  /** Every rule, passed or not. */
  readonly verdicts: readonly Verdict[];
}

/**
 * Removes tags, their history with them, and nothing else: the manifests stay. Under the guard, the lock and the journal of a sweep.
 * Throws an `OperatorError` before anything is touched when a tag is unknown or a rule refuses.
 */
export function untag(
  target: SweepTarget,
  references: readonly TagReference[],
  options: UntagOptions,
): Promise<NamedUntag & Locked<SweepResult>> {
  return changeUnderGuard(target, changeOf(target, references, options));
}

/** The tags that would go, with every rule that would be asked. Changes nothing. */
export function rehearseUntag(
  target: SweepTarget,
  references: readonly TagReference[],
  options: UntagOptions,
): Promise<Rehearsed<NamedUntag>> {
  return rehearse(target, changeOf(target, references, options));
}

function changeOf(
  target: SweepTarget,
  references: readonly TagReference[],
  options: UntagOptions,
): GuardedChange<PlannedUntag, SweepResult> {
  const { storage, changes } = target;
  const { writers, signal } = options;
  return {
    work: "untag",
    writers,
    signal,
    plan: ({ storageTime }) => planUntag(storage, references, options, storageTime),
    lookAgain: async () => [await judgeRun(changes, options)],
    perform: async ({ items }, { storageTime, judge }) =>
      execute([{ name: "tags", barrier: false, items: () => items }], {
        ...(await beginRun(target, "untag", options, storageTime)),
        judgeWriters: () => judgeOthers(judge, writers),
        deadline: undefined,
        signal,
      }),
  };
}

interface PlannedUntag extends NamedUntag {
  readonly items: readonly PlanItem[];
}

async function planUntag(
  storage: Storage,
  references: readonly TagReference[],
  { grace, owners = [], writers: who }: UntagOptions,
  storageTime: number | undefined,
): Promise<PlannedUntag> {
  const markers = await storage.markers();
  const { untagged, listings, uploads, witnesses } = await examine(storage, references, grace, storageTime);
  const writers = await judgeWriters(who, () => chooseExhibits(storage, witnesses));
  const verdicts = [
    plain(writers),
    ...judgeOwners(ownersOf(markers, owners)),
    judgeUploads({ findings: uploads, repositories: [] }, writers),
  ];
  return { untagged, items: await toItems(storage, untagged, listings), verdicts };
}

async function toItems(
  storage: Storage,
  untagged: readonly Untagged[],
  listings: ReadonlyMap<string, RepositoryListing>,
): Promise<readonly PlanItem[]> {
  const faults: StorageFault[] = [];
  const objects = new Map<string, ReadonlyMap<string, readonly OwnObject[]>>();
  for (const [repository, listing] of listings) {
    const tags = new Set(untagged.filter((one) => one.repository === repository).map(({ tag }) => tag));
    objects.set(repository, await objectsOfTags(storage, listing, tags, (fault) => faults.push(fault)));
  }
  insistOnNone(faults);
  return untagged.map(({ repository, tag, digest, isDamaged, isLinked }) => {
    // One that dangles may be put back as it was: what it names was not there.
    const dangling = isLinked ? undefined : true;
    const own = objects.get(repository)?.get(tag) ?? [];
    const listing = isDamaged ? listings.get(repository) : undefined;
    const before = listing && beforeOf(listing, tag);
    return { kind: "tag", path: tagPath(repository, tag), bytes: 0, repository, tag, digest, before, dangling, objects: own };
  });
}

function insistOnNone([fault]: readonly StorageFault[]): void {
  if (fault !== undefined) throw new OperatorError(`${fault.path}: ${fault.cause}. Nothing was removed.`, EXIT_CODES.incomplete);
}

interface Examined {
  readonly untagged: readonly Untagged[];
  /** By name, those that the tags are in. */
  readonly listings: ReadonlyMap<string, RepositoryListing>;
  readonly uploads: readonly Finding[];
  /** One of each repository, where there is one. */
  readonly witnesses: readonly (Witness | undefined)[];
}

/** Looks all tags up, before any is touched, and who else is at work in their repositories. */
async function examine(
  storage: Storage,
  references: readonly TagReference[],
  grace: number,
  storageTime = Number.POSITIVE_INFINITY,
): Promise<Examined> {
  const policy = {
    deleteUntagged: false,
    dropDanglingTags: false,
    grace,
    now: Math.min(Math.floor(Date.now() / 1000), storageTime),
    pins: [],
  };
  const uploads: Finding[] = [];
  const witnesses: (Witness | undefined)[] = [];
  const wanted = new Map<string, TagReference[]>();
  for (const reference of references) {
    const inRepository = wanted.get(reference.repository);
    if (inRepository === undefined) wanted.set(reference.repository, [reference]);
    else inRepository.push(reference);
  }
  const listings = new Map<string, RepositoryListing>();
  const faults: StorageFault[] = [];
  for (const name of wanted.keys()) {
    const listing = await storage.repository(name);
    faults.push(...listing.faults);
    if (!listing.isRepository) continue;
    listings.set(name, listing);
    witnesses.push(witnessOf(listing));
    for (const upload of checkUploads(name, listing.uploads, policy)) uploads.push(upload);
  }
  insistOnNone(faults);
  const problems: string[] = [];
  const untagged = new Map<TagReference, Untagged>();
  for (const [name, inRepository] of wanted) {
    const listing = listings.get(name);
    const known = new Set(listing?.tags.names);
    if (listing === undefined) problems.push(`${name}: no such repository`);
    else for (const { tag } of inRepository) if (!known.has(tag)) problems.push(`${name}:${tag}: no such tag`);
    if (listing === undefined || problems.length > 0) continue;
    const {
      images,
      lastNames,
      faults: unread,
    } = await findNamedImages(storage, listing, new Set(inRepository.map(({ tag }) => tag)));
    insistOnNone(unread);
    refuseLastNames(name, lastNames);
    for (const reference of inRepository) untagged.set(reference, describe(listing, reference, images.get(reference.tag)));
  }
  if (problems.length > 0) throw new UsageError(`${problems.join("; ")}. Nothing was removed.`);
  return { untagged: references.flatMap((reference) => untagged.get(reference) ?? []), listings, uploads, witnesses };
}

function describe(listing: RepositoryListing, reference: TagReference, image: NamedImage | undefined): Untagged {
  const directory = `${tagPath(reference.repository, reference.tag)}/`;
  const stray = listing.strays.find(({ path }) => path.startsWith(directory))?.path;
  if (image === undefined) {
    const isDamaged = oddContent(listing, reference.tag) !== undefined;
    return { ...reference, digest: undefined, isDamaged, isLinked: false, otherTags: [], parents: [], stray };
  }
  const { digest, link, otherTags, parents, subject } = image;
  return { ...reference, digest, isDamaged: false, isLinked: link !== undefined, otherTags, parents, subject, stray };
}
