import fs from "node:fs";
import { check } from "#regcheck/check.js";
import { exportTables } from "#regcheck/export.js";
import { ComputedStorage } from "./computed-storage.js";
import { machine } from "./measure.js";

/**
 * `npm run bench:export [BLOBS] [MANIFESTS] [DIRECTORY]`: an export of a registry that is only computed, by default of 3.3 million blobs and 33,000
 * manifests, which is 10 million rows. A check of the same is measured first, and taken off.
 */
const [blobs = 3.3e6, manifests = 33_000] = process.argv.slice(2, 4).map(Number);
const directory = process.argv[4] ?? "/dev/shm/regcheck-export";
const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 3600, now: 1e9, pins: [] };

async function processorTime(work: () => Promise<unknown>): Promise<number> {
  const started = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}

console.log(machine());
const checked = await processorTime(() => check(new ComputedStorage(blobs, manifests), { policy }));
const beforePeak = process.resourceUsage().maxRSS / 1024;
fs.rmSync(directory, { recursive: true, force: true });
let rows = 0;
let bytes = 0;
const exported = await processorTime(async () => {
  const { file } = await exportTables(new ComputedStorage(blobs, manifests), directory, {
    policy,
    tool: { name: "regcheck", version: "0" },
  });
  for (const table of Object.values(file.tables)) {
    rows += table.rows;
    bytes += table.bytes;
  }
});
const peak = process.resourceUsage().maxRSS / 1024;
fs.rmSync(directory, { recursive: true });
console.log(
  `${rows} rows, ${(bytes / 1e6).toFixed(0)} MB: ${(exported - checked).toFixed(1)} s of processor time beyond the ${checked.toFixed(1)} s of a check, ` +
    `${(((exported - checked) / rows) * 1e6).toFixed(2)} µs a row; peak ${peak.toFixed(0)} MiB, where a check takes ${beforePeak.toFixed(0)}`,
);
