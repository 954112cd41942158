import type { MarkContext } from "./context.js";
import { isLost } from "./meant-blobs.js";

/** What a manifest says of its subject by a digest of another algorithm of which no link of its repository tells what it is stored as. */
export interface LostSubject {
  readonly referrer: number;
  readonly named: number;
  /** Bytes; undefined where it says none. */
  readonly declared: number | undefined;
}

/** What such a subject may be: what links of other repositories say or, where none of these tells, any blob of its size. */
export interface LostMeaning {
  readonly told: readonly number[];
  /** Bytes; undefined where a link tells. */
  readonly size: number | undefined;
  /** Whether it may be anything: nothing tells its size either. */
  readonly isAnything: boolean;
}

/** What a lost subject may be by the links of those repositories that were marked so far. */
export function meaningOfLost({ table, aliases }: MarkContext, { named, declared }: Omit<LostSubject, "referrer">): LostMeaning {
  const told = (aliases.get(named) ?? []).flat();
  if (told.some((id) => !isLost(table, named, id, declared))) return { told, size: undefined, isAnything: false };
  return { told, size: declared, isAnything: declared === undefined };
}
