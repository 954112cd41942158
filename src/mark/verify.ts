import { elementAt } from "../element-at.js";
import { Digest, DIGEST_WORDS } from "../registry/digest.js";
import { blobPath } from "../registry/layout.js";
import type { StorageFault } from "../storage/listing.js";
import type { BlobSelection, CorruptBlob } from "../storage/verification.js";
import { NOBODY } from "./blob-table.js";
import type { BlobTable } from "./blob-table.js";
import type { Finding } from "./finding.js";
import type { MarkedRepository } from "./marked-repository.js";
import type { MarkContext } from "./context.js";
import { unreadable } from "./unreadable.js";

/** A share of all blobs: number `part` of `parts` that are about equal, counted from 1. */
export interface VerifyPart {
  readonly part: number;
  readonly parts: number;
}

/**
 * Whether a digest is in a part, by its first 32 bits: digests are uniform, so equal ranges of these are equal shares, whatever else is
 * stored.
 */
export function isInPart(firstWord: number, { part, parts }: VerifyPart): boolean {
  return Math.floor((firstWord / 2 ** 32) * parts) === part - 1;
}

/** How far reading the blobs has come, in bytes. */
export interface VerifyProgress {
  readonly phase: "verify";
  readonly bytes: number;
  readonly bytesInAll: number;
}

/** What was compared with its digest: blobs, and manifests that the mark had to read anyway. */
export interface Verified extends VerifyPart {
  readonly blobs: number;
  readonly bytes: number;
  /** Of these bytes, what the storage vouches for by a checksum of its own instead of being read. */
  readonly vouchedBytes: number;
}

/** Blobs from this size on (bytes) are read first, the largest before all others: no reader begins one when the others are done. */
const LARGE = 64 * 1024 ** 2;
/** A selection that is worth its own message between threads, and small enough to be shared out. */
const BLOBS_PER_SELECTION = 128;
const BYTES_PER_SELECTION = 16 * 1024 ** 2;
/** Milliseconds between two calls for progress. */
const PROGRESS_INTERVAL = 100;

/** Where findings go: to the repositories, by owner's number less one, or to what belongs to none. */
export interface Findings {
  readonly repositories: MarkedRepository[];
  readonly findings: Finding[];
}

/**
 * Reads the blobs of a part, compares them with their digests, and adds what is corrupt to the findings: to those of the only owner,
 * where there is one. What the mark has reported is not reported again. A corrupt blob changes no mark: whether it is needed does not
 * depend on its content. A manifest is no exception, for it is read here only if what it references is known from when it was sound,
 * or if it belongs to no repository.
 */
export async function verifyBlobs(
  context: MarkContext,
  part: VerifyPart,
  { repositories, findings }: Findings,
  onProgress: (progress: VerifyProgress) => void,
): Promise<Verified> {
  const { storage, table } = context;
  const reported = reportedPaths({ repositories, findings });
  const plan = new VerifyPlan(context, part, reported);
  const verified = { ...part, ...plan.done, vouchedBytes: 0 };
  const corruptBlobs: Finding[] = [];
  let read = 0;
  let said = 0;
  const onBytes = (bytes: number): void => {
    read += bytes;
    if (Date.now() - said < PROGRESS_INTERVAL) return;
    said = Date.now();
    onProgress({ phase: "verify", bytes: read, bytesInAll: plan.bytes });
  };
  onBytes(0);
  for await (const { blobs, bytes, vouchedBytes, corrupt, faults } of storage.verifyBlobs(selections(table, plan), onBytes)) {
    verified.blobs += blobs;
    verified.bytes += bytes;
    verified.vouchedBytes += vouchedBytes;
    for (const blob of corrupt) {
      const digest = Digest.fromParts(blob.algorithm, blob.hex);
      if (digest !== undefined) corruptBlobs.push(toFinding(digest, blob));
    }
    for (const fault of faults) if (!reported.has(fault.path)) addUnread(context, findings, fault);
  }
  addToOwners(table, { repositories, findings }, corruptBlobs);
  return verified;
}

/** Adds what a blob that cannot be read is: out of reach, or, where the listing is an old one, deleted since, which is no fault. */
function addUnread({ storage, gone }: MarkContext, findings: Finding[], fault: StorageFault): void {
  if (fault.gone === true && storage.asOf !== undefined) gone.add(fault.path);
  else findings.push(unreadable(fault));
}

/** The same for those of the faults that are not in `told`, by path; then they are. */
export function addUnreadOnce(
  context: MarkContext,
  findings: Finding[],
  faults: readonly StorageFault[],
  told: Set<string>,
): void {
  for (const fault of faults) {
    if (!told.has(fault.path)) addUnread(context, findings, fault);
    told.add(fault.path);
  }
}

