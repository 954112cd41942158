import type { ExitCode } from "../errors.js";
import { jsonFinding } from "../report/json.js";
import type { Tool } from "../report/json.js";
import type { Chain, Explanation, RepositoryMention, Since } from "./explanation.js";

/** The version of the JSON names: they do not change within a major version. */
const EXPLANATION_SCHEMA_VERSION = "1.0";

/** The explanation as JSON text; `explanation.schema.json` describes it. */
export function formatExplanationAsJson(explanation: Explanation, tool: Tool, exitCode: ExitCode): string {
  return `${JSON.stringify(toJson(explanation, tool, exitCode), undefined, 2)}\n`;
}

function toJson(explanation: Explanation, tool: Tool, exitCode: ExitCode) {
  const { policy, digest, blob, goes, since } = explanation;
  return {
    schemaVersion: EXPLANATION_SCHEMA_VERSION,
    tool,
    storage: explanation.storage,
    complete: explanation.complete,
    exitCode,
    unreadable: explanation.unreadable.map((finding) => jsonFinding(finding)),
    notices: explanation.notices,
    truthElsewhere: explanation.truthElsewhere.map(({ owner, evidence }) => ({ owner, evidence })),
    policy: {
      deleteUntagged: policy.deleteUntagged,
      dropDanglingTags: policy.dropDanglingTags,
      grace: policy.grace,
      pins: policy.pins.length,
    },
    reference: explanation.reference,
    repository: explanation.repository,
    tag: explanation.tag,
    digest: digest?.toString(),
    retention: explanation.retention && retentionToJson(explanation.retention),
    verdict: explanation.verdict,
    kind: explanation.kind,
    stored: blob !== undefined,
    bytes: blob?.bytes,
    modified: blob && time(blob.modified),
    garbage: explanation.garbage,
    chains: explanation.chains.map(chainToJson),
    roots: { ...explanation.rootCounts, repositories: explanation.rootRepositories },
    mentions: explanation.mentions.map(mentionToJson),
    mentionCount: explanation.mentionCount,
    damage: explanation.damage.map((finding) => jsonFinding(finding)),
    pull: explanation.pull,
    goes: goes && { ...goes, digests: goes.digests.map(String) },
    since: since && sinceToJson(since),
  };
}

function retentionToJson({ file, decision: { goes, reason, pushed } }: NonNullable<Explanation["retention"]>) {
  return {
    file,
    goes,
    reason: reason.kind,
    policy: "policy" in reason ? reason.policy : undefined,
    pushed: pushed === undefined ? undefined : time(pushed),
  };
}

function chainToJson({ root, findings, steps }: Chain) {
  return {
    root: { ...root, findings: findings.map((finding) => jsonFinding(finding)) },
    steps: steps.map((step) => ({
      as: step.as,
      digest: step.digest.toString(),
      stored: step.bytes !== undefined,
      bytes: step.bytes,
      link: step.link,
      findings: step.findings.map((finding) => jsonFinding(finding)),
    })),
  };
}

function mentionToJson(mention: RepositoryMention) {
  return {
    ...mention,
    namedBy: mention.namedBy.map(({ digest, as, live }) => ({ digest: digest.toString(), as, live })),
    findings: mention.findings.map((finding) => jsonFinding(finding)),
  };
}

function sinceToJson({ lastWritten, tagMoved }: Since) {
  return {
    lastWritten: { ...lastWritten, modified: time(lastWritten.modified) },
    tagMoved: tagMoved && { ...tagMoved, modified: time(tagMoved.modified) },
  };
}

/** Seconds since 1970, as ISO 8601 in UTC. */
function time(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
