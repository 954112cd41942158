import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary.js";
import { findProgram } from "./support/programs.js";

const EXAMPLES = path.resolve(import.meta.dirname, "../../docs/examples");

test("systemd finds nothing wrong with the service and the timer", () => {
  const directory = temporaryDirectory();
  const units = ["regcheck.service", "regcheck.timer"].map((name) => {
    const text = fs.readFileSync(path.join(EXAMPLES, name), "utf8");
    const file = path.join(directory, name);
    // systemd wants the program to be there; here nothing is installed.
    fs.writeFileSync(file, text.replace("ExecStart=/usr/local/bin/regcheck", `ExecStart=${process.execPath}`));
    return file;
  });
  const output = execFileSync("bash", ["-c", '"$0" verify "$@" 2>&1', findProgram("systemd-analyze"), ...units], {
    encoding: "utf8",
  });
  expect(output).toBe("");
});
