import { elementAt } from "../element-at.js";
import { tagCurrentPath } from "../registry/layout.js";
import { findReferrerTarget, isNamedByDigest } from "../registry/referrer-tag.js";
import { isTagName } from "../registry/reference.js";
import { evaluate, holdsNamedByDigest } from "../retention/evaluate.js";
import type { Decision, Reason } from "../retention/evaluate.js";
import type { JudgedTag } from "../retention/judged-tag.js";
import type { ReferrerTag } from "../retention/follow-referrers.js";
import { goesByTime } from "../retention/retention.js";
import type { RetentionRequest } from "../retention/retention.js";
import type { OwnObject, RepositoryListing, StorageFault } from "../storage/listing.js";
import { tagsOfLayerLinked } from "./layer-linked.js";
import { isYoung } from "./policy.js";
import { isPinned } from "./pinned.js";
import { findTarget, youngRevisions } from "./repository-graph.js";
import type { RepositoryGraph } from "./repository-graph.js";
import type { MarkContext } from "./context.js";
import { FIRST_PUSHES, writtenWithoutPush } from "./push-times.js";
import { objectsOfTags } from "./tag-objects.js";

/** Why a tag is not judged: it stays. */
export const UNJUDGED = [
  "held",
  "dangling",
  "link-invalid",
  "without-current",
  "name-invalid",
  "changed",
  "time-unknown",
  "layer-linked",
  "named-by-digest",
] as const;
export type Unjudged = (typeof UNJUDGED)[number];

/** Whether the policies have nothing to say of a tag. */
export function isUnjudged({ reason }: Pick<TagDecision, "reason">): boolean {
  return UNJUDGED.some((kind) => kind === reason.kind);
}

/** What becomes of a tag by a policy file, and why. */
export interface TagDecision {
  readonly tag: string;
  /** What its link holds, by number; undefined where it names no manifest. */
  readonly image: number | undefined;
  /** When its link was written, in seconds since 1970; undefined where that is not known. */
  readonly pushed: number | undefined;
  readonly goes: boolean;
  readonly reason: Reason | { readonly kind: Unjudged };
  /** Of a tag that goes, what it consists of, where that was asked for. */
  readonly objects?: readonly OwnObject[] | undefined;
}

/** What a policy file says of a repository's tags. */
export interface RepositoryRetention {
  /** How many go. */
  readonly goes: number;
  /** Names of the policies that select a tag here. */
  readonly used: ReadonlySet<string>;
  /** By name, of all tags; empty where they were not asked for. */
  readonly decisions: readonly TagDecision[];
}

/** What goes, while the repository is being marked. */
export interface JudgedTags {
  readonly going: ReadonlySet<string>;
  /** Those of them that go with their subject: one that another repository keeps stays. */
  readonly referrers: readonly { readonly tag: string; readonly image: number; readonly subject: number }[];
  readonly result: RepositoryRetention;
}

/** The same when some referrers stay after all. */
export function withTagsKept(retention: RepositoryRetention, kept: ReadonlySet<string>): RepositoryRetention {
  if (kept.size === 0) return retention;
  const decisions = retention.decisions.map((one): TagDecision => {
    const { objects: _, ...rest } = one;
    return kept.has(one.tag) ? { ...rest, goes: false, reason: { kind: "referrer" } } : one;
  });
  return { ...retention, goes: retention.goes - kept.size, decisions };
}

/**
 * Judges a repository's tags by the policy file, if there is one. Nothing goes in a repository that damage holds back; its tags count all the
 * same where it is asked whether a policy selects anything.
 */
export async function judgeTags(
  context: MarkContext,
  graph: RepositoryGraph,
  listing: RepositoryListing,
  isHeld: boolean,
  onFault: (fault: StorageFault) => void,
): Promise<JudgedTags | undefined> {
  const { retention: request } = context.policy;
  if (request === undefined) return undefined;
  const judge = new TagJudge(context, graph, listing, isHeld, request);
  await judge.learnTimes(onFault);
  await judge.leaveOutUntimed(onFault);
  judge.evaluate(await judge.findOthers(onFault));
  const going = new Set(judge.decisions.flatMap(({ tag, goes }) => (goes ? [tag] : [])));
  const objects = request.detail === "objects" ? await objectsOfTags(context.storage, listing, going, onFault) : undefined;
  const decisions = objects && judge.decisions.map((one) => (one.goes ? { ...one, objects: objects.get(one.tag) } : one));
  const used = judge.used;
  return {
    going,
    referrers: judge.referrers,
    result: { goes: going.size, used, decisions: request.detail === "sums" ? [] : (decisions ?? judge.decisions) },
  };
}

