import yoctoSpinner from "yocto-spinner";
import { countOf, formatBytes } from "../report/format.js";
import type { Progress } from "../mark/mark.js";

/** What a running check shows on a terminal's stderr; nothing at all in a pipe or with `--quiet`. */
export interface ProgressLine {
  readonly update: (progress: Progress) => void;
  /** During a sweep. */
  readonly removed: (removed: { readonly bytes: number; readonly blobs: number }) => void;
  readonly stop: () => void;
}

/** Starts a progress line if somebody is there to see it. */
export function startProgressLine(stream: NodeJS.WriteStream, quiet: boolean): ProgressLine {
  if (quiet || !isInteractive(stream)) return { update: () => {}, removed: () => {}, stop: () => {} };
  // Its own way with signals is to end the process at once, in the middle of the work.
  const spinner = yoctoSpinner({ text: "listing blobs", stream, handleSignals: false }).start();
  return {
    update: (progress) => {
      spinner.text = describe(progress);
    },
    removed: ({ bytes, blobs }) => {
      spinner.text = `sweeping: ${countOf(blobs, "blob")}, ${formatBytes(bytes)}`;
    },
    stop: () => {
      spinner.stop();
    },
  };
}

/** The spinner would print each of its states as a line where it cannot replace one: there, silence is better. */
function isInteractive(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env["TERM"] !== "dumb" && process.env["CI"] === undefined;
}

function describe({ phase, blobs, repositories, manifests }: Progress): string {
  if (phase === "blobs") return `listing blobs: ${countOf(blobs, "blob")}`;
  return `marking: ${countOf(repositories, "repository", "repositories")}, ${countOf(manifests, "manifest")} of ${countOf(blobs, "blob")} read`;
}
