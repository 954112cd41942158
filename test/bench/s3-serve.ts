import { BENCHMARK, generate } from "../support/generate.js";
import type { GenerateOptions } from "../support/generate.js";
import { startS3Server, uniformBlobs } from "../support/s3-server/index.js";
import type { S3Server } from "../support/s3-server/index.js";

/**
 * An S3 server in a process of its own, so that the processor time of a benchmark is the client's alone. Usage:
 *
 *     s3-serve.js LATENCY '{"repositories": 20}'    the bucket `b` with a generated registry (options of `generate`)
 *     s3-serve.js LATENCY 100000000                 the bucket `b` with so many simulated blobs, and one repository
 *
 * Prints its endpoint and the number of keys; answers each line on stdin with the requests since the last one. All of it is JSON.
 */
const [, , latency = "0", content = "{}"] = process.argv;
const modified = new Date("2026-01-01T00:00:00Z");

function fill(server: S3Server, options: GenerateOptions): number {
  let keys = 0;
  for (const { path, content: text } of generate(options)) {
    server.put("b", path, text, { modified });
    keys++;
  }
  return keys;
}

function simulate(server: S3Server, count: number): number {
  const blobs = uniformBlobs({ count, modified });
  const link = "docker/registry/v2/repositories/app/_uploads/x/data";
  server.virtualBucket("b", (prefix, startAfter, maxKeys) =>
    prefix.includes("/blobs/")
      ? blobs(prefix, startAfter, maxKeys)
      : {
          objects: link.startsWith(prefix) && link > startAfter ? [{ key: link, size: 1, etag: "x", modified }] : [],
          isTruncated: false,
        },
  );
  return count + 1;
}

/** The server renders a key when it is listed for the first time, which no other server would take so long for. */
async function listAll(): Promise<void> {
  for (let after = ""; ;) {
    const page = await (await fetch(`${server.endpoint}/b?list-type=2&start-after=${encodeURIComponent(after)}`)).text();
    after =
      page
        .match(/<Key>[^<]+/g)
        ?.at(-1)
        ?.slice(5) ?? "";
    if (!page.includes("<IsTruncated>true")) return;
  }
}

const server = await startS3Server({ buckets: ["b"] });
const count = Number(content);
const keys = Number.isNaN(count)
  ? fill(server, { ...BENCHMARK, ...(JSON.parse(content) as Partial<GenerateOptions>) })
  : simulate(server, count);
if (Number.isNaN(count)) await listAll();
server.setLatency(Number(latency));
server.forget();
console.log(JSON.stringify({ endpoint: server.endpoint, keys }));
process.stdin.on("data", () => {
  console.log(JSON.stringify({ requests: server.requests, peak: server.peak() }));
  server.forget();
});
process.stdin.on("end", () => void server.stop());
