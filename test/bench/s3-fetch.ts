/**
 * `s3-fetch.js ENDPOINT IN_FLIGHT LISTS GETS [scan]`: so many first pages and manifests by plain `fetch`, unsigned, their bodies read and
 * dropped: what any client in this runtime pays for these requests. With `scan`, bodies are taken for pages whose objects are found, and
 * nothing done with them.
 */
const [, , endpoint = "", inFlight = "64", lists = "0", gets = "0", scan] = process.argv;
const use = scan === undefined ? () => undefined : (await import("#regcheck/storage/s3/scan-page.js")).readPage;
const bucket = `${endpoint}/b`;
const first = await (await fetch(`${bucket}?list-type=2&prefix=docker/registry/v2/blobs/`)).text();
const keys = Array.from(first.matchAll(/<Key>([^<]+)<\/Key>/g), ([, key]) => key ?? "");
let listed = 1;
let read = 0;

function next(): string | undefined {
  if (listed < Number(lists)) {
    listed++;
    return `${bucket}?list-type=2&prefix=docker/registry/v2/`;
  }
  return read < Number(gets) ? `${bucket}/${keys[read++ % keys.length] ?? ""}` : undefined;
}

await Promise.all(
  Array.from({ length: Number(inFlight) }, async () => {
    for (let url = next(); url !== undefined; url = next()) use(Buffer.from(await (await fetch(url)).arrayBuffer()));
  }),
);
