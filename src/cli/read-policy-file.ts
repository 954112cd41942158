import fs from "node:fs";
import { UsageError } from "../errors.js";
import { causeOf } from "../system-errors.js";
import type { RetentionRequest } from "../retention/retention.js";

/** Reads the file that `--policy` names. Throws a `UsageError`. */
export async function readPolicyFile(file: string): Promise<Pick<RetentionRequest, "retention" | "file">> {
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`--policy ${file}: ${causeOf(error)}`);
  }
  // Its parsers take 60 ms to load, which no other run need pay.
  const { parsePolicyFile } = await import("../retention/policy-file.js");
  return { retention: parsePolicyFile(text, `--policy ${file}`), file };
}
