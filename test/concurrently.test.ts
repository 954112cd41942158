import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { concurrently } from "#regcheck/concurrently.js";

describe("concurrently", () => {
  test("never has more than the limit started and not consumed, and loses nothing", async () => {
    let open = 0;
    let most = 0;
    let next = 0;
    const seen: number[] = [];
    const jobs = concurrently(3, () => {
      if (next === 20) return undefined;
      const job = next++;
      most = Math.max(most, ++open);
      return setImmediate().then(() => job);
    });
    for await (const job of jobs) {
      seen.push(job);
      await setImmediate();
      open--;
    }
    expect(most).toBe(3);
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test("asks again after a result, because it may bring new jobs", async () => {
    const queue = [3];
    const seen: number[] = [];
    for await (const job of concurrently(2, () => {
      const value = queue.pop();
      return value === undefined ? undefined : Promise.resolve(value);
    })) {
      seen.push(job);
      if (job > 0) queue.push(job - 1);
    }
    expect(seen).toEqual([3, 2, 1, 0]);
  });

  test("ends with the error of a job that fails", async () => {
    const jobs = concurrently(1, () => Promise.reject(new Error("disk on fire")));
    await expect(jobs.next()).rejects.toThrow("disk on fire");
  });
});
