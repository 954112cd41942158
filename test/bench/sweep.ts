import crypto from "node:crypto";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { findProgram } from "../e2e/support/programs.js";
import { blobFile } from "../support/builder.js";
import { BENCHMARK, generate, generateTo } from "../support/generate.js";
import type { GenerateOptions } from "../support/generate.js";
import { startS3Server } from "../support/s3-server/index.js";
import { S3Changes } from "#regcheck/storage/s3/changes.js";
import { parseS3Url } from "#regcheck/storage/s3/options.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { sweep } from "#regcheck/sweep.js";
import { machine } from "./measure.js";

/**
 * `npm run bench:sweep [BLOBS] [DIRECTORY]`: some 100,000 blobs that go, by regcheck and by the registry's own collectors, each on a copy of
 * the same tree, in turn; then in a bucket, where requests count. DIRECTORY is on the disk to be measured; in memory by default,
 * where the collectors are at their best.
 */
const count = Number(process.argv[2] ?? 100_000);
const parent = process.argv[3] ?? (fs.existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir());
const base = fs.mkdtempSync(path.join(parent, "regcheck-sweep-"));
const RUNS = Number(process.env["RUNS"] ?? 3);
const live: GenerateOptions = { ...BENCHMARK, repositories: 20, images: 50, untagged: 0, abandoned: 0 };
/** Each untagged image takes its manifest, its config and three layers along. */
const untagged: GenerateOptions = {
  ...BENCHMARK,
  repositories: Math.round(count / 625),
  images: 250,
  multiArch: 0,
  untagged: 0.5,
  abandoned: 0,
};

/** Blobs that nothing links, of digests that are as uniform as real ones. */
function* orphans(): Generator<{ readonly path: string; readonly content: string }> {
  for (let i = 0; i < count; i++) {
    const content = `garbage ${i}\n`;
    yield { path: blobFile(`sha256:${crypto.hash("sha256", content)}`), content };
  }
}

/** Stale uploads and dangling tags, each of two objects: they share the requests of all others. */
function* leftOver(): Generator<{ readonly path: string; readonly content: string }> {
  const repository = "docker/registry/v2/repositories/left/over";
  for (let i = 0; i < count / 20; i++) {
    const upload = `${repository}/_uploads/${String(i).padStart(8, "0")}-0000-4000-8000-000000000000`;
    yield { path: `${upload}/startedat`, content: "2025-01-01T00:00:00Z" };
    yield { path: `${upload}/data`, content: "half a layer" };
    const digest = `sha256:${crypto.hash("sha256", `gone ${i}`)}`;
    const tag = `${repository}/_manifests/tags/v${i}`;
    yield { path: `${tag}/current/link`, content: digest };
    yield { path: `${tag}/index/${digest.replace(":", "/")}/link`, content: digest };
  }
}

function config(root: string): string {
  const storage = { filesystem: { rootdirectory: root }, delete: { enabled: true } };
  const file = `${root}.json`;
  fs.writeFileSync(file, JSON.stringify({ version: 0.1, log: { level: "error" }, storage, http: { addr: ":0" } }));
  return file;
}

function blobsOf(root: string): number {
  const blobs = path.join(root, "docker/registry/v2/blobs");
  return fs.readdirSync(blobs, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith("/data")).length;
}

