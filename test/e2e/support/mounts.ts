import { commandOf, runCommand } from "../../support/run.js";
import type { Run } from "../../support/run.js";
import { findProgram } from "./programs.js";

const SCRIPT = 'set -e; while [ "$1" != -- ]; do mount --bind -o "$3" "$1" "$2"; shift 3; done; shift; exec "$@"';

/** Runs the program where some directories are mounted at others, in this order: nobody else sees these mounts, which end with it. */
export function regcheckWithMounts(
  mounts: readonly { readonly from: string; readonly at: string; readonly readOnly?: boolean }[],
  args: readonly string[],
): Promise<Run> {
  // Whoever is not root is taken for root in a user namespace, in which it may mount. Where even that is not allowed, the test fails.
  const user = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const points = mounts.flatMap(({ from, at, readOnly = false }) => [from, at, readOnly ? "ro" : "rw"]);
  return runCommand([findProgram("unshare"), ...user, "--mount", "sh", "-c", SCRIPT, "sh", ...points, "--", ...commandOf(args)]);
}
