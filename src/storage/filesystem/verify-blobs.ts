import crypto from "node:crypto";
import fs from "node:fs";
import { Digest, DIGEST_WORDS } from "../../registry/digest.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { faultOf, GONE, judgeSecondReading, placeOf } from "../verification.js";
import type { BlobContent, BlobOutcome, BlobSelection, CorruptBlob, VerifiedBlobs } from "../verification.js";
import type { StorageFault } from "../listing.js";
import { counts } from "./counts.js";
import { causeOf, isAbsent } from "../../system-errors.js";
import { READ_FLAGS } from "./calls.js";
import { isUnsettled, modifiedTime, pauseForWriter } from "./settled.js";

/** Read at a time: small enough to stay in a processor's cache until it is hashed. */
const buffer = Buffer.allocUnsafeSlow(128 * 1024);

/** Where blobs lie: an absolute path, and whether another machine's clock tells when they were changed. */
interface Place {
  readonly root: string;
  readonly isNetwork: boolean;
}

/** Reads blobs whole, one after the other, and compares them with their digests. `onBytes` receives the number of bytes as they are read. */
export function verifyBlobs(
  { root, isNetwork }: Place,
  selection: BlobSelection,
  onBytes: (bytes: number) => void,
): VerifiedBlobs {
  const { algorithm, digests, sizes } = selection;
  const corrupt: CorruptBlob[] = [];
  const faults: StorageFault[] = [];
  let blobs = 0;
  let bytes = 0;
  const judge = ({ path, hex, listedBytes }: Item, outcome: BlobOutcome): void => {
    if (outcome.kind === "unreadable") {
      faults.push(faultOf(path, outcome));
      return;
    }
    blobs++;
    bytes += outcome.bytes;
    if (outcome.kind === "corrupt")
      corrupt.push({ path, algorithm, hex, contentHex: outcome.contentHex, bytes: outcome.bytes, listedBytes });
  };
  const wrong: { readonly item: Item; readonly first: BlobContent }[] = [];
  for (const [i, listedBytes] of sizes.entries()) {
    const { hex } = Digest.fromWords(algorithm, digests, i * DIGEST_WORDS[algorithm]);
    const item = { path: placeOf(selection, i), hex, listedBytes };
    const first = read(`${root}/${item.path}`, algorithm, onBytes);
    if ("kind" in first) judge(item, first);
    else if (first.hex === hex) judge(item, { kind: "sound", bytes: first.bytes });
    else wrong.push({ item, first });
  }
  if (wrong.some(({ item }) => isNetwork || isUnsettled(modifiedTime(root, item.path)))) pauseForWriter();
  for (const { item, first } of wrong) {
    const second = read(`${root}/${item.path}`, algorithm, () => {});
    judge(item, "kind" in second ? second : judgeSecondReading(item.hex, first, second));
  }
  return { blobs, bytes, vouchedBytes: 0, corrupt, faults };
}

/** A blob to be verified. */
interface Item {
  readonly path: string;
  /** The digest that its content is to have. */
  readonly hex: string;
  readonly listedBytes: number;
}

function read(path: string, algorithm: DigestAlgorithm, onBytes: (bytes: number) => void): BlobContent | BlobOutcome {
  try {
    return readContent(path, algorithm, onBytes) ?? GONE;
  } catch (error) {
    return { kind: "unreadable", cause: causeOf(error) };
  }
}

/** Hashes a file; `undefined` when there is none. */
function readContent(path: string, algorithm: DigestAlgorithm, onBytes: (bytes: number) => void): BlobContent | undefined {
  const file = open(path);
  if (file === undefined) return undefined;
  counts.get++;
  try {
    let length = fill(file);
    onBytes(length);
    // Most blobs by number are configs and manifests: one call is a third of the price of three.
    if (length < buffer.length) return { hex: crypto.hash(algorithm, buffer.subarray(0, length), "hex"), bytes: length };
    const hash = crypto.createHash(algorithm);
    let bytes = 0;
    while (length > 0) {
      hash.update(length === buffer.length ? buffer : buffer.subarray(0, length));
      bytes += length;
      length = fill(file);
      onBytes(length);
    }
    return { hex: hash.digest("hex"), bytes };
  } finally {
    fs.closeSync(file);
  }
}

function open(path: string): number | undefined {
  try {
    return fs.openSync(path, READ_FLAGS);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Fills the buffer as far as the file goes: only a read of nothing is its end. */
function fill(file: number): number {
  let length = 0;
  while (length < buffer.length) {
    const more = fs.readSync(file, buffer, length, buffer.length - length, null);
    if (more === 0) break;
    length += more;
  }
  return length;
}
