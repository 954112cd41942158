import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { RequestLimit } from "#regcheck/storage/s3/request-limit.js";

async function throttled(onThrottled: () => void): Promise<void> {
  await setImmediate();
  onThrottled();
}
const ok = async (): Promise<void> => {};

describe("RequestLimit", () => {
  test("requests that are throttled together halve the bound once", async () => {
    const limit = new RequestLimit(16);
    await Promise.all(Array.from({ length: 16 }, () => limit.run(throttled)));
    expect(limit.current).toBe(8);
    await limit.run(throttled);
    expect(limit.current).toBe(4);
  });

  test("it never falls below one", async () => {
    const limit = new RequestLimit(4);
    for (let i = 0; i < 5; i++) await limit.run(throttled);
    expect(limit.current).toBe(1);
  });

  test("it rises by one for each round of successes, up to where it was", async () => {
    const limit = new RequestLimit(8);
    await limit.run(throttled);
    for (let i = 0; i < 4; i++) await limit.run(ok);
    expect(limit.current).toBe(5);
    for (let i = 0; i < 100; i++) await limit.run(ok);
    expect(limit.current).toBe(8);
  });

  test("a failure is no reason to rise", async () => {
    const limit = new RequestLimit(2);
    await limit.run(throttled);
    for (let i = 0; i < 5; i++) await expect(limit.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(limit.current).toBe(1);
  });
});
