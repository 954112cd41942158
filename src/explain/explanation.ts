import type { Finding } from "../mark/finding.js";
import type { Policy, SwitchVariant } from "../mark/policy.js";
import type { TruthElsewhere } from "../mark/marked.js";
import type { TagDecision } from "../mark/retention.js";
import type { StoragePlace } from "../storage/identity.js";
import type { Digest } from "../registry/digest.js";
import type { ReferenceRole } from "../registry/manifest.js";
import type { ChainRoot, RootCounts, StepRole } from "./chains.js";
import type { LinkMention } from "./mentions.js";

/**
 * What is to be said of the digest first: **alive** a tag, a pin or a link keeps it; **held** nothing but damage in a repository does;
 * **young** nothing but the grace time does; **garbage** the selected policy lets a sweep take it; **missing** it is not stored;
 * **unresolved** the tag names no digest.
 */
export const VERDICTS = ["alive", "held", "young", "garbage", "missing", "unresolved"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What the blob is, as far as its content or those that name it tell. */
export const KINDS = ["index", "manifest", "config", "layer", "unknown"] as const;
export type Kind = (typeof KINDS)[number];

/** One step of a chain. */
export interface Step {
  readonly as: StepRole;
  readonly digest: Digest;
  /** Bytes; undefined when it is not stored. */
  readonly bytes: number | undefined;
  /** The link by which the registry finds it in the chain's repository, be it there or not. */
  readonly link: string | undefined;
  /** What is wrong with it in the chain's repository. */
  readonly findings: readonly Finding[];
}

/** A root and the references from there to what was asked about, which is the last step. */
export interface Chain {
  readonly root: ChainRoot;
  /** What is wrong with the tag, or holds the repository back: the first ten. */
  readonly findings: readonly Finding[];
  readonly steps: readonly Step[];
}

/** A manifest that names what was asked about. */
export interface NamedBy {
  readonly digest: Digest;
  readonly as: ReferenceRole;
  readonly live: boolean;
}

/** What a repository says of it. */
export interface RepositoryMention {
  readonly repository: string;
  readonly tags: readonly string[];
  readonly tagCount: number;
  /** Tags that have named it, and name something else by now. */
  readonly history: readonly string[];
  readonly links: readonly LinkMention[];
  readonly namedBy: readonly NamedBy[];
  readonly namedByCount: number;
  readonly findings: readonly Finding[];
}

/** A number of stored blobs. */
export interface Weight {
  readonly blobs: number;
  readonly bytes: number;
}

/** What would go with it. */
export interface Goes {
  /** Itself and all that nothing else refers to. */
  readonly exclusive: Weight;
  /** Digests of these, itself first; the first hundred. */
  readonly digests: readonly Digest[];
  /** What nothing live needs besides, but other garbage refers to as well. */
  readonly shared: Weight;
  /** What stays, for something else needs it. */
  readonly kept: Weight;
}

/** Since when something is garbage, as far as its files tell. Seconds since 1970. */
export interface Since {
  /** Nothing of it was written later, so that its last use may have ended then, and not before. */
  readonly lastWritten: { readonly modified: number; readonly path: string };
  /** A tag that has named it, and when that tag was last pointed at something: by then it had left this. */
  readonly tagMoved: { readonly tag: string; readonly repository: string; readonly modified: number } | undefined;
}

/** The answer to `regcheck explain`. */
export interface Explanation {
  /** As the operator wrote it. */
  readonly reference: string;
  readonly repository: string | undefined;
  readonly tag: string | undefined;
  readonly storage: StoragePlace;
  readonly policy: Policy;
  /** False when something could not be read: the explanation may be partial. */
  readonly complete: boolean;
  /** What could not be read; the first ten. */
  readonly unreadable: readonly Finding[];
  readonly notices: readonly string[];
  /** What else than the storage decides what is live; then it is not told what would be garbage. */
  readonly truthElsewhere: readonly TruthElsewhere[];
  /** What a policy file says of the tag that was asked about; undefined without one. */
  readonly retention: { readonly file: string; readonly decision: TagDecision } | undefined;
  readonly verdict: Verdict;
  readonly digest: Digest | undefined;
  readonly kind: Kind;
  /** Of the stored blob: bytes, and seconds since 1970. */
  readonly blob: { readonly bytes: number; readonly modified: number } | undefined;
  /** Which policies would let a sweep take it; undefined when it is not stored, or something else decides what is live. */
  readonly garbage: Readonly<Record<SwitchVariant, boolean>> | undefined;
  /** The best chain, or with `--all` one from each root, the best first: a bounded number. */
  readonly chains: readonly Chain[];
  readonly rootCounts: RootCounts;
  readonly rootRepositories: number;
  readonly mentions: readonly RepositoryMention[];
  readonly mentionCount: number;
  /** What a pull of a manifest stumbles over, and what is wrong with the tag itself. */
  readonly damage: readonly Finding[];
  /**
   * What a pull of a manifest fetches, itself included, as far as it is stored; undefined where that is not known, and where no link of a repository
   * leads a pull to it.
   */
  readonly pull: Weight | undefined;
  /** As for `garbage`. */
  readonly goes: Goes | undefined;
  readonly since: Since | undefined;
}
