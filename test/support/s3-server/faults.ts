import type { Reply } from "./reply.js";
import { errorDocument } from "./xml.js";

/** What goes wrong. */
export type Effect =
  /** An error reply; with a key pattern on DeleteObjects, an error of that key inside a 200. */
  | {
      readonly kind: "error";
      readonly status: number;
      readonly code: string;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** A 200 whose body is an error document, as CopyObject may send. Nothing is applied. */
  | { readonly kind: "error-in-200"; readonly code: string }
  /** The connection is reset, before anything happened or (`applied`) after it, so that only the reply is lost. */
  | { readonly kind: "reset"; readonly applied?: boolean }
  /** No reply for `ms`, then the ordinary one; without `ms` none ever. */
  | { readonly kind: "stall"; readonly ms?: number }
  /** Half of the body (or `bytes`): `cut` breaks the connection off, `clean` looks complete to HTTP. Cuts an XML as well. */
  | { readonly kind: "short-body"; readonly framing: "cut" | "clean"; readonly bytes?: number }
  /** Other content of the same length under the same headers, or `body`. */
  | { readonly kind: "wrong-body"; readonly body?: string }
  | ListingEffect;

/** Faults of ListObjectsV2 alone. */
export type ListingEffect =
  /** `IsTruncated` without a token. */
  | { readonly kind: "truncated-without-token" }
  /** The next token is the token that was sent. */
  | { readonly kind: "repeated-token" }
  /** The next token, new each time, leads back to the first page. */
  | { readonly kind: "looping-token" }
  /** Keys of the page backwards. */
  | { readonly kind: "unordered" }
  /** Pages of so many keys at most, which is no fault: a server may send fewer than it was asked for. */
  | { readonly kind: "short-pages"; readonly keys: number }
  /** A first page without a key, and a token: no fault either, a server may give up on a page that is full of delete markers. */
  | { readonly kind: "empty-first-page" };

/** When something goes wrong. */
export interface Fault {
  /** All operations when absent. */
  readonly operation?: string;
  readonly bucket?: string;
  /** The key, or the prefix of a listing: equal to the text, or matched by the pattern. */
  readonly key?: string | RegExp;
  /** So many matching requests pass first. Default 0. */
  readonly skip?: number;
  /** So many are hit, then no more. Default 1. */
  readonly times?: number;
  readonly effect: Effect;
}

/** A fault that is armed. */
export interface Injected {
  /** How often it has struck. */
  readonly hits: () => number;
  readonly remove: () => void;
}

interface Target {
  readonly operation: string;
  readonly bucket: string;
  readonly key: string;
}

const LISTING_EFFECTS: ReadonlySet<string> = new Set([
  "truncated-without-token",
  "repeated-token",
  "looping-token",
  "unordered",
  "short-pages",
  "empty-first-page",
]);

/** The faults of a server, in the order in which they were injected; the first that matches strikes. */
export class Faults {
  readonly #armed = new Set<{ fault: Fault; seen: number; hits: number }>();

  /** Arms a fault. */
  inject(fault: Fault): Injected {
    if (LISTING_EFFECTS.has(fault.effect.kind) && fault.operation !== "ListObjectsV2") {
      throw new Error(`${fault.effect.kind} is a fault of ListObjectsV2`);
    }
    const entry = { fault, seen: 0, hits: 0 };
    this.#armed.add(entry);
    return { hits: () => entry.hits, remove: () => void this.#armed.delete(entry) };
  }

  /** The fault of a whole request. One with a key pattern on DeleteObjects is a fault of that key alone. */
  ofRequest(target: Target): Effect | undefined {
    return this.#strike(target, (fault) => target.operation !== "DeleteObjects" || fault.key === undefined);
  }

  /** The fault of one key of a DeleteObjects. */
  ofKey(target: Target): Effect | undefined {
    return this.#strike(target, (fault) => fault.operation === "DeleteObjects" && fault.key !== undefined);
  }

  #strike(target: Target, applies: (fault: Fault) => boolean): Effect | undefined {
    for (const entry of this.#armed) {
      const { fault } = entry;
      if (!applies(fault) || !isMatch(fault, target)) continue;
      entry.seen += 1;
      if (entry.seen <= (fault.skip ?? 0) || entry.hits >= (fault.times ?? 1)) continue;
      entry.hits += 1;
      return fault.effect;
    }
    return undefined;
  }
}

function isMatch({ operation, bucket, key }: Fault, target: Target): boolean {
  if (operation !== undefined && operation !== target.operation) return false;
  if (bucket !== undefined && bucket !== target.bucket) return false;
  if (key === undefined) return true;
  return typeof key === "string" ? key === target.key : new RegExp(key).test(target.key);
}

/** A reply after its fault; what breaks the connection is up to the server. */
export function spoil(reply: Reply, effect: Effect | undefined): Reply {
  if (effect === undefined || reply.status >= 300) return reply;
  const body = Buffer.from(reply.body ?? "");
  if (effect.kind === "wrong-body") {
    return { ...reply, body: effect.body ?? Buffer.from(body.map((byte) => byte ^ 0x01)) };
  }
  if (effect.kind === "short-body" && effect.framing === "clean") {
    return { ...reply, body: body.subarray(0, effect.bytes ?? Math.floor(body.length / 2)) };
  }
  return reply;
}

/** The reply of a fault that takes the place of the operation. */
export function replyOf(effect: Effect | undefined): Reply | undefined {
  const headers = { "content-type": "application/xml" };
  if (effect?.kind === "error") {
    const body = errorDocument(effect.code, effect.message ?? effect.code);
    return { status: effect.status, headers: { ...headers, ...effect.headers }, body };
  }
  if (effect?.kind === "error-in-200") return { status: 200, headers, body: errorDocument(effect.code, effect.code) };
  return undefined;
}