/** Adds findings about blobs: to those of the only owner, where there is one. */
export function addToOwners(table: BlobTable, { repositories, findings }: Findings, some: readonly Finding[]): void {
  const byOwner = new Map<number, Finding[]>();
  for (const finding of some) {
    const owner = finding.digest === undefined ? NOBODY : table.owner(table.idOfDigest(finding.digest));
    const repository = repositories[owner - 1];
    if (repository === undefined) {
      findings.push(finding);
      continue;
    }
    const own = byOwner.get(owner) ?? [];
    own.push({ ...finding, repository: repository.name });
    byOwner.set(owner, own);
  }
  for (const [owner, own] of byOwner) {
    const repository = repositories[owner - 1];
    if (repository !== undefined) repositories[owner - 1] = { ...repository, findings: [...repository.findings, ...own] };
  }
}

function reportedPaths({ repositories, findings }: Findings): ReadonlySet<string> {
  const paths = new Set<string>();
  for (const some of [findings, ...repositories.map((repository) => repository.findings)])
    for (const { code, path } of some) if (code === "storage-unreadable" || code === "manifest-corrupt") paths.add(path);
  return paths;
}

function toFinding(digest: Digest, { contentHex, bytes, listedBytes }: CorruptBlob): Finding {
  const cause = { kind: "content", contentHex, bytes, listedBytes } as const;
  return { code: "blob-corrupt", path: blobPath(digest), digest, bytes, cause };
}

/** Which blobs are to be read, and in which order. */
class VerifyPlan {
  /** Bytes to be read. */
  readonly bytes: number;
  /** What the mark has verified: its manifests. */
  readonly done: { readonly blobs: number; readonly bytes: number };
  readonly #large: readonly number[];
  readonly #words = new Uint32Array(Math.max(...Object.values(DIGEST_WORDS)));

  constructor(
    private readonly context: MarkContext,
    private readonly part: VerifyPart,
    private readonly reported: ReadonlySet<string>,
  ) {
    const { table } = context;
    const large: number[] = [];
    const done = { blobs: 0, bytes: 0 };
    let bytes = 0;
    table.forEach((id, size) => {
      if (!this.#isInPart(id)) return;
      if (this.#isVerified(id)) {
        done.blobs++;
        done.bytes += size;
      } else {
        bytes += size;
        if (size >= LARGE) large.push(id);
      }
    });
    this.bytes = bytes;
    this.done = done;
    this.#large = large.sort((a, b) => table.size(b) - table.size(a));
  }

  /** The numbers of the blobs that are to be read. */
  *[Symbol.iterator](): Generator<number> {
    for (const id of this.#large) yield id;
    const { table } = this.context;
    for (let id = 0; id < table.count; id++) if (table.size(id) < LARGE && this.#isInPart(id) && !this.#isVerified(id)) yield id;
  }

  #isInPart(id: number): boolean {
    const { shownBlobs } = this.context;
    if (shownBlobs !== undefined && shownBlobs[id] !== 1) return false;
    if (this.part.parts === 1) return true;
    this.context.table.copyWords(id, this.#words, 0);
    return isInPart(elementAt(this.#words, 0), this.part);
  }

  /** Whether the mark has read the blob in this run, and its damage, if any, is reported. */
  #isVerified(id: number): boolean {
    const { store, storage, table } = this.context;
    const problem = store.problem(id);
    if (problem === undefined) return !storage.remembersManifests && store.has(id);
    return problem.kind === "corrupt" && this.reported.has(blobPath(table.digest(id)));
  }
}

/** Blobs in messages that are worth sending between threads. */
export function* selections(table: BlobTable, ids: Iterable<number>): Generator<BlobSelection> {
  let some: number[] = [];
  let bytes = 0;
  for (const id of ids) {
    const [first] = some;
    const isFull = some.length >= BLOBS_PER_SELECTION || bytes + table.size(id) > BYTES_PER_SELECTION;
    if (first !== undefined && (isFull || table.algorithm(first) !== table.algorithm(id))) {
      yield toSelection(table, some);
      some = [];
      bytes = 0;
    }
    some.push(id);
    bytes += table.size(id);
  }
  if (some.length > 0) yield toSelection(table, some);
}

function toSelection(table: BlobTable, ids: readonly number[]): BlobSelection {
  const algorithm = table.algorithm(elementAt(ids, 0));
  const width = DIGEST_WORDS[algorithm];
  const digests = new Uint32Array(ids.length * width);
  for (const [i, id] of ids.entries()) table.copyWords(id, digests, i * width);
  return { algorithm, digests, sizes: Float64Array.from(ids, (id) => table.size(id)) };
}
