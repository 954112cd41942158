import crypto from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { blobFile } from "../support/builder.js";
import { compare, machine, table } from "./measure.js";

/**
 * `npm run bench:verify [GB] [DIRECTORY]`: `--verify` against the hashing programs of the system, on the same files and as many processes
 * as there are processors. DIRECTORY keeps the generated blobs for the next run. Some builds of `sha256sum` make no use of a
 * processor's SHA instructions; `openssl` does, as Node does.
 */
const RUNS = 3;
const KIB = 1024;
const MIB = 1024 * KIB;
const main = path.resolve("bin/regcheck.cjs");
const bytes = Number(process.argv[2] ?? 4) * 1e9;
const directory = process.argv[3] ?? fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-bench-"));
const root = path.join(directory, "verify");

/** What registries hold: by number mostly configs and manifests, by bytes mostly layers, and a few that are much larger than all others. */
const MIX: readonly { readonly share: number; readonly from: number; readonly to: number }[] = [
  { share: 0.005, from: 0.3 * KIB, to: 12 * KIB },
  { share: 0.345, from: 12 * KIB, to: 12 * MIB },
  { share: 0.45, from: 12 * MIB, to: 120 * MIB },
  { share: 0.2, from: 0.2 * bytes, to: 0.2 * bytes },
];

/** Bytes that look random, cut differently each time. */
const random = crypto.randomBytes(16 * MIB);

function writeBlob(size: number): void {
  const unfinished = path.join(root, "unfinished");
  const file = fs.openSync(unfinished, "w");
  const hash = crypto.createHash("sha256");
  for (let left = size; left > 0;) {
    const start = Math.floor(Math.random() * (random.length / 2));
    const chunk = random.subarray(start, start + Math.min(left, random.length / 2));
    hash.update(chunk);
    fs.writeSync(file, chunk);
    left -= chunk.length;
  }
  fs.closeSync(file);
  const target = path.join(root, blobFile(`sha256:${hash.digest("hex")}`));
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.renameSync(unfinished, target);
}

function generate(): number {
  let count = 0;
  fs.mkdirSync(path.join(root, "docker/registry/v2/repositories"), { recursive: true });
  for (const { share, from, to } of MIX) {
    for (let written = 0; written < share * bytes; count++) {
      const size = Math.round(from * (to / from) ** Math.random());
      writeBlob(size);
      written += size;
    }
  }
  return count;
}

const processes = os.availableParallelism();
const blobs = path.join(root, "docker/registry/v2/blobs");
const hashAll = (program: string): string[] => [
  "bash",
  "-c",
  `find ${blobs} -name data -print0 | xargs -0 -P${processes} -n64 ${program} > /dev/null`,
];

console.log(machine());
if (!fs.existsSync(root)) generate();
const found = fs.readdirSync(blobs, { recursive: true, encoding: "utf8" }).filter((file) => path.basename(file) === "data");
const total = found.reduce((sum, file) => sum + fs.statSync(path.join(blobs, file)).size, 0);
console.log(`\n${found.length} blobs, ${(total / 1e9).toFixed(2)} GB, warm\n`);
const measured = compare(
  [
    { name: "regcheck `--verify`", command: [process.execPath, main, root, "--verify", "--grace", "0", "--fail-on", "never"] },
    { name: "`sha256sum`", command: hashAll("sha256sum") },
    { name: "`openssl dgst -sha256`", command: hashAll("openssl dgst -sha256 -r") },
  ],
  RUNS,
);
console.log(table(measured));
console.log();
const [own, ...peers] = measured;
for (const { name, wall } of peers)
  console.log(`regcheck verifies at ${((wall / (own?.wall ?? Number.NaN)) * 100).toFixed(0)} % of the speed of ${name}`);
if (process.argv[3] === undefined) fs.rmSync(directory, { recursive: true });
