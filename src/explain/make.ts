import { holdsRepository } from "../mark/finding.js";
import type { Finding } from "../mark/finding.js";
import type { Marked } from "../mark/marked.js";
import { HELD, isGarbage, selectedVariant } from "../mark/policy.js";
import type { SwitchVariant } from "../mark/policy.js";
import type { Digest } from "../registry/digest.js";
import { layerLinkPath, revisionLinkPath, tagCurrentPath, blobPath } from "../registry/layout.js";
import { CATALOGUE } from "../report/catalogue.js";
import type { Below, Keepers } from "./below.js";
import { durationOf } from "./chains.js";
import type { ChainRoot, NumberedChain, StepRole } from "./chains.js";
import type { Chain, Explanation, Goes, Kind, RepositoryMention, Since, Step, Verdict, Weight } from "./explanation.js";
import type { Mention } from "./mentions.js";

/** Digests of what goes that are listed. */
const DIGESTS_LISTED = 100;
/** Findings that hold a repository back that are listed with a chain. */
const HOLDING_LISTED = 10;

/** Turns what was found out by number into what is said of it. */
export class Maker {
  readonly #findings: ReadonlyMap<string, readonly Finding[]>;

  constructor(
    private readonly marked: Marked,
    private readonly focus: number,
  ) {
    this.#findings = new Map(marked.repositories.map(({ name, findings }) => [name, findings]));
  }

