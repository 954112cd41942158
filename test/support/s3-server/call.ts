import type { Effect } from "./faults.js";
import type { ByteString } from "./keys.js";
import type { Bucket } from "./store.js";
import type { Reply } from "./reply.js";

/** One request, taken apart, as an operation sees it. */
export interface Call {
  readonly bucket: Bucket;
  readonly key: ByteString;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Another bucket of the same server, for copies. */
  readonly findBucket: (name: string) => Bucket;
  /** A fault that this operation has to act out itself. */
  readonly effect: Effect | undefined;
  /** For faults on single keys within a request. */
  readonly effectOnKey: (key: string) => Effect | undefined;
}

export type Operation = (call: Call) => Reply;
