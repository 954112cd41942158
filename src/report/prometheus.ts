import { FINDING_CODES } from "../mark/finding.js";
import type { Finding, FindingCode } from "../mark/finding.js";
import { isImpossibleSize } from "../mark/known-sizes.js";
import { BYTE_STATES } from "./blob-sums.js";
import type { ByteState } from "./blob-sums.js";
import { CATALOGUE, severityOf } from "./catalogue.js";
import type { Severity } from "./severity.js";
import type { Tool } from "./json.js";
import { oldestQuarantined, quarantineTotals } from "./own-lines.js";
import { formatMetrics, nameOf, one } from "./prometheus-text.js";
import type { Labels, Metric, Samples } from "./prometheus-text.js";
import type { Report } from "./report.js";
import { LAST_SUCCESS, runMetrics, scopeLabels } from "./run-metrics.js";

const FINDINGS = "regcheck_findings";

/**
 * The figures of a report for Prometheus, as a file for the node exporter's textfile collector. Every sample has the labels
 * that tell registries apart, so that several on a machine can have a file each; no other label has more values than a list in this program.
 *
 * A success is a run that could read everything, whatever it found: damage has metrics of its own. `previous` is the file that this one
 * replaces: a run that is incomplete keeps the time of the last success from it, and corrupt blobs are those that each part had when it
 * was last read (--verify), besides those that their size alone gives away.
 */
export function formatPrometheus(report: Report, tool: Tool, previous = ""): string {
  const scope = scopeOf(report);
  const seconds = report.finishedAt / 1000;
  const bytes = report.bytesByState();
  const isKnown = report.trusted.has(report.selected);
  const metrics: readonly Metric[] = [
    [
      "regcheck_build_info",
      "The regcheck that made this file, and what --name calls the registry, or the name of the host.",
      [[{ version: tool.version, name: report.name }, 1]],
    ],
    ...runMetrics({
      reported: seconds,
      success: report.complete ? seconds : lastSuccessIn(previous, scope),
      complete: report.complete,
    }),
    ["regcheck_duration_seconds", "How long the last run took.", one((report.finishedAt - report.startedAt) / 1000)],
    [
      FINDINGS,
      "Findings by code, `regcheck codes` says what each means; blob-corrupt with a part: as when that part was last read; without one: what its size alone gives away.",
      [...findings(report), ...corruptBlobs(report, scope, previous)],
    ],
    [
      "regcheck_bytes",
      "Stored bytes of the whole registry as the last run found them, each counted once: live, reclaimable by its policy, held back by damage, damaged; unknown where regcheck_garbage_known is 0.",
      isKnown ? BYTE_STATES.map((state) => [{ state }, bytes[state]]) : unknownBytes(bytes),
    ],
    [
      "regcheck_garbage_known",
      "1 if the storage tells what is garbage; 0 where something else decides what is live: then there are no figures of garbage.",
      one(isKnown ? 1 : 0),
    ],
    ...inventory(report),
  ];
  return formatMetrics(metrics, scope);
}

/** What was there, and what it took to read it. */
function inventory({ totals, stored, abandoned, own, pins, requests }: Report): readonly Metric[] {
  const quarantine = quarantineTotals(own);
  return [
    ["regcheck_repositories", "Repositories.", one(totals.repositories)],
    ["regcheck_tags", "Tags.", one(totals.tags)],
    ["regcheck_revisions", "Manifests, counted in each repository.", one(totals.revisions)],
    ["regcheck_layer_links", "Layer links.", one(totals.layerLinks)],
    ["regcheck_uploads", "Uploads that are under way or were abandoned.", one(totals.uploads)],
    [
      "regcheck_upload_bytes",
      "Bytes of all that lies in uploads, without S3's multipart uploads, which are no objects.",
      one(totals.uploadBytes),
    ],
    [
      "regcheck_abandoned_upload_bytes",
      "Bytes that a sweep with --purge-uploads removes, those of S3's multipart uploads included.",
      one(abandoned.bytes),
    ],
    ["regcheck_blobs", "Stored blobs.", one(totals.blobs)],
    [
      "regcheck_stored_bytes",
      "Bytes of all that lies in the storage, by kind: blobs, links, uploads, quarantine, strays.",
      (["blobs", "links", "uploads", "quarantine", "strays"] as const).map((kind) => [{ kind }, stored[kind]]),
    ],
    ["regcheck_quarantine_bytes", "Bytes that sweeps have moved aside: not free until purged.", one(quarantine.bytes)],
    ["regcheck_quarantine_runs", "Runs that have something in the quarantine.", one(quarantine.runs)],
    [
      "regcheck_quarantine_oldest_timestamp_seconds",
      "When the oldest of these runs began; 0 if there is none.",
      one(oldestQuarantined(own) ?? 0),
    ],
    ["regcheck_locked", "1 if there is a lock: a run is at work, or was killed.", one(own.lockedAt === undefined ? 0 : 1)],
    [
      "regcheck_pins",
      "Digests given by --keep: found in the storage, or missing.",
      [
        [{ state: "found" }, pins.found],
        [{ state: "missing" }, pins.missing.length],
      ],
    ],
    [
      "regcheck_requests",
      "Requests that the last run made to the storage.",
      (["list", "get", "head", "put", "delete"] as const).map((kind) => [{ kind }, requests[kind]]),
    ],
  ];
}

