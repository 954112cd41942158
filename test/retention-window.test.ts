import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { temporaryDirectory } from "./support/temporary.js";

const SCRIPT = path.resolve(import.meta.dirname, "../docs/examples/retention-window.sh");

/** Runs the script with a regcheck of these lines, which knows its options as `$*`; and with lines that start the registry. */
function started(regcheck: string, start = "") {
  const directory = temporaryDirectory();
  const write = (name: string, text: string) => {
    const file = path.join(directory, name);
    fs.writeFileSync(file, `#!/bin/bash\ncd "${directory}"\n${text}\n`, { mode: 0o755 });
    return file;
  };
  write("regcheck", regcheck);
  const child = spawn(SCRIPT, {
    env: {
      PATH: `${directory}:${process.env["PATH"] ?? ""}`,
      STOP: write("stop", "echo stop >> log"),
      START: write("start", `echo start >> log\n${start}`),
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const closed = once(child, "close");
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const log = () => fs.readFileSync(path.join(directory, "log"), "utf8").trim().split("\n");
  return { directory, child, closed, log, stderr: () => stderr };
}

const PASS = "true";
const FAIL_TO_SWEEP = '[[ " $* " != *" --sweep "* ]]';

test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
  "%s in the middle: regcheck is told to end, and the registry runs again",
  async (signal) => {
    const slow = `[[ " $* " != *" --sweep "* ]] && exit
trap 'echo told >> log; exit 143' TERM
touch sweeping
for _ in {1..3000}; do sleep 0.02; done`;
    const { directory, child, closed, log } = started(slow);
    await vi.waitUntil(() => fs.existsSync(path.join(directory, "sweeping")), { timeout: 30_000 });
    child.kill(signal);
    expect(await closed).toEqual([{ SIGTERM: 143, SIGINT: 130, SIGHUP: 129 }[signal], null]);
    expect(log()).toEqual(["stop", "told", "start"]);
  },
);

test("policies that a rule refuses: the registry is not stopped, and the rule is told", async () => {
  const rules = "Safety rules\n  REFUSES  max-untag: 9 of 9 tags would go\n";
  const { directory, closed, stderr } = started(`printf 'app: 9 of 9 tags\n  goes  1\n\n${rules}'\nexit 4`);
  expect(await closed).toEqual([4, null]);
  expect(stderr()).toBe(rules);
  expect(fs.readdirSync(directory).sort()).toEqual(["regcheck", "start", "stop"]);
});

test("a sweep that fails: the registry runs again, and nothing is purged", async () => {
  const { closed, log } = started(`[[ $1 != purge ]] || echo purge >> log\n${FAIL_TO_SWEEP}`);
  expect(await closed).toEqual([1, null]);
  expect(log()).toEqual(["stop", "start"]);
});

test.each([
  ["a sweep that went well", PASS],
  ["one that failed", FAIL_TO_SWEEP],
])("a registry that does not start after %s: that is said", async (_, regcheck) => {
  const { closed, stderr } = started(regcheck, "exit 1");
  expect(await closed).toEqual([70, null]);
  expect(stderr()).toContain("THE REGISTRY IS STILL STOPPED: start it by hand\n");
});
