import { isIndependent } from "../journal/item-kinds.js";
import { batches } from "./batches.js";
import type { BatchSize } from "./batches.js";
import { BATCH, isWhole, piecesOf } from "./pieces.js";
import type { Piece } from "./pieces.js";
import type { PlanItem, Stage } from "./plan.js";

/** Objects in a batch, at most, where they depend on nothing: threads share them, and what is in memory at a time costs more than waiting for the last. */
const SHARED_BATCH = 2 * BATCH;
/** The same in a bucket: so many requests at a time. */
const REMOTE_BATCH = 5 * BATCH;

/** A part of a stage: the journal is told of it, then it goes. */
export interface Batch {
  readonly pieces: readonly Piece[];
  /** The same as items, where these go in any order, each with its directory. */
  readonly items: readonly PlanItem[] | undefined;
}

/** What a batch depends on. */
interface How {
  readonly isRemote: boolean;
  readonly isMove: boolean;
  readonly size: BatchSize;
}

/** A stage in batches. */
export function* batchesOf(stage: Stage, { isRemote, isMove, size }: How): Generator<Batch> {
  const sizeFor = ({ item: { kind } }: Piece): number => {
    const most = !isIndependent(kind) ? BATCH : isRemote ? REMOTE_BATCH : SHARED_BATCH;
    // A bucket takes a request for as many objects as there may be.
    return isRemote ? most : size.next(most);
  };
  for (const pieces of batches(piecesOf(stage.items()), sizeFor))
    yield { pieces, items: isMove ? undefined : independentItems(pieces) };
}

/** Undefined where one of the pieces is anything but an object that depends on nothing. */
function independentItems(pieces: readonly Piece[]): readonly PlanItem[] | undefined {
  const items: PlanItem[] = [];
  for (const { item } of pieces) {
    if (!isWhole(item) || !isIndependent(item.kind)) return undefined;
    items.push(item);
  }
  return items;
}