/** Sweeps a tree that is laid out anew for each candidate of each run, and prints the medians. `flag` is for all of them. */
function compareSweeps(title: string, layOut: (root: string) => void, flag: readonly string[]): void {
  const main = path.resolve("bin/regcheck.cjs");
  const policy = [
    "--sweep",
    "--registry-stopped",
    "--grace",
    "0",
    "--max-delete",
    "100%",
    "--fail-on",
    "never",
    "--quiet",
    ...flag,
  ];
  const regcheck = (root: string, ...more: string[]): string[] => [
    process.execPath,
    main,
    root,
    ...policy,
    "--journal-dir",
    path.join(base, "journal"),
    ...more,
  ];
  const collect = (program: string, root: string): string[] => [findProgram(program), "garbage-collect", ...flag, config(root)];
  const candidates: readonly { readonly name: string; readonly command: (root: string) => string[] }[] = [
    { name: "regcheck `--sweep`", command: (root) => regcheck(root) },
    { name: "regcheck `--sweep --quarantine`", command: (root) => regcheck(root, "--quarantine") },
    { name: "registry 2.8, `garbage-collect`", command: (root) => collect("docker-registry", root) },
    { name: "registry 3.1, `garbage-collect`", command: (root) => collect("registry", root) },
  ];
  const times = candidates.map(() => [] as number[]);
  let before = 0;
  let left: number | undefined;
  for (let run = 0; run < RUNS; run++) {
    for (const [i, { name, command }] of candidates.entries()) {
      const root = path.join(base, "tree");
      layOut(root);
      before = blobsOf(root);
      const [program = "", ...args] = command(root);
      const begin = performance.now();
      const { status, stderr } = spawnSync(program, args, {
        encoding: "utf8",
        stdio: ["ignore", "ignore", "pipe"],
        maxBuffer: 1 << 30,
        env: { PATH: process.env["PATH"], OTEL_TRACES_EXPORTER: "none" },
      });
      times[i]?.push(performance.now() - begin);
      const now = blobsOf(root);
      left ??= now;
      if (status !== 0 || now !== left)
        throw new Error(`${name}: exit code ${status}, ${now} blobs left instead of ${left}: ${stderr.slice(-500)}`);
      fs.rmSync(root, { recursive: true });
    }
  }
  const medians = times.map((some) => [...some].sort((a, b) => a - b)[Math.floor(some.length / 2)] ?? Number.NaN);
  console.log(`\n${title}: ${before - (left ?? 0)} of ${before} blobs go, in ${parent}, ${RUNS} runs\n`);
  console.log("| | wall | ratio |\n|---|---|---|");
  for (const [i, { name }] of candidates.entries())
    console.log(
      `| ${name} | ${((medians[i] ?? 0) / 1000).toFixed(2)} s | ${((medians[i] ?? 0) / (medians[0] ?? 1)).toFixed(2)} |`,
    );
}

console.log(machine());
compareSweeps("Images that lost their tag", (root) => void generateTo(root, untagged), ["--delete-untagged"]);
compareSweeps(
  "Blobs that nothing links",
  (root) => {
    generateTo(root, live);
    for (const { path: file, content } of orphans()) {
      fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      fs.writeFileSync(path.join(root, file), content);
    }
  },
  [],
);
fs.rmSync(base, { recursive: true });

const server = await startS3Server({ buckets: ["b"] });
const modified = new Date("2026-01-01T00:00:00Z");
for (const files of [generate(live), orphans(), leftOver()])
  for (const { path: file, content } of files) server.put("b", file, content, { modified });
const options = {
  ...parseS3Url("s3://b"),
  endpoint: server.endpoint,
  forcePathStyle: true,
  credentials: { accessKeyId: "a", secretAccessKey: "b" },
};
const storage = new S3Storage(options);
const changes = new S3Changes(options);
const now = Math.floor(Date.now() / 1000);
const before = server.objects("b").size;
const begin = performance.now();
const { result } = await sweep(
  { storage, changes },
  {
    check: { policy: { deleteUntagged: false, dropDanglingTags: true, grace: 0, now, pins: [] } },
    writers: { registryUrls: [], registryStopped: true, config: undefined, probe: {} },
    maxDelete: 1,
    maxDuration: undefined,
    quarantine: false,
    purgeUploads: true,
    pruneEmpty: false,
    journalDirectory: fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-sweep-")),
    reviewed: undefined,
    signal: new AbortController().signal,
  },
);
const seconds = (performance.now() - begin) / 1000;
const requests = Object.values(changes.requests).reduce((sum, some) => sum + some, 0);
const deletes = before - server.objects("b").size;
const most = (deletes / 1000) * 1.1 + 50;
const { blobs, tags, uploads } = result.deleted;
console.log(
  `\nS3: ${deletes} objects of ${blobs} blobs, ${tags} tags and ${uploads} uploads removed in ${seconds.toFixed(1)} s by ${requests} requests (${JSON.stringify(changes.requests)}); at most ${most.toFixed(0)} are allowed`,
);
if (result.stopped !== undefined || requests > most) throw new Error(result.stopped ?? "too many requests");
await Promise.all([storage.close(), changes.close()]);
await server.stop();
fs.rmSync(path.dirname(result.journal), { recursive: true });
