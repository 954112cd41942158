import { createHash } from "node:crypto";
import { beforeEach } from "vitest";

/**
 * With `REGCHECK_SEED`, each property draws its inputs from that text and the test's name; without, from chance. `.ci/run` sets it to a
 * hash of the sources: every change is tried on inputs of its own, and one that has passed passes again.
 */
const text = process.env["REGCHECK_SEED"];

if (text !== undefined) {
  const { default: fc } = await import("fast-check");
  beforeEach(({ task }) => {
    const seed = createHash("sha256").update(`${text} ${task.fullName}`).digest().readInt32LE();
    fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
  });
}
