import type { BlobTable } from "../mark/blob-table.js";
import type { TagDecision } from "../mark/retention.js";

/** Why a tag goes or stays, for people. Not escaped: it has the policy's name in it. */
export function whyOf({ reason }: TagDecision): string {
  switch (reason.kind) {
    case "delete-policy":
      return `by the policy ${reason.policy}`;
    case "keep-policy":
      return `kept by the policy ${reason.policy}`;
    case "image-goes":
      return "its image goes: this is the last of its tags";
    case "unselected":
      return "no delete policy selects it";
    case "pinned":
      return "its image is in use (--keep)";
    case "young":
      return "pushed within the grace time (--grace)";
    case "not-planned":
      return "not in the plan, or moved since it was made";
    case "referrer":
      return "it is about an image whose last tag does not go";
    case "held":
      return "not judged: damage holds its repository back";
    case "dangling":
      return "not judged: its manifest is gone";
    case "link-invalid":
      return "not judged: its current/link is damaged";
    case "without-current":
      return "not judged: it has no current/link";
    case "name-invalid":
      return "not judged: its name is outside the grammar";
    case "changed":
      return "not judged: it went while it was read";
    case "time-unknown":
      return "not judged: a policy goes by time, and no push was then: it is older than any, or was put back, repaired or copied";
    case "named-by-digest":
      return "not judged: a program has named it by a digest, and finds it so";
    case "layer-linked":
      return "not judged: without it the next sweep would take a manifest that has a layer link alone (repair revision-link-missing writes the link of what a tag names; what one has only named before goes with --delete-untagged)";
  }
}

/** What becomes of a tag, and why, for programs. */
export function jsonDecision({ tag, image, pushed, goes, reason }: TagDecision, table: BlobTable) {
  return {
    tag,
    digest: image === undefined ? undefined : table.digest(image).toString(),
    pushed: pushed === undefined ? undefined : new Date(pushed * 1000).toISOString(),
    goes,
    reason: reason.kind,
    policy: "policy" in reason ? reason.policy : undefined,
  };
}
