import { VARIANTS } from "../mark/policy.js";
import type { Variant } from "../mark/policy.js";
import type { Report } from "./report.js";

/** What each variant of the policy is called, and the option that selects it alone. */
export const VARIANT_LABELS: Readonly<Record<Variant, { readonly words: string; readonly option?: string }>> = {
  asIs: { words: "as is" },
  withDeleteUntagged: { words: "with", option: "--delete-untagged" },
  withDropDanglingTags: { words: "with", option: "--drop-dangling-tags" },
  withBoth: { words: "with both" },
  withPolicy: { words: "with", option: "--policy" },
};

/** The variants that a report tells of: those whose figures can be trusted; and without a policy file, there is none with it. */
export function shownVariants({ trusted, policy: { retention } }: Pick<Report, "trusted" | "policy">): readonly Variant[] {
  return VARIANTS.filter((variant) => trusted.has(variant) && (variant !== "withPolicy" || retention !== undefined));
}
