import { describe, expect, test } from "vitest";
import { sectionCuts } from "#regcheck/storage/s3/digest-section.js";
import type { ListRequest } from "#regcheck/storage/s3/list-request.js";
import type { ListedObject, ListedObjects, ListedPage } from "#regcheck/storage/s3/page.js";
import { ParallelListing } from "#regcheck/storage/s3/parallel-listing.js";
import type { ListingPlan } from "#regcheck/storage/s3/parallel-listing.js";
import { RequestLimit } from "#regcheck/storage/s3/request-limit.js";
import { RepositorySplitter } from "#regcheck/storage/s3/split-repositories.js";
import { V2 } from "../../support/builder.js";

const REPOSITORIES = `${V2}/repositories/`;
const BLOBS = `${V2}/blobs/`;

/** A bucket that answers all that is under way at once, a round at a time: what a listing waits for are its rounds. */
class RoundsBucket {
  readonly limit = new RequestLimit(64);
  /** The requests of each round. */
  readonly rounds: number[] = [];
  readonly #keys: readonly string[];
  #waiting: (() => void)[] = [];

  constructor(
    keys: readonly string[],
    private readonly pageSize = 1000,
  ) {
    this.#keys = keys.toSorted();
  }

  get requests(): number {
    return this.rounds.reduce((sum, count) => sum + count, 0);
  }

  async list({ prefix, startAfter = "", token, delimiter }: ListRequest): Promise<ListedPage> {
    await new Promise<void>((resolve) => {
      if (this.#waiting.push(resolve) === 1) setImmediate(() => this.#answer());
    });
    const after = token ?? startAfter;
    const first = this.#keys.findIndex((key) => key > after && key.startsWith(prefix));
    if (delimiter !== undefined) {
      const behind = first < 0 ? [] : this.#keys.slice(first).filter((key) => key.startsWith(prefix));
      const prefixes = new Set(behind.map((key) => key.slice(0, key.indexOf(delimiter, prefix.length) + 1)));
      return { objects: [], prefixes: [...prefixes].filter((one) => one > after), isTruncated: false, nextToken: undefined };
    }
    const page = first < 0 ? [] : this.#keys.slice(first, first + this.pageSize + 1).filter((key) => key.startsWith(prefix));
    const objects = page.slice(0, this.pageSize).map((key): ListedObject => ({ key, size: 1, etag: "", modified: 1 }));
    const isTruncated = page.length > objects.length;
    return { objects, prefixes: [], isTruncated, nextToken: isTruncated ? objects.at(-1)?.key : undefined };
  }

  #answer(): void {
    this.rounds.push(this.#waiting.length);
    for (const answer of this.#waiting.splice(0)) answer();
  }
}

/** Evenly spread digests. */
function hexes(count: number): string[] {
  return Array.from({ length: count }, (_, i) =>
    Math.floor((i * 2 ** 48) / count)
      .toString(16)
      .padStart(12, "0")
      .padEnd(64, "0"),
  );
}

function links(repository: string, count: number): string[] {
  return hexes(count).map((hex) => `${REPOSITORIES}${repository}/_layers/sha256/${hex}/link`);
}

async function listed(bucket: RoundsBucket, plan: ListingPlan): Promise<string[]> {
  const keys: string[] = [];
  const read = async (objects: ListedObjects): Promise<void> => {
    for (const { key } of objects) keys.push(key);
  };
  for await (const { failure } of new ParallelListing(bucket, plan, () => ({ read })).pages()) expect(failure).toBeUndefined();
  return keys.toSorted();
}

function repositories(bucket: RoundsBucket, expectedPages: number): Promise<string[]> {
  const splitter = new RepositorySplitter(bucket, "", expectedPages);
  return listed(bucket, {
    prefix: REPOSITORIES,
    expectedPages,
    cuts: (range) => splitter.cuts(range),
    explore: (range) => splitter.explore(range),
    guess: (range) => splitter.guess(range),
  });
}

/** So many requests for so many keys, in so many rounds at most. */
function expectCost(bucket: RoundsBucket, keys: number, rounds: number): void {
  expect(bucket.requests).toBeLessThanOrEqual(1.05 * (keys / 1000) + 10);
  expect(bucket.rounds.length).toBeLessThanOrEqual(rounds);
}

describe("what a listing waits for", () => {
  test("blobs are cut into as many ranges as there may be as soon as a page shows how many there are", async () => {
    const keys = hexes(60_000).map((hex) => `${BLOBS}sha256/${hex.slice(0, 2)}/${hex}/data`);
    const bucket = new RoundsBucket(keys);
    expect(await listed(bucket, { prefix: BLOBS, cuts: sectionCuts })).toEqual(keys);
    expectCost(bucket, keys.length, 7);
  });

  test("directories of repositories are divided among all that may be under way", async () => {
    const names = Array.from({ length: 100 }, (_, i) => `team${i % 10}/app${Math.floor(i / 10)}`);
    const keys = names.flatMap((name) => links(name, 700));
    const bucket = new RoundsBucket(keys);
    expect(await repositories(bucket, 60)).toEqual(keys.toSorted());
    expectCost(bucket, keys.length, 13);
  });

  test("where the most is left is looked into first", async () => {
    const sizes = { a: 12, b: 12, c: 12, d: 12, z: 12 };
    const keys = Object.entries(sizes).flatMap(([directory, count]) =>
      Array.from({ length: count }, (_, i) => links(`${directory}/app${i}`, 800)).flat(),
    );
    const bucket = new RoundsBucket(keys);
    expect(await repositories(bucket, 40)).toEqual(keys.toSorted());
    expectCost(bucket, keys.length, 11);
  });

  test("where much is expected, the first page is not waited for", async () => {
    const keys = ["a", "b", "c"].flatMap((name) => links(name, 3000));
    const many = new RoundsBucket(keys);
    await repositories(many, 9);
    expect(many.rounds[0]).toBe(2);
    const few = new RoundsBucket(keys);
    await repositories(few, 3);
    expect(few.rounds[0]).toBe(1);
  });

  test("a directory that is alone is no place to cut at", async () => {
    const keys = links("only/app", 30_000);
    const bucket = new RoundsBucket(keys);
    expect(await repositories(bucket, 30)).toEqual(keys.toSorted());
    expectCost(bucket, keys.length, 7);
  });

  test("pages that a server makes shorter than they may be are no waste: the work is shared out all the same", async () => {
    const keys = hexes(20_000).map((hex) => `${BLOBS}sha256/${hex.slice(0, 2)}/${hex}/data`);
    const bucket = new RoundsBucket(keys, 100);
    expect(await listed(bucket, { prefix: BLOBS, cuts: sectionCuts })).toEqual(keys);
    expect(bucket.rounds.length).toBeLessThan(60);
  });
});
