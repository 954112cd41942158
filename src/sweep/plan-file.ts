import crypto from "node:crypto";
import { errorMessage, UsageError } from "../errors.js";
import { describeStorage, identityOf, isAtSamePlace, isSameStorage } from "../storage/identity.js";
import type { StorageIdentity } from "../storage/identity.js";
import { ITEM_KINDS } from "../journal/item-kinds.js";
import type { ItemKind } from "../journal/item-kinds.js";
import { parseStorage } from "../journal/read-run.js";
import { STORAGE_ID } from "../registry/layout.js";
import { streamLines } from "../journal/lines.js";
import { jsonLine } from "../json-line.js";
import type { PlanItem, Stage } from "./plan.js";
import { parseTerms } from "./plan-terms.js";
import type { PlanTerms } from "./plan-terms.js";

/** The version of the file's form; a file of another one is refused. */
const VERSION = "1.0";

/**
 * The plan as a file: NDJSON, a head that names the storage, an item a line, and an end that proves that nothing is missing. `asOf` is when the
 * storage was as it was looked at, in seconds since 1970; `terms` are a sweep's.
 */
export function* formatPlan(
  stages: readonly Stage[],
  storage: StorageIdentity,
  asOf: number,
  terms?: PlanTerms,
): Generator<string> {
  const hash = crypto.createHash("sha256");
  let items = 0;
  const line = (value: object): string => {
    const text = jsonLine(value);
    hash.update(text);
    return text;
  };
  yield line({
    type: "plan",
    schemaVersion: VERSION,
    storage: identityOf(storage),
    createdAt: new Date().toISOString(),
    asOf: new Date(asOf * 1000).toISOString(),
    terms,
  });
  for (const stage of stages) {
    for (const item of stage.items()) {
      items++;
      // What a tag or an upload consists of is for the sweep to find anew: it is reviewed as one.
      yield line({ type: "item", ...item, objects: undefined });
    }
  }
  yield jsonLine({ type: "end", items, sha256: hash.copy().digest("hex") });
}

/** What was reviewed. */
export interface ReviewedPlan {
  readonly allows: (item: PlanItem) => boolean;
  /** How many there are. */
  readonly items: number;
  /** Undefined in a plan of tags, and in one of an older version. */
  readonly terms: PlanTerms | undefined;
  /** When the storage was as it was looked at, in seconds since 1970: what was written since is something else, whatever its path. */
  readonly asOf: number;
}

/** Reads a reviewed plan. Throws a `UsageError` for a file that is damaged, of another version, or for another storage. */
export async function readPlan(file: string, storage: StorageIdentity): Promise<ReviewedPlan> {
  const refuse = (why: string): never => {
    throw new UsageError(`--plan ${file}: ${why}. Make a new one with --dry-run --plan-output ${file}.`);
  };
  const allowed = new KeySet();
  const hash = crypto.createHash("sha256");
  let asOf = Number.NaN;
  let terms: PlanTerms | undefined;
  let isHead = true;
  let end: Readonly<Record<string, unknown>> | undefined;
  try {
    for await (const text of streamLines(file)) {
      const line = parseLine(text) ?? refuse("it is damaged: a line is no JSON object");
      if (end !== undefined) refuse("it is damaged: there are lines after its end");
      if (isHead) {
        checkHead(line, storage, refuse);
        asOf = Math.floor(Date.parse(String(line["asOf"] ?? line["createdAt"])) / 1000);
        if (Number.isNaN(asOf)) refuse("it is damaged: it does not say when it was made");
        terms = parseTerms(line["terms"]);
      } else if (line["type"] === "item") allowed.add(keyOf(line) ?? refuse("it is damaged: an item has no kind or path"));
      else if (line["type"] === "end") end = line;
      else refuse(`it is damaged: a line has the type ${JSON.stringify(line["type"])}`);
      if (line["type"] !== "end") hash.update(`${text}\n`);
      isHead = false;
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    refuse(errorMessage(error));
  }
  if (end === undefined) refuse("it is damaged: its end is missing");
  else if (end["items"] !== allowed.size || end["sha256"] !== hash.digest("hex"))
    refuse("it is damaged: it was changed since it was written");
  return {
    allows: ({ kind, path, uploadId, digest }) => allowed.has(toKey(kind, path, uploadId, digest)),
    items: allowed.size,
    terms,
    asOf,
  };
}

/** A plan may have more items than the 16.7 million that a set of the language's own takes: 256 of them, of 16 bytes of each key's hash. */
class KeySet {
  readonly #shards = Array.from({ length: 256 }, () => new Set<string>());

  get size(): number {
    return this.#shards.reduce((sum, { size }) => sum + size, 0);
  }

  add(key: string): void {
    const hash = hashOf(key);
    this.#shards[hash.charCodeAt(0)]?.add(hash);
  }

  has(key: string): boolean {
    const hash = hashOf(key);
    return this.#shards[hash.charCodeAt(0)]?.has(hash) === true;
  }
}

function hashOf(key: string): string {
  return crypto.hash("sha256", key, "buffer").toString("latin1", 0, 16);
}

function checkHead(head: Readonly<Record<string, unknown>>, storage: StorageIdentity, refuse: (why: string) => never): void {
  if (head["type"] !== "plan") refuse("it is no plan");
  if (head["schemaVersion"] !== VERSION) refuse(`its version is ${JSON.stringify(head["schemaVersion"])}, not ${VERSION}`);
  const planned = parseStorage(head["storage"]);
  if (planned !== undefined && isSameStorage(planned, storage)) return;
  if (planned !== undefined && isAtSamePlace(planned, storage))
    refuse(`it is for another storage than the one that is at ${storage.location} here: ${STORAGE_ID} tells them apart`);
  refuse(`it is for ${JSON.stringify(head["storage"])}, not for ${describeStorage(storage)}`);
}

function keyOf({ kind, path, uploadId, digest }: Readonly<Record<string, unknown>>): string | undefined {
  const known = ITEM_KINDS.find((one) => one === kind);
  const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  return known !== undefined && typeof path === "string" ? toKey(known, path, textOf(uploadId), textOf(digest)) : undefined;
}

/** What an item is known by. A tag that names something else than when it was reviewed is another one. */
function toKey(kind: ItemKind, path: string, uploadId = "", digest = ""): string {
  return `${kind} ${path} ${uploadId} ${kind === "tag" ? digest : ""}`;
}

function parseLine(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
