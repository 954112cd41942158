import type { Standing } from "../storage/changes.js";
import { emptied } from "./pieces.js";
import type { PlanItem } from "./plan.js";

/** Directories that a result names of those that stay. */
const MOST_NAMED = 1000;

/** Directories that were to go and stay, for others have put something into them: the first of them, and how many there are. */
export class StandingDirectories {
  count = 0;
  readonly first: Standing[] = [];

  add(standing: readonly Standing[]): void {
    this.count += standing.length;
    this.first.push(...standing.slice(0, MOST_NAMED - this.first.length));
  }
}

/** For each item that has gone, those of its directories that stay: `pruned` is what the storage says of them. */
export function* stayingOf(
  items: readonly PlanItem[],
  pruned: readonly Standing[],
): Generator<{ readonly item: PlanItem; readonly staying: readonly Standing[] }> {
  const standing = new Map<string, Standing>();
  for (const { path: directory, objects } of items) {
    const stray = objects?.find(({ isStray }) => isStray);
    if (stray !== undefined) standing.set(directory, { directory, cause: `it holds ${directory}/${stray.name}` });
  }
  for (const one of pruned) standing.set(one.directory, one);
  for (const item of items) {
    // Other repositories may lie below an empty one: its own directories are what the registry knows it by.
    const own = emptied(item).filter(
      (directory) => item.kind !== "directory" || item.tag !== undefined || directory !== item.path,
    );
    yield { item, staying: own.flatMap((directory) => standing.get(directory) ?? []) };
  }
}
