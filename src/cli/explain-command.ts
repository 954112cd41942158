import { EXIT_CODES, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { explain } from "../explain.js";
import { parseReference } from "../explain/reference.js";
import type { Policy } from "../mark/policy.js";
import { policyOf } from "./check-command.js";
import type { PolicyArguments } from "./check-command.js";
import { openStorage } from "./open-storage.js";
import type { StorageArguments } from "./open-storage.js";
import { startProgressLine } from "./progress-line.js";
import { untilAborted } from "../until-aborted.js";
import { TOOL } from "./tool.js";
import { textOptions, writeToStdout } from "./write-report.js";

/** The command line of `regcheck explain`, parsed. */
export interface ExplainArguments extends StorageArguments, PolicyArguments {
  readonly reference: string;
  readonly all: boolean;
  readonly format: "text" | "json";
  readonly quiet: boolean;
}

/** What a policy file says is told of each tag. */
function withDecisions({ retention, ...policy }: Policy): Policy {
  return { ...policy, retention: retention && { ...retention, detail: "decisions" } };
}

/** Prints why something is alive, garbage or missing. */
export async function runExplain(args: ExplainArguments, signal: AbortSignal): Promise<ExitCode> {
  const reference = parseReference(args.reference);
  if (args.policy !== undefined && reference.kind !== "tag")
    throw new UsageError(`${args.reference}: --policy is about tags: give repository:tag`);
  const policy = withDecisions(await policyOf(args, signal));
  const { storage, owners } = await openStorage(args, signal);
  const progress = startProgressLine(process.stderr, args.quiet);
  try {
    const explaining = explain(storage, reference, { policy, owners, all: args.all, onProgress: progress.update });
    const explanation = await untilAborted(explaining, signal);
    progress.stop();
    const exitCode = explanation.complete ? EXIT_CODES.clean : EXIT_CODES.incomplete;
    if (args.format === "json") {
      const { formatExplanationAsJson } = await import("../explain/json.js");
      await writeToStdout([formatExplanationAsJson(explanation, TOOL, exitCode)]);
    } else {
      const { formatExplanation } = await import("../explain/text.js");
      await writeToStdout([formatExplanation(explanation, textOptions(process.stdout), args.all)]);
    }
    return exitCode;
  } finally {
    progress.stop();
    await storage.close();
  }
}
