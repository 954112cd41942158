import yoctoSpinner from "yocto-spinner";
import { countOf, formatBytes, formatDuration } from "../report/format.js";
import type { Progress } from "../mark/mark.js";

/** What a running check shows on stderr: a line that changes on a terminal, a line a minute elsewhere, nothing with `--quiet`. */
export interface ProgressLine {
  readonly update: (progress: Progress) => void;
  /** During a sweep. */
  readonly removed: (removed: { readonly bytes: number; readonly blobs: number }) => void;
  /** During anything else: what is done so far, in words. */
  readonly say: (text: string) => void;
  readonly stop: () => void;
}

/** Starts a progress line if somebody is there to see it. */
export function startProgressLine(stream: NodeJS.WriteStream, quiet: boolean): ProgressLine {
  if (quiet) return { update: () => {}, removed: () => {}, say: () => {}, stop: () => {} };
  if (!isInteractive(stream)) return startProgressLog(stream);
  // Its own way with signals is to end the process at once, in the middle of the work.
  const spinner = yoctoSpinner({ text: "listing blobs", stream, handleSignals: false }).start();
  let verifyingSince: number | undefined;
  return {
    update: (progress) => {
      verifyingSince ??= progress.phase === "verify" ? Date.now() : undefined;
      spinner.text = describeProgress(progress, Date.now() - (verifyingSince ?? Date.now()));
    },
    removed: (removed) => {
      spinner.text = describeRemoved(removed);
    },
    say: (text) => {
      spinner.text = text;
    },
    stop: () => {
      spinner.stop();
    },
  };
}

/** Milliseconds between two lines of progress where none can be replaced: a log shows that the work goes on, and a short run says nothing. */
const LOG_INTERVAL = 60_000;

function startProgressLog(stream: NodeJS.WritableStream): ProgressLine {
  const began = Date.now();
  let verifyingSince: number | undefined;
  let latest = (): string => "";
  const timer = setInterval(() => {
    const text = latest();
    if (text !== "") stream.write(`regcheck: ${formatDuration(Date.now() - began)}: ${text}\n`);
  }, LOG_INTERVAL).unref();
  return {
    update: (progress) => {
      if (progress.phase === "verify") verifyingSince ??= Date.now();
      latest = () => describeProgress(progress, Date.now() - (verifyingSince ?? Date.now()));
    },
    removed: (removed) => {
      latest = () => describeRemoved(removed);
    },
    say: (text) => {
      latest = () => text;
    },
    stop: () => clearInterval(timer),
  };
}

function describeRemoved({ blobs, bytes }: { readonly bytes: number; readonly blobs: number }): string {
  return `sweeping: ${countOf(blobs, "blob")}, ${formatBytes(bytes)}`;
}

/** The spinner would print each of its states as a line where it cannot replace one: there, silence is better. */
function isInteractive(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env["TERM"] !== "dumb" && process.env["CI"] === undefined;
}

/** The progress in words; `verifyingFor` is how long blobs have been read to verify them, in milliseconds. */
export function describeProgress(progress: Progress, verifyingFor: number): string {
  if (progress.phase === "verify") {
    const { bytes, bytesInAll } = progress;
    return `verifying: ${formatBytes(bytes)} of ${formatBytes(bytesInAll)}${restOf(bytes, bytesInAll, verifyingFor)}`;
  }
  const { phase, blobs, repositories, manifests } = progress;
  if (phase === "blobs") return `listing blobs: ${countOf(blobs, "blob")}`;
  return `marking: ${countOf(repositories, "repository", "repositories")}, ${countOf(manifests, "manifest")} of ${countOf(blobs, "blob")} read`;
}

/** Milliseconds until the speed says anything. */
const SETTLED = 2000;

/** How long the rest takes if it goes on as it went until now. */
function restOf(bytes: number, bytesInAll: number, milliseconds: number): string {
  if (milliseconds < SETTLED || bytes <= 0) return "";
  const left = ((bytesInAll - bytes) / bytes) * milliseconds;
  return left < 0 ? "" : `, about ${formatDuration(Math.ceil(left / 1000) * 1000)} left`;
}
