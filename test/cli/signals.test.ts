import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { expect, test } from "vitest";

const SIGNALS = path.resolve(import.meta.dirname, "../../dist/cli/signals.js");

/** Work that takes no notice of the signal, as a read that hangs would. */
const STUBBORN = `
  import { listenForSignals } from ${JSON.stringify(SIGNALS)};
  listenForSignals().addEventListener("abort", () => console.log("stopping"));
  setInterval(() => {}, 1000);
  console.log("ready");`;

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)("the first %s asks the work to stop, the second ends it at once with %d", async (signal, exitCode) => {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", STUBBORN], { stdio: ["ignore", "pipe", "inherit"] });
  const said: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said.push(text);
    child.kill(signal);
  });
  const [code] = (await once(child, "close")) as [number | null];
  expect({ code, said: said.join("") }).toEqual({ code: exitCode, said: "ready\nstopping\n" });
});