/** A tag, as far as it is known. */
interface KnownTag {
  readonly name: string;
  /** What its link holds. */
  readonly image: number | undefined;
  pushed: number | undefined;
  unjudged: Unjudged | undefined;
}

class TagJudge {
  decisions: readonly TagDecision[] = [];
  referrers: JudgedTags["referrers"] = [];
  used: ReadonlySet<string> = new Set();
  readonly #tags: readonly KnownTag[];
  readonly #pinned: ReadonlySet<number>;
  /** Without these the next sweep would take a manifest. */
  readonly #keepers: ReadonlySet<string>;

  constructor(
    private readonly context: MarkContext,
    private readonly graph: RepositoryGraph,
    private readonly listing: RepositoryListing,
    private readonly isHeld: boolean,
    private readonly request: RetentionRequest,
  ) {
    const { names, oddCurrent } = listing.tags;
    const images = new Map(graph.links.tags.map(({ name, target }) => [name, target]));
    const without = new Set(oddCurrent.flatMap(({ tag, content }) => (content === undefined ? [tag] : [])));
    this.#keepers = tagsOfLayerLinked(graph);
    this.#tags = names
      .map((name, position): KnownTag => {
        const image = images.get(name);
        const pushed = image === undefined ? undefined : listing.tags.modified?.[position];
        return { name, image, pushed, unjudged: this.#whyUnjudged(name, image, without.has(position)) };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#pinned = this.#findPinned();
  }

  #whyUnjudged(name: string, image: number | undefined, isWithout: boolean): Unjudged | undefined {
    if (!isTagName(name)) return "name-invalid";
    if (image === undefined) return isWithout ? "without-current" : "link-invalid";
    if (findTarget(this.graph, image) === undefined) return "dangling";
    if (isNamedByDigest(name) && findReferrerTarget(name) === undefined) return "named-by-digest";
    return this.#keepers.has(name) ? "layer-linked" : undefined;
  }

  /** Asks when tags were pushed, where the listing has not told. One that has gone meanwhile is not judged. */
  async learnTimes(onFault: (fault: StorageFault) => void): Promise<void> {
    const unknown = this.#tags.filter(({ pushed, unjudged }) => pushed === undefined && unjudged === undefined);
    if (unknown.length === 0) return;
    const times = await this.context.storage.modified(unknown.map(({ name }) => tagCurrentPath(this.listing.name, name)));
    for (const [i, tag] of unknown.entries()) {
      const time = times[i];
      if (typeof time === "number") tag.pushed = time;
      else {
        tag.unjudged = "changed";
        if (time !== undefined && time.gone !== true) onFault(time);
      }
    }
  }

  /** A time at which nobody has pushed says nothing where a policy goes by time. */
  async leaveOutUntimed(onFault: (fault: StorageFault) => void): Promise<void> {
    const { policies } = this.request.retention;
    if (!policies.some((one) => goesByTime(one) && one.matchesRepository(this.listing.name))) return;
    const timed = this.#tags.flatMap((tag) => {
      const { image, pushed, unjudged } = tag;
      return image === undefined || pushed === undefined || unjudged !== undefined ? [] : [{ tag, image, pushed }];
    });
    for (const { tag, pushed } of timed) if (pushed < FIRST_PUSHES) tag.unjudged = "time-unknown";
    for (const { tag } of await writtenWithoutPush(this.context, this.graph, timed, onFault)) tag.unjudged = "time-unknown";
  }

