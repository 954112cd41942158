import { concurrently } from "../../concurrently.js";
import { Digest, DIGEST_WORDS } from "../../registry/digest.js";
import { faultOf, GONE, judgeSecondReading, placeOf } from "../verification.js";
import type { BlobContent, BlobOutcome, BlobSelection, VerifiedBlobs } from "../verification.js";
import { hashOf } from "./body.js";
import type { BucketReader } from "./bucket-reader.js";
import { causeOf } from "./errors.js";

/**
 * Bytes from which on a checksum is worth more than reading. Below that, what is on its way already is most of the body, and reading it
 * costs less than a new connection.
 */
const WORTH_A_CHECKSUM = 1024 * 1024;

/** A blob to be verified. */
interface Item {
  readonly path: string;
  /** What its content is to have. */
  readonly digest: Digest;
  readonly listedBytes: number;
}

/** Verifies blobs, one request for each; see `Storage.verifyBlobs`. `root` is what comes before the paths. */
export async function* verifyBlobs(
  bucket: BucketReader,
  root: string,
  selections: Iterable<BlobSelection>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<VerifiedBlobs> {
  const items = itemsOf(selections);
  const verifier = new BlobVerifier(bucket, root, onBytes);
  yield* concurrently(bucket.limit.most, () => {
    const next = items.next();
    return next.done === true ? undefined : verifier.verify(next.value);
  });
}

function* itemsOf(selections: Iterable<BlobSelection>): Generator<Item, void> {
  for (const selection of selections) {
    const { algorithm, digests, sizes } = selection;
    for (const [i, listedBytes] of sizes.entries()) {
      const digest = Digest.fromWords(algorithm, digests, i * DIGEST_WORDS[algorithm]);
      yield { path: placeOf(selection, i), digest, listedBytes };
    }
  }
}

class BlobVerifier {
  /**
   * Whether the last answer about a large blob had its checksum: then a HEAD is asked first. A GET asks for it too, and is broken off
   * where it comes, which costs a connection; asking first where there is none costs a request. Most buckets have one kind of blobs.
   */
  #asksFirst = false;

  constructor(
    private readonly bucket: BucketReader,
    private readonly root: string,
    private readonly onBytes: (bytes: number) => void,
  ) {}

  async verify(item: Item): Promise<VerifiedBlobs> {
    const { path, digest, listedBytes } = item;
    const outcome = await this.#outcomeOf(item).catch((error: unknown): BlobOutcome => ({
      kind: "unreadable",
      cause: causeOf(error),
    }));
    if (outcome.kind === "unreadable") return { ...NOTHING, faults: [faultOf(path, outcome)] };
    const { bytes } = outcome;
    if (outcome.kind === "sound") return { ...NOTHING, blobs: 1, bytes, vouchedBytes: outcome.isVouched === true ? bytes : 0 };
    const { algorithm, hex } = digest;
    return {
      ...NOTHING,
      blobs: 1,
      bytes,
      corrupt: [{ path, algorithm, hex, contentHex: outcome.contentHex, bytes, listedBytes }],
    };
  }

  async #outcomeOf({ path, digest, listedBytes }: Item): Promise<BlobOutcome> {
    const { algorithm, hex } = digest;
    const key = `${this.root}${path}`;
    const isWorthAsking = algorithm === "sha256" && listedBytes >= WORTH_A_CHECKSUM;
    if (isWorthAsking && this.#asksFirst) {
      const checksum = await this.bucket.checksum(key);
      if (checksum === undefined) return GONE;
      this.#asksFirst = checksum.sha256 !== undefined;
      if (checksum.sha256 === hex) return this.#vouched(checksum.bytes ?? listedBytes);
    }
    const first = await this.#get(key, digest, isWorthAsking);
    if (first === undefined) return GONE;
    if (first.hex === hex) return first.isVouched ? this.#vouched(first.bytes) : { kind: "sound", bytes: first.bytes };
    return judgeSecondReading(hex, first, await this.#get(key, digest, false, () => {}));
  }

  /** Reads an object's content, or as much of it as it takes to see that its checksum is the digest. */
  #get(
    key: string,
    { algorithm, hex }: Digest,
    takesChecksum: boolean,
    onBytes = this.onBytes,
  ): Promise<(BlobContent & { readonly isVouched: boolean }) | undefined> {
    return this.bucket.getWithChecksum(key, async (body, bytes, { sha256 }) => {
      if (takesChecksum) {
        this.#asksFirst = sha256 !== undefined;
        if (sha256 === hex && bytes !== undefined) {
          body.on("error", () => {}).destroy();
          return { hex, bytes, isVouched: true };
        }
      }
      let length = 0;
      const count = (more: number): void => {
        length += more;
        onBytes(more);
      };
      try {
        return { hex: await hashOf(body, bytes, algorithm, count), bytes: length, isVouched: false };
      } catch (error) {
        // Another attempt begins at the first byte.
        onBytes(-length);
        throw error;
      }
    });
  }

  #vouched(bytes: number): BlobOutcome {
    this.onBytes(bytes);
    return { kind: "sound", bytes, isVouched: true };
  }
}

const NOTHING: VerifiedBlobs = { blobs: 0, bytes: 0, vouchedBytes: 0, corrupt: [], faults: [] };
