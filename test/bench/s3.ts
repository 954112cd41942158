import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import { findProgram } from "../e2e/support/programs.js";
import { machine } from "./measure.js";

/**
 * `npm run bench:s3 [LATENCY]`: a check of generated buckets, at 30 ms a request unless said otherwise, first without and then with a
 * warm cache; beside it the same requests by plain `fetch` with nothing done to what comes back, and on the smallest bucket the real
 * registry's own collector. Requests are counted by the server.
 */
const LATENCY = process.argv[2] ?? "30";
const IN_FLIGHT = 64;
const main = path.resolve("bin/regcheck.cjs");
const here = import.meta.dirname;
const temporary = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-bench-s3-"));
const environment = { PATH: process.env["PATH"], AWS_ACCESS_KEY_ID: "AK", AWS_SECRET_ACCESS_KEY: "SK" };

/** Small enough that the registry's own collector comes to an end. */
const SMALLEST = "2 repositories x 20 images";
const BUCKETS: Readonly<Record<string, object>> = {
  [SMALLEST]: { repositories: 2, images: 20 },
  "200 repositories x 100 images": {},
  "one repository with 90 % of the keys": { repositories: 1, images: 18_000 },
};

interface Served {
  readonly endpoint: string;
  readonly keys: number;
  readonly requests: () => Promise<Readonly<Record<string, number>>>;
  readonly stop: () => void;
}

async function serve(content: string): Promise<Served> {
  const child: ChildProcess = spawn(process.execPath, [path.join(here, "s3-serve.js"), LATENCY, content], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  if (child.stdout === null) throw new Error("no output");
  const lines: Interface = createInterface({ input: child.stdout });
  const next = async (): Promise<unknown> => {
    const [line] = (await once(lines, "line")) as [string];
    return JSON.parse(line);
  };
  const { endpoint, keys } = (await next()) as { endpoint: string; keys: number };
  return {
    endpoint,
    keys,
    requests: async () => {
      child.stdin?.write("\n");
      return ((await next()) as { requests: Record<string, number> }).requests;
    },
    stop: () => void child.kill(),
  };
}

/** Seconds. */
interface Cost {
  readonly wall: number;
  readonly processor: number;
  readonly megabytes: number;
}

async function timed(command: readonly string[]): Promise<Cost> {
  const child = spawn("/usr/bin/time", ["-f", "%e %U %S %M", ...command], {
    env: environment,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  await once(child, "close");
  const [wall = 0, user = 0, system = 0, kilobytes = 0] = output.trim().split("\n").at(-1)?.split(" ").map(Number) ?? [];
  return { wall, processor: user + system, megabytes: kilobytes / 1000 };
}

function row(name: string, { wall, processor, megabytes }: Cost, requests: Readonly<Record<string, number>>): string {
  const { ListObjectsV2: list = 0, GetObject: get = 0, ...others } = requests;
  const rest = Object.values(others).reduce((sum, count) => sum + count, 0);
  return `| ${name} | ${list + rest} | ${get} | ${wall.toFixed(2)} s | ${processor.toFixed(2)} s | ${megabytes.toFixed(0)} MB |`;
}

async function measure(name: string, content: object): Promise<void> {
  const server = await serve(JSON.stringify(content));
  const cache = path.join(temporary, name);
  const check = [
    process.execPath,
    main,
    "s3://b",
    "--endpoint",
    server.endpoint,
    "--grace",
    "0",
    "--fail-on",
    "never",
    "--cache",
    cache,
  ];
  console.log(`\n${name}: ${server.keys} keys\n\n| | lists | gets | wall | processor | memory |\n|---|---|---|---|---|---|`);
  const idle = await timed([process.execPath, main, "--help"]);
  const cold = await timed(check);
  const coldRequests = await server.requests();
  console.log(row("regcheck", cold, coldRequests));
  const warm = await timed(check);
  const warmRequests = await server.requests();
  console.log(row("regcheck, warm cache", warm, warmRequests));
  for (const [what, cost, requests] of [
    ["without", cold, coldRequests],
    ["with", warm, warmRequests],
  ] as const) {
    const counts = [requests["ListObjectsV2"] ?? 0, requests["GetObject"] ?? 0];
    const fetched = [process.execPath, path.join(here, "s3-fetch.js"), server.endpoint, String(IN_FLIGHT), ...counts.map(String)];
    const plain = await timed(fetched);
    console.log(row(`the same by fetch, ${what}`, plain, await server.requests()));
    if (counts[1] === 0) {
      const scanned = await timed([...fetched, "scan"]);
      console.log(row("the same, objects found in the pages", scanned, await server.requests()));
    }
    const total = counts.reduce((sum, count) => sum + count, 0);
    const floor = Math.max((total * Number(LATENCY)) / 1000 / IN_FLIGHT, plain.processor);
    console.log(
      `| ratio to the larger of ${total} x ${LATENCY} ms / ${IN_FLIGHT} and fetch's processor time | | | ${((cost.wall - idle.wall) / floor).toFixed(2)} | | |`,
    );
  }
  if (name === SMALLEST) await measureCollector(server);
  server.stop();
}

/** What registry 3.1 takes for a dry run, which reads less and tells less. */
async function measureCollector(server: Served): Promise<void> {
  const config = path.join(temporary, "config.json");
  const s3 = {
    bucket: "b",
    region: "us-east-1",
    regionendpoint: server.endpoint,
    forcepathstyle: true,
    accesskey: "AK",
    secretkey: "SK",
  };
  fs.writeFileSync(config, JSON.stringify({ version: 0.1, log: { level: "error" }, storage: { s3 }, http: { addr: ":0" } }));
  for (const options of [[], ["-m"]]) {
    const cost = await timed([findProgram("registry"), "garbage-collect", "--dry-run", ...options, config]);
    const name = ["registry 3.1, `garbage-collect --dry-run", ...options].join(" ");
    console.log(row(`${name}\``, cost, await server.requests()));
  }
}

console.log(machine());
for (const [name, content] of Object.entries(BUCKETS)) await measure(name, content);
spawnSync("rm", ["-rf", temporary]);
