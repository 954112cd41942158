import { check } from "#regcheck/check.js";
import { ComputedStorage } from "./computed-storage.js";
import { machine } from "./measure.js";

/**
 * `npm run bench:scale [BLOBS] [MANIFESTS] [unsorted]`: a check of a registry that is only computed, through all of regcheck but the reading.
 * By default 100 million blobs, sorted by their first byte, and a million manifests, in repositories of a thousand images.
 */
const [blobs = 100e6, manifests = 1e6] = process.argv.slice(2, 4).map(Number);
const storage = new ComputedStorage(blobs, manifests, process.argv[4] !== "unsorted");
const began = process.resourceUsage().maxRSS * 1024;
const start = performance.now();
const policy = { deleteUntagged: true, dropDanglingTags: false, grace: 3600, now: 1e9, pins: [] };
const report = await check(storage, { policy });
const seconds = (performance.now() - start) / 1000;
const peak = process.resourceUsage().maxRSS * 1024;
console.log(machine());
console.log(
  `${report.totals.blobs} blobs, ${report.totals.revisions} manifests, ${report.totals.layerLinks} layer links, ` +
    `${report.reclaimable.asIs.blobs} unreferenced: ${seconds.toFixed(1)} s, peak ${(peak / 1e9).toFixed(2)} GB, ` +
    `${((peak - began) / blobs).toFixed(1)} bytes a blob beyond the ${(began / 1e6).toFixed(0)} MB of the start`,
);
