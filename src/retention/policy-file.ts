import { parseDocument } from "yaml";
import { UsageError } from "../errors.js";
import type { Retention, RetentionPolicy } from "./retention.js";
import { Fields } from "./fields.js";
import { parseConditionPolicy, parseMostRecentPolicy } from "./parse-policy.js";

/**
 * Parses a policy file: a list of Google Artifact Registry's cleanup policies, in YAML or JSON, with selectors for what a registry has.
 * What is not understood is refused, for a policy that is taken for another one deletes. Throws a `UsageError` that names the file, the
 * policy and the key.
 */
export function parsePolicyFile(text: string, file: string): Retention {
  const refuse = (why: string): never => {
    throw new UsageError(`${file}: ${why}`);
  };
  const content = parseYaml(text, refuse);
  if (!Array.isArray(content)) return refuse("expected a list of policies, each with a name, an action and a condition");
  if (content.length === 0) return refuse("there is no policy in it");
  const policies = content.map((value: unknown, i) => parsePolicy(new Fields(value, `policy ${i + 1}`, refuse)));
  const names = new Set<string>();
  for (const { name } of policies) {
    if (names.has(name)) refuse(`${name}: two policies have this name`);
    names.add(name);
  }
  return { policies };
}

/** JSON is YAML; a key that is there twice is an error in both, and so is here what YAML reads otherwise than it looks. */
function parseYaml(text: string, refuse: (why: string) => never): unknown {
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) refuse(firstLine(error.message));
  try {
    return document.toJS();
  } catch (problem) {
    return refuse(problem instanceof Error ? problem.message : String(problem));
  }
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0]?.replace(/:$/, "") ?? "";
}

function parsePolicy(unnamed: Fields): RetentionPolicy {
  const name = unnamed.text("name");
  const policy = unnamed.called(name);
  policy.allow(["name", "action", "condition", "mostRecentVersions"]);
  const action = policy.map("action");
  action.allow(["type"]);
  const type = action.choice("type", ["Delete", "Keep"]);
  const mostRecent = policy.optionalMap("mostRecentVersions");
  if (mostRecent === undefined) return parseConditionPolicy(name, type === "Delete" ? "delete" : "keep", policy);
  if (type === "Delete")
    return mostRecent.refuse("goes with action.type Keep: what is not among the most recent goes by a Delete policy");
  if (policy.has("condition")) policy.refuse("expected condition or mostRecentVersions, not both: write two policies");
  return parseMostRecentPolicy(name, mostRecent);
}
