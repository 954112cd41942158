import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { collect, ShortBody } from "#regcheck/storage/s3/body.js";

const CONTENT = "0123456789".repeat(10);

/** In pieces of seven bytes. */
const body = (): Readable => Readable.from((CONTENT.match(/.{1,7}/g) ?? []).map((piece) => Buffer.from(piece)));

describe("a body", () => {
  // A proxy that sends it in chunks says nothing of its length.
  test.each([CONTENT.length, undefined])("is all that came, and no more (length told: %s)", async (told) => {
    for (const most of [undefined, 100, 101, 257, 8 * 1024 ** 2])
      expect((await collect(body(), told, most)).toString()).toBe(CONTENT);
  });

  test.each([CONTENT.length, undefined])("is cut off where no more of it is wanted (length told: %s)", async (told) => {
    for (const most of [1, 7, 50, 99]) expect((await collect(body(), told, most)).toString()).toBe(CONTENT.slice(0, most));
  });

  test("that ends before its time is worth another attempt", async () => {
    await expect(collect(body(), CONTENT.length + 1)).rejects.toThrow(ShortBody);
  });
});
