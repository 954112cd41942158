import { isReferrer } from "../guard/judge-retention.js";
import type { MarkedRepository } from "../mark/marked-repository.js";
import { isUnjudged } from "../mark/retention.js";
import type { Retention } from "../retention/retention.js";

/** What a policy file would do, in figures. */
export interface RetentionSummary {
  readonly totals: {
    readonly repositories: number;
    readonly tags: number;
    /** Tags that the policies may select: neither of referrers, nor damaged. */
    readonly judged: number;
    /** Of these, those that go. */
    readonly goes: number;
    /** Tags of referrers that go with their image. */
    readonly referrersGo: number;
    readonly unjudged: number;
  };
  /** Each policy with the number of tags for which it is the reason that they go, or stay. */
  readonly policies: readonly { readonly name: string; readonly action: "delete" | "keep"; readonly decides: number }[];
}

/** Counts the decisions. */
export function summarize(repositories: readonly MarkedRepository[], { policies }: Retention): RetentionSummary {
  const totals = { repositories: repositories.length, tags: 0, judged: 0, goes: 0, referrersGo: 0, unjudged: 0 };
  const decides = new Map<string, number>();
  for (const { retention } of repositories) {
    for (const decision of retention?.decisions ?? []) {
      totals.tags++;
      if (isUnjudged(decision)) totals.unjudged++;
      else if (isReferrer(decision)) totals.referrersGo += Number(decision.goes);
      else {
        totals.judged++;
        totals.goes += Number(decision.goes);
      }
      if ("policy" in decision.reason) decides.set(decision.reason.policy, (decides.get(decision.reason.policy) ?? 0) + 1);
    }
  }
  return { totals, policies: policies.map(({ name, action }) => ({ name, action, decides: decides.get(name) ?? 0 })) };
}
