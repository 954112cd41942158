import { expect, test } from "vitest";
import { batches, BatchSize, LookAhead } from "#regcheck/sweep/batches.js";

test("batches have the size that their first value asks for", () => {
  expect([...batches([3, 1, 1, 2, 5], (first) => first)]).toEqual([
    [3, 1, 1],
    [2, 5],
  ]);
  expect([...batches([], () => 1)]).toEqual([]);
});

test("a value is made when it is asked for, or before, and once", () => {
  const made: number[] = [];
  function* values() {
    for (const value of [1, 2]) {
      made.push(value);
      yield value;
    }
  }
  const ahead = new LookAhead(values());
  expect(ahead.take()).toBe(1);
  expect(made).toEqual([1]);
  ahead.prepare();
  ahead.prepare();
  expect(made).toEqual([1, 2]);
  expect(ahead.take()).toBe(2);
  ahead.prepare();
  expect(ahead.take()).toBeUndefined();
  expect(ahead.take()).toBeUndefined();
});

test("a batch is as large as goes in a second, by what those before have taken", () => {
  const size = new BatchSize(250);
  expect(size.next(2000)).toBe(250);
  size.took(250, 20);
  expect(size.next(2000)).toBe(2000);
  expect(size.next(1000)).toBe(1000);
  size.took(2000, 4000);
  expect(size.next(2000)).toBe(500);
  size.took(500, 60_000);
  expect(size.next(2000)).toBe(250);
  size.took(0, 0);
  expect(size.next(2000)).toBe(250);
});
