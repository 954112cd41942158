import { countOf, formatCount } from "../report/format.js";
import type { PlanTotals } from "./plan.js";
import type { ReviewedPlan } from "./plan-file.js";

/** A reviewed plan, and how a run differs from it. */
export interface AcceptedPlan extends Pick<ReviewedPlan, "allows" | "items"> {
  /** What the plan was made with and the run is not; undefined where the plan does not say. */
  readonly lacking: readonly string[] | undefined;
}

/** What a run does not take of the plan that was reviewed. */
export interface LeftOut extends Pick<AcceptedPlan, "lacking"> {
  readonly items: number;
  /** How many there are in the plan. */
  readonly of: number;
}

/** Undefined where all of it is taken. */
export function leftOutOf({ items: of, lacking }: AcceptedPlan, { items: taken }: PlanTotals): LeftOut | undefined {
  const items = of - Object.values(taken).reduce((sum, count) => sum + count, 0);
  return items === 0 ? undefined : { items, of, lacking };
}

/** For people. */
export function leftOutNotice({ items, of, lacking }: LeftOut): string {
  const stay = `${formatCount(items)} of the ${countOf(of, "item")} in the plan ${items === 1 ? "stays" : "stay"}`;
  if (lacking === undefined)
    return `${stay}: gone or needed again, or this run was not given all the options that the plan was made with.`;
  if (lacking.length === 0) return `${stay}: gone, or kept by what has changed since the plan was made, or by --keep.`;
  return `${stay}: it was made with ${lacking.join(", ")}, and this run was not. With the same options, all of it goes that still is garbage.`;
}
