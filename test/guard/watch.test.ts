import { expect, onTestFinished, test, vi } from "vitest";
import { judgeOthers, Watch } from "#regcheck/guard/watch.js";
import type { Verdict } from "#regcheck/guard/guard.js";

const WRITABLE: Verdict = { rule: "no-writers", passed: false, evidence: "http://registry: takes writes" };

/** A watch whose clock stands, until it is turned on by some milliseconds. */
function watched(
  context: { readonly deadline?: number; readonly aborted?: boolean; readonly judge?: () => Promise<Verdict> } = {},
) {
  let now = 1000;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
  onTestFinished(() => clock.mockRestore());
  const judgeWriters = vi.fn<() => Promise<Verdict>>(context.judge ?? (async () => WRITABLE));
  const signal = context.aborted === true ? AbortSignal.abort() : new AbortController().signal;
  const watch = new Watch({ signal, deadline: context.deadline, judgeWriters });
  return { watch, judgeWriters, turnOn: (milliseconds: number) => (now += milliseconds) };
}

test("a registry that turns writable in the middle ends the work, 30 seconds later at most", async () => {
  const { watch, judgeWriters, turnOn } = watched();
  turnOn(29_999);
  expect(await watch.reasonToStop()).toBeUndefined();
  expect(judgeWriters).not.toHaveBeenCalled();
  turnOn(1);
  expect(await watch.reasonToStop()).toBe("the registry is not read-only any more: http://registry: takes writes");
});

test("a lock that is not its own any more ends the work, before it is asked who writes", async () => {
  const lost: Verdict = { rule: "one-at-a-time", passed: false, evidence: "the lock of this run was removed" };
  const judge = () => judgeOthers(async () => lost, { registryUrls: [], registryStopped: false, config: undefined, probe: {} });
  const { watch, turnOn } = watched({ judge });
  turnOn(30_000);
  expect(await watch.reasonToStop()).toBe("the lock of this run was removed");
});

test("a time limit ends the work when it is over, and not before", async () => {
  const { watch, turnOn } = watched({ deadline: 2000 });
  turnOn(999);
  expect(await watch.reasonToStop()).toBeUndefined();
  turnOn(1);
  expect(await watch.reasonToStop()).toBe("--max-duration is over");
});

test("a signal ends the work", async () => {
  expect(await watched({ aborted: true }).watch.reasonToStop()).toBe("a signal stopped it");
});
