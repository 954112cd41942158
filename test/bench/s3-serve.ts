import { BENCHMARK, generate, MANY_TAGS } from "../support/generate.js";
import type { GenerateOptions } from "../support/generate.js";
import { startS3Server } from "../support/s3-server/index.js";

/**
 * An S3 server in a process of its own, with a generated registry in the bucket `b`: the processor time of a benchmark is then the
 * client's alone. Usage: `s3-serve.js LATENCY [OPTIONS]`, with options of `generate` as JSON, or `many-tags`. Prints its endpoint and
 * the number of keys; answers each line on stdin with the requests since the last one, as JSON.
 */
const [, , latency = "0", changes = "{}"] = process.argv;
const options: GenerateOptions =
  changes === "many-tags" ? MANY_TAGS : { ...BENCHMARK, ...(JSON.parse(changes) as Partial<GenerateOptions>) };
const server = await startS3Server({ buckets: ["b"] });
const modified = new Date("2026-01-01T00:00:00Z");
let keys = 0;
for (const { path, content } of generate(options)) {
  server.put("b", path, content, { modified });
  keys++;
}
server.setLatency(Number(latency));
console.log(JSON.stringify({ endpoint: server.endpoint, keys }));
process.stdin.on("data", () => {
  console.log(JSON.stringify({ requests: server.requests, peak: server.peak() }));
  server.forget();
});
process.stdin.on("end", () => void server.stop());
