import fs from "node:fs";
import { proxyStateProblem } from "../../registry/proxy-state.js";
import { causeOf, isAbsent } from "../../system-errors.js";

/** What is wrong with a `scheduler-state.json`; undefined where there is none, or nothing is. */
export function readProxyState(file: string): string | undefined {
  try {
    return proxyStateProblem(fs.readFileSync(file, "utf8"));
  } catch (error) {
    return isAbsent(error) ? undefined : `it cannot be read: ${causeOf(error)}`;
  }
}
