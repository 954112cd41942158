import { joinStrays } from "../storage/listing-builder.js";
import type { BlobBatch, RepositoryListing, Stray } from "../storage/listing.js";
import type { LeafSearch, Storage } from "../storage/storage.js";
import { concurrently } from "../concurrently.js";
import { repositoryPath } from "../registry/layout.js";
import { splitRepositoryPath } from "../registry/parse-path.js";
import { markAnywhere } from "./anywhere.js";
import { askOfBucket } from "./ask-of-bucket.js";
import { BlobTable } from "./blob-table.js";
import type { Finding } from "./finding.js";
import { holdAll, withoutGarbage } from "./incomplete.js";
import { keepLost } from "./keep-lost.js";
import { LostSizes } from "./lost-sizes.js";
import { ManifestStore } from "./manifest-store.js";
import type { Policy } from "./policy.js";
import { sumUpPins } from "./sum-up-pins.js";
import { withoutFoundElsewhere } from "./referrers.js";
import { markRepository } from "./repository.js";
import type { PendingRepository } from "./repository.js";
import type { Marked } from "./marked.js";
import type { MarkedRepository } from "./marked-repository.js";
import type { MarkContext } from "./context.js";
import { strayFinding } from "./strays.js";
import { tellOfShared } from "./shown.js";
import { judgeSizes } from "./sizes.js";
import { checkKnownSizes } from "./known-sizes.js";
import { checkReach } from "./out-of-reach.js";
import type { OutOfReach } from "./out-of-reach.js";
import { unreadable } from "./unreadable.js";
import { verifyBlobs } from "./verify.js";
import { verifyAliases } from "./verify-aliases.js";
import type { Findings, Verified, VerifyPart, VerifyProgress } from "./verify.js";

/** Progress of a check, for people who wait. */
export type Progress = MarkProgress | VerifyProgress;

/** Progress until all is marked. */
interface MarkProgress {
  readonly phase: "blobs" | "repositories";
  readonly blobs: number;
  readonly repositories: number;
  readonly manifests: number;
}

/** Repositories that are marked at a time: enough to keep the storage busy while some wait for their manifests. */
const REPOSITORIES_AT_A_TIME = 16;

/**
 * Reads the storage once and follows all references from the roots. Blobs come first: one that arrives later is no candidate. `isShown`
 * says which repositories a report will be about; what is live does not depend on it. With
 * `verify`, that part of the blobs is read to the end at last.
 */
export async function mark(
  storage: Storage,
  policy: Policy,
  onProgress: (progress: Progress) => void = () => {},
  verify?: VerifyPart,
  isShown?: (repository: string) => boolean,
): Promise<Marked> {
  const findings: Finding[] = [];
  const outOfReach: OutOfReach = { archived: [], owners: [] };
  const leaves = leavesFor(verify);
  const table = await inventory(storage.blobs(leaves), { findings, ...outOfReach }, (blobs) =>
    onProgress({ phase: "blobs", blobs, repositories: 0, manifests: 0 }),
  );
  const context = contextOf(storage, table, policy, isShown !== undefined);
  const repositories: MarkedRepository[] = [];
  const pending: PendingRepository[] = [];
  let done = 0;
  for await (const repository of markAll(context, storage.repositories(leaves), findings, isShown ?? (() => true))) {
    if (repository === undefined) continue;
    const { owner, marked } = repository;
    if ("finish" in marked) pending.push(marked);
    else repositories[owner - 1] = marked;
    onProgress({ phase: "repositories", blobs: table.count, repositories: ++done, manifests: context.store.size });
  }
  const anywhere = await markAnywhere(context, findings);
  await finishPending(context, pending, repositories, findings);
  for (const [i, one] of repositories.entries())
    repositories[i] = { ...one, findings: withoutFoundElsewhere(context, one.findings) };
  for (const finding of checkReach(context, outOfReach, repositories)) findings.push(finding);
  const verified = verify && (await verifyAll(context, verify, { repositories, findings }, onProgress));
  await judgeSizes(context, { repositories, findings }, verify);
  tellOfShared(context, { repositories, findings });
  checkKnownSizes(context, { repositories, findings });
  const { denied: uploadsDenied, unmeasured: uploadsUnmeasured } = await askOfBucket(context, { repositories, findings });
  let blobBytes = 0;
  table.forEach((_, size) => {
    blobBytes += size;
  });
  const isFault = ({ code }: Finding): boolean => code === "storage-unreadable";
  const complete = !findings.some(isFault) && !repositories.some((repository) => repository.findings.some(isFault));
  const isKnown = complete && context.swappedAliases.size === 0;
  return {
    table: isKnown ? table : holdAll(table),
    blobBytes,
    repositories: isKnown ? repositories : repositories.map(withoutGarbage),
    findings,
    complete,
    verified,
    context,
    anywhere,
    uploadsDenied,
    uploadsUnmeasured,
    pins: sumUpPins(context),
    truthElsewhere: [],
  };
}