  /** What stays without a tag that is judged, and keeps the signatures of what it contains. */
  async findOthers(onFault: (fault: StorageFault) => void): Promise<readonly number[]> {
    const { table, store, policy } = this.context;
    const { reachability, links } = this.graph;
    // Nothing goes, whatever stays: links that are damaged have no age to be asked for.
    const subjects = new Set(
      this.#tags.flatMap(({ name }) => {
        const subject = findReferrerTarget(name);
        return subject === undefined ? [] : [table.idOfDigest(subject)];
      }),
    );
    if (this.isHeld || subjects.size === 0) return [];
    const unjudged = this.#tags.flatMap(({ image, unjudged: why }) =>
      why === undefined || image === undefined ? [] : [reachability.resolve(image)],
    );
    const isKept = (id: number): boolean =>
      isPinned(store, this.graph, id) || (table.isStored(id) && isYoung(policy, table.modified(id)));
    // Of all others it makes no difference to a signature whether they stay.
    const decisive = links.revisions.filter((id) => {
      let hasSubject = subjects.has(id);
      reachability.forEachKept(id, () => (hasSubject = true));
      return hasSubject;
    });
    const young = await youngRevisions(this.context, this.graph, decisive, onFault);
    return [...unjudged, ...reachability.manifests.filter(isKept), ...young];
  }

  evaluate(others: readonly number[]): void {
    const { policy, table } = this.context;
    const { name } = this.listing;
    const tags: JudgedTag[] = [];
    const referrers: ReferrerTag[] = [];
    const linked = new Map<string, number>();
    for (const { name: tag, image: held, pushed, unjudged } of this.#tags) {
      if (held === undefined || pushed === undefined || unjudged !== undefined) continue;
      linked.set(tag, held);
      const image = this.graph.reachability.resolve(held);
      const subject = findReferrerTarget(tag);
      if (subject === undefined) tags.push({ name: tag, image, pushed });
      else referrers.push({ name: tag, image, pushed, subject: table.idOfDigest(subject) });
    }
    const evaluation = evaluate(
      this.request.retention,
      { name, tags, referrers, others, forEachKept: (image, visit) => this.#forEachKept(image, visit) },
      {
        now: policy.now,
        grace: policy.grace,
        isPinned: (image) => this.#pinned.has(image),
        isPlanned: ({ name: tag, image }) => this.request.isPlanned?.(name, tag, table.digest(linked.get(tag) ?? image)) ?? true,
      },
    );
    const judged = new Map<string, Decision>();
    for (const [i, decision] of evaluation.decisions.entries()) judged.set(elementAt(tags, i).name, decision);
    for (const [i, decision] of evaluation.referrers.entries()) judged.set(elementAt(referrers, i).name, decision);
    this.referrers = referrers
      .filter((_, i) => !this.isHeld && evaluation.referrers[i]?.goes === true)
      .map(({ name: tag, image, subject }) => ({ tag, image, subject }));
    this.used = new Set([...evaluation.used, ...this.#holdersOfUnjudged()]);
    this.decisions = this.#tags.map((tag) => this.#decide(tag, judged.get(tag.name)));
  }

  /** Names of the policies that keep a tag which stays anyway, since a program has named it by a digest: they are not for nothing. */
  *#holdersOfUnjudged(): Generator<string> {
    for (const { name, pushed = 0, unjudged } of this.#tags) {
      if (unjudged !== "named-by-digest") continue;
      for (const policy of this.request.retention.policies) {
        const isAbout = policy.matchesRepository(this.listing.name);
        if (isAbout && holdsNamedByDigest(policy, { name, pushed }, this.context.policy.now)) yield policy.name;
      }
    }
  }

  #decide({ name: tag, image, pushed, unjudged }: KnownTag, judged: Decision | undefined): TagDecision {
    const about = { tag, image, pushed };
    if (unjudged !== undefined || judged === undefined) return { ...about, goes: false, reason: { kind: unjudged ?? "changed" } };
    return this.isHeld ? { ...about, goes: false, reason: { kind: "held" } } : { ...about, ...judged };
  }

  /** The manifests of the repository that one of them keeps. What a digest of another algorithm may mean can be the image itself. */
  #forEachKept(image: number, visit: (kept: number, isPart: boolean) => void): void {
    this.graph.reachability.forEachKept(image, (kept, role) => {
      if (kept !== image) visit(kept, role !== "referrer");
    });
  }

  /** Pinned manifests, and those that contain one: what runs may have been pulled by the tag of its index. */
  #findPinned(): ReadonlySet<number> {
    const { manifests } = this.graph.reachability;
    const pinned = manifests.filter((id) => isPinned(this.context.store, this.graph, id));
    if (pinned.length === 0) return new Set();
    const parents = new Map<number, number[]>();
    for (const id of manifests) {
      this.#forEachKept(id, (part, isPart) => {
        if (!isPart) return;
        const some = parents.get(part);
        if (some === undefined) parents.set(part, [id]);
        else some.push(id);
      });
    }
    const found = new Set(pinned);
    for (const id of found) for (const parent of parents.get(id) ?? []) found.add(parent);
    return found;
  }
}
