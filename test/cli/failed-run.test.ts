import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { formatPrometheus } from "#regcheck/report/prometheus.js";
import { reportOf } from "../support/report.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";

/** Of an earlier run. */
const METRICS = formatPrometheus(reportOf([{ code: "blob-missing", path: "x" }]), { name: "regcheck", version: "1.2.3" });
/** The same, of which a run has failed since. */
const FAILED = METRICS.replace(/^(regcheck_complete\{.*\}) 1$/m, "$1 0");

function metricsFile(text = METRICS): string {
  const file = path.join(temporaryDirectory(), "regcheck.prom");
  fs.writeFileSync(file, text);
  fs.chmodSync(file, 0o640);
  return file;
}

const COMPLETE = `regcheck_complete{storage="${FIXTURE}"} 1\n`;

describe("a run that fails before it has a report", () => {
  test.each([
    ["whose storage is gone", [path.join(FIXTURE, "gone")], 2],
    ["whose baseline is none", [FIXTURE, "--baseline", "/dev/null"], 2],
    ["that combines what cannot be combined", [FIXTURE, "--fail-on-new"], 2],
    ["of a sweep that is refused", [FIXTURE, "--sweep"], 4],
  ])("%s is not complete in its metrics, whose other figures stay", async (_, args, exitCode) => {
    const file = metricsFile();
    const run = await regcheck([...args, "--output", file]);
    expect(run).toMatchObject({ exitCode, stdout: "", stderr: expect.stringMatching(/^regcheck: .*\n$/) as string });
    const text = fs.readFileSync(file, "utf8");
    expect(text).not.toBe(METRICS);
    expect(text).toBe(FAILED);
    expect(fs.statSync(file).mode & 0o777).toBe(0o640);
    expect(fs.readdirSync(path.dirname(file))).toEqual([path.basename(file)]);
  });

  test("says so once more, and no longer when one has a report again", async () => {
    const file = metricsFile(FAILED);
    await regcheck([FIXTURE, "--fail-on-new", "--output", file]);
    expect(fs.readFileSync(file, "utf8")).toBe(FAILED);
    await regcheck([FIXTURE, "--output", file]);
    expect(fs.readFileSync(file, "utf8")).toContain(COMPLETE);
  });

  test("makes the file if it is the first", async () => {
    const file = path.join(temporaryDirectory(), "regcheck.prom");
    const where = ["s3://b", "--endpoint", "http://localhost:9000", "--name", "prod", "--repository", "team/*"];
    const { exitCode } = await regcheck([...where, "--cache-size", "1G", "--output", file]);
    expect(exitCode).toBe(2);
    const labels = 'storage="s3://b",server="localhost:9000",registry="prod",repository="team/*"';
    const samples = fs
      .readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => /^[^#]/.test(line));
    expect(samples).toEqual([`regcheck_last_success_timestamp_seconds{${labels}} 0`, `regcheck_complete{${labels}} 0`]);
  });

  test("leaves a file of other things as it is, and fails as it would without one where it cannot be written", async () => {
    const other = metricsFile("node_load1 1\n");
    await regcheck([FIXTURE, "--fail-on-new", "--output", other]);
    expect(fs.readFileSync(other, "utf8")).toBe("node_load1 1\n");
    const nowhere = path.join(path.dirname(other), "gone/regcheck.prom");
    const { exitCode, stderr } = await regcheck([FIXTURE, "--output", nowhere]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: `regcheck: --output ${nowhere}: no such file or directory\n` });
  });
});

test("metrics that this run has written stay, though it cannot write another file", async () => {
  const file = metricsFile();
  const full = path.join(temporaryDirectory(), "full.txt");
  fs.symlinkSync("/dev/full", full);
  expect(await regcheck([FIXTURE, "--output", file, "--output", full])).toMatchObject({ exitCode: 2 });
  expect(fs.readFileSync(file, "utf8")).toContain(COMPLETE);
});