/** What is damaged is known whoever decides what is live. */
function unknownBytes({ damaged, ...others }: Readonly<Record<ByteState, number>>): Samples {
  return [
    [{ state: "damaged" }, damaged],
    [{ state: "unknown" }, Object.values(others).reduce((sum, bytes) => sum + bytes, 0)],
  ];
}

function scopeOf({ storage: { location, server }, givenName, filter }: Report): Labels {
  return scopeLabels({ storage: location, server, registry: givenName, repository: filter?.glob });
}

/**
 * Codes without findings are there too, as 0: an alert that looks for them resolves, and a graph has no gaps. Of corrupt blobs those that
 * every run knows: see `corruptBlobs` for the others.
 */
function findings(report: Report): Samples {
  const counts = new Map<FindingCode, Map<Severity, number>>();
  for (const code of FINDING_CODES) {
    const { severity, severityIfReclaimable = severity } = CATALOGUE[code];
    counts.set(
      code,
      new Map([
        [severity, 0],
        [severityIfReclaimable, 0],
      ]),
    );
  }
  for (const finding of report.findings()) {
    if (finding.code === "blob-corrupt" && !isKnownWithoutVerify(finding)) continue;
    const severity = severityOf(finding);
    const bySeverity = counts.get(finding.code);
    bySeverity?.set(severity, (bySeverity.get(severity) ?? 0) + 1);
  }
  const isKnown = report.trusted.has(report.selected);
  return [...counts].flatMap(([code, bySeverity]) =>
    Array.from(bySeverity, ([severity, count]) => [{ code, severity }, count] as const).filter(
      ([{ severity }]) => isKnown || severity !== "garbage",
    ),
  );
}

/**
 * The corrupt blobs of each part that was ever read, without those that every run counts by their size: they would be counted twice. A run that did not read a part says nothing of it: 0 would end an alert without
 * anything being mended. Where the parts are others than before, what was known of those is no longer kept apart, and goes.
 */
function corruptBlobs(report: Report, scope: Labels, previous: string): Samples {
  const { verified } = report;
  const labelsOf = (part: string) => ({ code: "blob-corrupt", severity: CATALOGUE["blob-corrupt"].severity, part });
  const start = nameOf(FINDINGS, { ...scope, ...labelsOf("") }).slice(0, -'"}'.length);
  const samples = new Map<string, number>();
  for (const line of previous.split("\n")) {
    const [, part = "", parts = "", count = ""] = /^(\d+)\/(\d+)"\} (\d+)$/.exec(line.slice(start.length)) ?? [];
    if (!line.startsWith(start) || count === "") continue;
    if (verified === undefined || verified.parts === Number(parts)) samples.set(`${part}/${parts}`, Number(count));
  }
  if (verified !== undefined) {
    const read = Array.from(report.findings(["blob-corrupt"])).filter((finding) => !isKnownWithoutVerify(finding));
    samples.set(`${verified.part}/${verified.parts}`, read.length);
  }
  return Array.from(samples, ([part, count]) => [labelsOf(part), count]);
}

/** Whether every run finds a corrupt blob: by its size, or for it is a manifest elsewhere. */
function isKnownWithoutVerify({ digest, bytes, cause }: Finding): boolean {
  if (cause !== undefined && cause.kind !== "content") return true;
  return digest !== undefined && bytes !== undefined && isImpossibleSize(digest, bytes);
}

/** The time of the last success that a file says of the same. */
function lastSuccessIn(file: string, scope: Labels): number {
  const start = `${nameOf(LAST_SUCCESS, scope)} `;
  const line = file.split("\n").find((text) => text.startsWith(start));
  const value = Number(line?.slice(start.length));
  return Number.isFinite(value) && value > 0 ? value : 0;
}