function contextOf(storage: Storage, table: BlobTable, policy: Policy, isFiltered: boolean): MarkContext {
  return {
    storage,
    table,
    store: new ManifestStore(storage, table),
    policy,
    pins: new Set(policy.pins.map((digest) => table.idOfDigest(digest))),
    aliases: new Map(),
    lostSizes: new LostSizes(),
    needsAnything: new Set(),
    lostManifests: new Set(),
    swappedAliases: new Set(),
    gone: new Set(),
    shownBlobs: isFiltered ? new Uint8Array(table.count) : undefined,
  };
}

async function verifyAll(
  context: MarkContext,
  part: VerifyPart,
  found: Findings,
  onProgress: (progress: Progress) => void,
): Promise<Verified> {
  const verified = await verifyBlobs(context, part, found, onProgress);
  await verifyAliases(context, part, found);
  return verified;
}

/** Where every blob is read to its end, it makes no difference to list every directory as well; where a part of them is, it does. */
function leavesFor(verify: VerifyPart | undefined): LeafSearch {
  return verify?.parts === 1 ? "all" : "some";
}

/** What is live in one of these may keep something alive in another: until nothing changes any more. */
async function finishPending(
  context: MarkContext,
  pending: readonly PendingRepository[],
  repositories: MarkedRepository[],
  findings: Finding[],
): Promise<void> {
  for (let isNew = true; isNew;) {
    for (const finding of await keepLost(context)) findings.push(finding);
    isNew = false;
    for (const repository of pending) isNew = repository.followOthers() || isNew;
  }
  for (const repository of pending) repositories[repository.owner - 1] = await repository.finish();
}

async function inventory(
  blobs: AsyncIterable<BlobBatch>,
  { findings, archived, owners }: OutOfReach & { readonly findings: Finding[] },
  onBlobs: (count: number) => void,
): Promise<BlobTable> {
  const builder = BlobTable.builder();
  let count = 0;
  const strays: Stray[] = [];
  for await (const batch of blobs) {
    builder.add(batch);
    for (const stray of batch.strays) strays.push(stray);
    for (const path of batch.archived ?? []) archived.push(path);
    owners.push(...(batch.owners ?? []));
    for (const fault of batch.faults) findings.push(unreadable(fault));
    onBlobs((count += batch.sizes.length));
  }
  for (const stray of joinStrays(strays)) findings.push(strayFinding(stray));
  const { table, duplicates } = builder.build();
  if (duplicates > 0)
    findings.push({
      code: "storage-unreadable",
      path: "",
      cause: { kind: "blobs-listed-twice", blobs: duplicates },
    });
  return table;
}

/**
 * A path outside the layout. One that does lie in a repository, but was listed as lying in none, means that the listing was misread:
 * the repository may be missing from it, and with it all that it keeps alive.
 */
function strayOf(repository: string, stray: Stray): Finding {
  const { path } = stray;
  if (repository !== "" || splitRepositoryPath(path) === undefined) return strayFinding(stray);
  return { code: "storage-unreadable", path, cause: { kind: "listed-outside" } };
}

/** What is judged by a part of a repository's links may be wrong in anything. */
function listedTwice(repository: string): Finding {
  return {
    code: "storage-unreadable",
    path: repositoryPath(repository),
    cause: { kind: "repository-listed-twice" },
  };
}

/** Marks the repositories as the storage lists them; listings that belong to none only leave their findings. */
async function* markAll(
  context: MarkContext,
  repositories: AsyncIterable<RepositoryListing>,
  findings: Finding[],
  isShown: (repository: string) => boolean,
) {
  const listings = repositories[Symbol.asyncIterator]();
  const names = new Set<string>();
  let owner = 0;
  let ended = false;
  const markNext = async () => {
    const next = await listings.next();
    if (next.done === true) {
      ended = true;
      return undefined;
    }
    if (next.value.isRepository) {
      if (names.has(next.value.name)) findings.push(listedTwice(next.value.name));
      names.add(next.value.name);
      const own = ++owner;
      if (!isShown(next.value.name)) context.table.leaveOut(own);
      return { owner: own, marked: await markRepository(context, own, next.value) };
    }
    const { name, strays, faults } = next.value;
    for (const stray of strays) findings.push(strayOf(name, stray));
    for (const fault of faults) findings.push(unreadable(fault));
    return undefined;
  };
  yield* concurrently(REPOSITORIES_AT_A_TIME, () => (ended ? undefined : markNext()));
}
