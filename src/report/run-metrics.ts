import { formatMetrics, one } from "./prometheus-text.js";
import type { Labels, Metric } from "./prometheus-text.js";

/** Which registry the metrics are of: a bucket of the same name may be on another server, a directory of the same path in another container. */
export interface MetricsScope {
  /** Its location. */
  readonly storage: string | undefined;
  /** Host and port of an S3 endpoint. */
  readonly server: string | undefined;
  /** What the operator calls it. */
  readonly registry: string | undefined;
  /** Findings may be those of some repositories alone: the glob that they match. */
  readonly repository: string | undefined;
}

/** The scope as labels, in the order in which they are written. */
export function scopeLabels({ storage, server, registry, repository }: MetricsScope): Labels {
  return { storage, server, registry, repository };
}

export const LAST_SUCCESS = "regcheck_last_success_timestamp_seconds";
const LAST_REPORT = "regcheck_last_run_timestamp_seconds";
const COMPLETE = "regcheck_complete";

/** How the last run went. Times are in seconds since 1970. */
export function runMetrics({ reported, success, complete }: RunEnd): readonly Metric[] {
  const metrics: readonly Metric[] = [
    [LAST_SUCCESS, "When a run last read everything, whatever it found; 0 if no such run is known.", one(success)],
    [
      COMPLETE,
      "1 if the last run read everything; 0 if something could not be read, or if it failed before it had a report.",
      one(complete ? 1 : 0),
    ],
  ];
  if (reported === undefined) return metrics;
  return [[LAST_REPORT, "When the last run ended that has a report: the other figures are of then.", one(reported)], ...metrics];
}

interface RunEnd {
  /** When the last run ended that has a report; undefined where none has had one. */
  readonly reported: number | undefined;
  readonly success: number;
  readonly complete: boolean;
}

/**
 * A file of metrics after a run that has failed before it had a report: the run is not complete, and all else stays as it was, which the time
 * of the last report says. Damage does not go away by that, and an alert of it must not end. Undefined where the file is to stay as it is: it
 * is of this run, which began at `since` (seconds since 1970), or there are no metrics of a run in it.
 */
export function withFailedRun(file: string, scope: MetricsScope, since: number): string | undefined {
  if (file.trim() === "")
    return formatMetrics(runMetrics({ reported: undefined, success: 0, complete: false }), scopeLabels(scope));
  const lines = file.split("\n");
  const isComplete = (line: string): boolean => line.startsWith(`${COMPLETE}{`);
  const ended = lines.find((line) => line.startsWith(`${LAST_REPORT}{`));
  if (!lines.some(isComplete) || (ended !== undefined && valueOf(ended) >= since)) return undefined;
  return lines.map((line) => (isComplete(line) ? `${line.slice(0, line.lastIndexOf(" "))} 0` : line)).join("\n");
}

function valueOf(line: string): number {
  return Number(line.slice(line.lastIndexOf(" ")));
}
