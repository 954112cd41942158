import { spawnSync } from "node:child_process";
import os from "node:os";

/** One command of a comparison. */
export interface Candidate {
  readonly name: string;
  readonly command: readonly string[];
}

/** What a candidate's runs came to. */
export interface Measured {
  readonly name: string;
  /** Median of the wall times, milliseconds. */
  readonly wall: number;
  /** Median of the processor times, milliseconds. */
  readonly processor: number;
  /** Largest resident set of any run, bytes. */
  readonly memory: number;
}

/**
 * Runs the candidates in turn, `runs` times each after one that warms the caches, so that what disturbs one disturbs all. `before` is done
 * before each run.
 */
export function compare(candidates: readonly Candidate[], runs: number, before: () => void = () => {}): Measured[] {
  const results = candidates.map(({ name }) => ({ name, wall: [] as number[], processor: [] as number[], memory: 0 }));
  for (let run = -1; run < runs; run++) {
    for (const [i, { command }] of candidates.entries()) {
      before();
      const { wall, processor, memory } = runOnce(command);
      const result = results[i];
      if (run < 0 || result === undefined) continue;
      result.wall.push(wall);
      result.processor.push(processor);
      result.memory = Math.max(result.memory, memory);
    }
  }
  return results.map(({ name, wall, processor, memory }) => ({ name, wall: median(wall), processor: median(processor), memory }));
}

/** Runs a command to its end, by GNU time. Throws when it was killed or could not be started. */
function runOnce(command: readonly string[]): { wall: number; processor: number; memory: number } {
  const format = "%e %U %S %M";
  const { error, stderr, signal } = spawnSync("/usr/bin/time", ["-f", format, ...command], {
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
    maxBuffer: 1 << 30,
  });
  const figures = stderr.trim().split("\n").at(-1)?.split(" ").map(Number) ?? [];
  const [wall, user, system, memory] = figures;
  if (
    error !== undefined ||
    signal !== null ||
    wall === undefined ||
    user === undefined ||
    system === undefined ||
    memory === undefined
  )
    throw new Error(`${command.join(" ")}: ${error?.message ?? stderr}`);
  return { wall: wall * 1000, processor: (user + system) * 1000, memory: memory * 1024 };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** A Markdown table of the results, with each one's wall time as a ratio to the first. */
export function table(measured: readonly Measured[]): string {
  const first = measured[0]?.wall ?? Number.NaN;
  const rows = measured.map(
    ({ name, wall, processor, memory }) =>
      `| ${name} | ${(wall / 1000).toFixed(2)} s | ${(wall / first).toFixed(2)} | ${(processor / 1000).toFixed(2)} s | ${(memory / 1e6).toFixed(0)} MB |`,
  );
  return ["| | wall | ratio | processor | memory |", "|---|---|---|---|---|", ...rows].join("\n");
}

/** What it was measured on. */
export function machine(): string {
  const cpu = os.cpus()[0]?.model ?? "unknown processor";
  return `${os.availableParallelism()} × ${cpu}, ${(os.totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`;
}