  get #table() {
    return this.marked.table;
  }

  /** What the marks say of the focus; `best` tells apart what keeps it. */
  verdict(best: NumberedChain | undefined): Verdict {
    const { policy } = this.marked.context;
    if (!this.#table.isStored(this.focus)) return "missing";
    const marks = this.#table.marks(this.focus);
    if (isGarbage(marks, selectedVariant(policy), policy, this.#table.modified(this.focus))) return "garbage";
    const kind = best?.root.kind ?? ((marks & HELD) === 0 ? "tag" : "held");
    return KEPT[durationOf(kind)];
  }

  garbage(): Explanation["garbage"] {
    const { policy } = this.marked.context;
    if (!this.#table.isStored(this.focus)) return undefined;
    const is = (variant: SwitchVariant): boolean =>
      isGarbage(this.#table.marks(this.focus), variant, policy, this.#table.modified(this.focus));
    return {
      asIs: is("asIs"),
      withDeleteUntagged: is("withDeleteUntagged"),
      withDropDanglingTags: is("withDropDanglingTags"),
      withBoth: is("withBoth"),
    };
  }

  kind(mentions: readonly Mention[], isManifest: boolean): Kind {
    const roles = new Set(mentions.flatMap(({ namers }) => namers.map(({ as }) => as)));
    if (isManifest) {
      let isIndex = false;
      this.marked.context.store.forEachReference(this.focus, (role) => {
        isIndex ||= role === "child";
      });
      return isIndex ? "index" : "manifest";
    }
    if (roles.has("config")) return "config";
    if (roles.has("layer") || roles.has("foreign-layer")) return "layer";
    const isNamedAsManifest =
      roles.has("child") || roles.has("subject") || mentions.some(({ tagCount, history }) => tagCount + history.length > 0);
    return isNamedAsManifest ? "manifest" : "unknown";
  }

  chain({ root, steps }: NumberedChain): Chain {
    return { root, findings: this.#rootFindings(root), steps: steps.map(({ id, as }) => this.#step(id, as, root.repository)) };
  }

  /** What is wrong with a tag, or what it is that holds a repository back. */
  #rootFindings({ kind, repository, tag }: ChainRoot): readonly Finding[] {
    if (repository === undefined) return [];
    if (kind === "held") return this.#findingsOf(repository, holdsRepository).slice(0, HOLDING_LISTED);
    if (tag === undefined) return [];
    const path = tagCurrentPath(repository, tag);
    return this.#findingsOf(repository, (one) => one.path === path);
  }

  #step(id: number, as: StepRole, repository: string | undefined): Step {
    const table = this.#table;
    const digest = table.digest(id);
    const bytes = table.isStored(id) ? table.size(id) : undefined;
    if (repository === undefined) return { as, digest, bytes, link: undefined, findings: [] };
    const isBlob = as === "config" || as === "layer" || as === "foreign-layer" || as === "layer-link";
    const findings = this.#findingsOf(repository, (one) => one.digest?.equals(digest) === true && isDamage(one));
    const link = isBlob ? layerLinkPath(repository, digest) : revisionLinkPath(repository, digest);
    return { as, digest, bytes, link, findings };
  }

  #findingsOf(repository: string, matches: (finding: Finding) => boolean): readonly Finding[] {
    return (this.#findings.get(repository) ?? []).filter(matches);
  }

  mention({ repository, tags, tagCount, history, links, namers, namerCount, findings }: Mention): RepositoryMention {
    return {
      repository,
      tags,
      tagCount,
      history: history.map(({ tag }) => tag),
      links,
      namedBy: namers.map(({ id, as, live }) => ({ digest: this.#table.digest(id), as, live })),
      namedByCount: namerCount,
      findings,
    };
  }

  /** What a pull from these repositories stumbles over, at a manifest and below it. */
  damage(repositories: Iterable<string | undefined>, { pulled }: Below, tag: string | undefined): Finding[] {
    const digests = new Set(Array.from([this.focus, ...pulled], (id) => this.#table.digest(id).toString()));
    const found: Finding[] = [];
    for (const repository of repositories) {
      if (repository === undefined) continue;
      found.push(
        ...this.#findingsOf(repository, (one) =>
          isDamage(one) ? digests.has(String(one.digest)) : tag !== undefined && one.tag === tag && one.code.startsWith("tag-"),
        ),
      );
    }
    return found;
  }

  weight(ids: Iterable<number>): Weight {
    let blobs = 0;
    let bytes = 0;
    for (const id of ids) {
      if (!this.#table.isStored(id)) continue;
      blobs++;
      bytes += this.#table.size(id);
    }
    return { blobs, bytes };
  }

  goes({ all }: Below, { kept, shared }: Keepers): Goes {
    const exclusive = [this.focus];
    const others: number[] = [];
    for (const id of all) {
      if (kept.has(id)) continue;
      (shared.has(id) ? others : exclusive).push(id);
    }
    const stored = exclusive.filter((id) => this.#table.isStored(id));
    const digests: Digest[] = stored.slice(0, DIGESTS_LISTED).map((id) => this.#table.digest(id));
    return { exclusive: this.weight(exclusive), digests, shared: this.weight(others), kept: this.weight(kept) };
  }

  /** Asks the storage how old the files are that name the focus. */
  async since(mentions: readonly Mention[]): Promise<Since> {
    const links = mentions.flatMap(({ links: own, history }) => [...own, ...history].map(({ path }) => path));
    const moves = mentions.flatMap(({ repository, history }) =>
      history.map(({ tag, currentPath }) => ({ repository, tag, path: currentPath })),
    );
    const paths = [...links, ...moves.map(({ path }) => path)];
    const times = paths.length === 0 ? [] : await this.marked.context.storage.modified(paths);
    let lastWritten = {
      modified: this.#table.modified(this.focus),
      path: blobPath(this.#table.digest(this.focus)),
    };
    for (const [i, path] of links.entries()) {
      const modified = times[i];
      if (typeof modified === "number" && modified > lastWritten.modified) lastWritten = { modified, path };
    }
    let tagMoved: Since["tagMoved"];
    for (const [i, { repository, tag }] of moves.entries()) {
      const modified = times[links.length + i];
      if (typeof modified === "number" && modified > (tagMoved?.modified ?? -1)) tagMoved = { repository, tag, modified };
    }
    return { lastWritten, tagMoved };
  }
}

const KEPT = ["alive", "held", "young"] as const satisfies readonly Verdict[];

/** Whether a finding is about something that a pull stumbles over, tags apart. */
function isDamage({ code }: Finding): boolean {
  return code === "child-missing" || (CATALOGUE[code].severity === "error" && !code.startsWith("tag-"));
}
