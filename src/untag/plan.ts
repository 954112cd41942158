import { isReferrer } from "../guard/judge-retention.js";
import type { Marked } from "../mark/marked.js";
import type { TagDecision } from "../mark/retention.js";
import { tagPath } from "../registry/layout.js";
import type { PlanItem, Stage } from "../sweep/plan.js";

/**
 * The tags that a policy file lets go. Those of signatures and other referrers come first, as they refer to the others' images: were the run
 * killed between the two, the next one still sees which image's last tag it takes.
 */
export function planTags({ repositories, table }: Pick<Marked, "repositories" | "table">): readonly Stage[] {
  function* itemsOf(choose: (decision: TagDecision) => boolean): Generator<PlanItem> {
    for (const { name: repository, retention } of repositories) {
      for (const decision of retention?.decisions ?? []) {
        const { tag, image, goes, objects } = decision;
        if (!goes || image === undefined || !choose(decision)) continue;
        const digest = table.digest(image).toString();
        yield { kind: "tag", path: tagPath(repository, tag), bytes: 0, repository, tag, digest, objects };
      }
    }
  }
  return [
    { name: "tags of referrers", barrier: false, items: () => itemsOf(isReferrer) },
    { name: "tags", barrier: false, items: () => itemsOf((decision) => !isReferrer(decision)) },
  ];
}
