import os from "node:os";
import { UsageError } from "./errors.js";
import { placeOf } from "./storage/identity.js";
import { mark } from "./mark/mark.js";
import type { Progress } from "./mark/mark.js";
import type { Finding } from "./mark/finding.js";
import type { Marked } from "./mark/marked.js";
import type { Policy } from "./mark/policy.js";
import { ownersOf, withTruth } from "./mark/truth.js";
import type { VerifyPart } from "./mark/verify.js";
import type { Owner } from "./registry/owners.js";
import type { Baseline } from "./report/baseline.js";
import { noticesOf, noticesOfLost } from "./report/notices.js";
import { refuseNoMatch } from "./report/repository-filter.js";
import type { RepositoryFilter } from "./report/repository-filter.js";
import { makeReport } from "./report/report.js";
import type { Report } from "./report/report.js";
import { PROXY_STATE } from "./registry/layout.js";
import { surveyOwn } from "./storage/own-data.js";
import type { Storage, StorageMarkers } from "./storage/storage.js";

/** What a check is told, besides where the storage is. */
export interface CheckOptions {
  /** What reports call the registry; the name of this host without one. */
  readonly name?: string | undefined;
  readonly policy: Policy;
  /** Who decides what is live, by the registry's config and variables. */
  readonly owners?: readonly Owner[] | undefined;
  readonly filter?: RepositoryFilter | undefined;
  /** An earlier report to compare with. */
  readonly baseline?: Baseline | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Which part of the blobs is read to the end and compared with its digest; none without. */
  readonly verify?: VerifyPart | undefined;
}

/**
 * The main job: inventory and mark, verify if asked to, then report. Reads the storage once and writes nothing. Throws a `UsageError` for
 * a storage that nobody has pushed to, and for a filter that no repository matches.
 */
export async function check(storage: Storage, options: CheckOptions): Promise<Report> {
  return (await markAndReport(storage, options)).report;
}

/** A check, with what was marked: a sweep is planned from both. */
export interface Checked {
  readonly marked: Marked;
  readonly report: Report;
  readonly markers: StorageMarkers;
}

/** The same as `check`, for what goes on from there. */
export async function markAndReport(
  storage: Storage,
  { name, policy, owners = [], filter, baseline, onProgress, verify }: CheckOptions,
): Promise<Checked> {
  const startedAt = Date.now();
  const markers = await storage.markers();
  const marked = withTruth(
    withMarkers(await mark(storage, policy, onProgress, verify, filter?.matches), markers),
    ownersOf(markers, owners),
  );
  if (marked.complete && marked.table.count === 0 && marked.repositories.length === 0)
    throw new UsageError(`${storage.location}: nothing here yet, or not mounted: there is neither a repository nor a blob.`);
  if (filter !== undefined && marked.complete)
    refuseNoMatch(
      filter,
      marked.repositories.map((repository) => repository.name),
    );
  const report = makeReport(marked, {
    name: name ?? os.hostname(),
    givenName: name,
    storage: placeOf(storage),
    startedAt,
    policy,
    notices: [...noticesOf(markers, marked.truthElsewhere, storage.asOf), ...noticesOfLost(marked), ...deniedUploads(marked)],
    own: await surveyOwn(storage),
    requests: storage.requests,
    requestPrices: storage.requestPrices,
    filter,
    baseline,
  });
  return { marked, report, markers };
}

/** What was not looked for. */
function deniedUploads({ uploadsDenied, uploadsUnmeasured }: Marked): readonly string[] {
  const denied = uploadsDenied === undefined ? [] : [`unfinished multipart uploads could not be looked for: ${uploadsDenied}`];
  return uploadsUnmeasured === undefined ? denied : [...denied, `not all bytes of uploads are counted: ${uploadsUnmeasured}`];
}

/** With what the storage's own files say of the registry's start. */
function withMarkers(marked: Marked, { proxyStateProblem: problem }: StorageMarkers): Marked {
  if (problem === undefined) return marked;
  const finding: Finding = { code: "proxy-state-invalid", path: PROXY_STATE, cause: { kind: "proxy-state", problem } };
  return { ...marked, findings: [...marked.findings, finding] };
}
