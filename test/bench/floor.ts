import crypto from "node:crypto";
import fs from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

/**
 * The least that a check costs in this language: `floor.js TREE [THREADS]` reads every link of a sound registry and compares it with its
 * path, hashes and parses every manifest, takes the size of every blob, and sends it all to the main thread as a check does, which counts
 * it. It looks nothing up, marks nothing, and would not know damage from a link: where the tree is not sound it says so and gives up.
 */
const FLAGS = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
const [, , tree = ".", threads = "2"] = process.argv;
const root = `${isMainThread ? tree : String(workerData)}/docker/registry/v2`;
const buffer = Buffer.allocUnsafeSlow(1 << 20);

type Task = { readonly prefix: string } | { readonly repository: string };
interface Done {
  readonly blobs: number;
  readonly links: number;
  readonly packed: readonly Uint8Array[];
}

function read(file: string): number {
  const descriptor = fs.openSync(file, FLAGS);
  const length = fs.readSync(descriptor, buffer, 0, buffer.length, null);
  fs.closeSync(descriptor);
  return length;
}

function names(directory: string): string[] {
  return fs.existsSync(directory) ? fs.readdirSync(directory) : [];
}

function pack(hexes: readonly string[]): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(hexes.length * 32);
  for (const [i, hex] of hexes.entries()) bytes.write(hex, i * 32, 32, "hex");
  return bytes;
}

/** The digest in a link, which must be the one that its path names, if that names one. */
function readLink(directory: string, expected?: string): string {
  const length = read(`${directory}/link`);
  const hex = buffer.toString("latin1", 7, 71);
  if (length !== 71 || (expected !== undefined && hex !== expected)) throw new Error(`${directory}: no sound link`);
  return hex;
}

function readSizes(prefix: string): Done {
  const hexes = names(`${root}/blobs/sha256/${prefix}`);
  const sizes = new Float64Array(hexes.length);
  const times = new Uint32Array(hexes.length);
  for (const [i, hex] of hexes.entries()) {
    const { size, mtimeMs } = fs.lstatSync(`${root}/blobs/sha256/${prefix}/${hex}/data`);
    sizes[i] = size;
    times[i] = mtimeMs / 1000;
  }
  return { blobs: hexes.length, links: 0, packed: [pack(hexes), new Uint8Array(sizes.buffer), new Uint8Array(times.buffer)] };
}

function readRepository(name: string): Done {
  const directory = `${root}/repositories/${name}`;
  const section = (path: string): string[] => {
    const hexes = names(`${directory}/${path}`);
    for (const hex of hexes) readLink(`${directory}/${path}/${hex}`, hex);
    return hexes;
  };
  const layers = section("_layers/sha256");
  const revisions = section("_manifests/revisions/sha256");
  let links = layers.length + revisions.length;
  const current = names(`${directory}/_manifests/tags`).map((tag) => {
    const path = `_manifests/tags/${tag}`;
    const hex = readLink(`${directory}/${path}/current`);
    // A tag that was never moved has one entry: its directory's number of links says so.
    if (fs.lstatSync(`${directory}/${path}/index/sha256`).nlink === 3) readLink(`${directory}/${path}/index/sha256/${hex}`, hex);
    else links += section(`${path}/index/sha256`).length - 1;
    links += 2;
    return hex;
  });
  return { blobs: 0, links, packed: [pack(layers), pack(revisions), pack(current), ...revisions.map(readManifest)] };
}

interface Descriptor {
  readonly digest: string;
}

function readManifest(hex: string): Uint8Array {
  const content = buffer.subarray(0, read(`${root}/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`));
  if (crypto.hash("sha256", content) !== hex) throw new Error(`${hex}: corrupt`);
  const {
    config,
    layers = [],
    manifests = [],
    subject,
  } = JSON.parse(content.toString("latin1")) as Readonly<{
    config?: Descriptor;
    layers?: readonly Descriptor[];
    manifests?: readonly Descriptor[];
    subject?: Descriptor;
  }>;
  const named = [...(config === undefined ? [] : [config]), ...layers, ...manifests, ...(subject === undefined ? [] : [subject])];
  return pack(named.map(({ digest }) => digest.slice(7)));
}

function repositoriesBelow(name: string): string[] {
  const entries = names(`${root}/repositories/${name}`);
  if (entries.some((entry) => entry.startsWith("_"))) return [name];
  return entries.flatMap((entry) => repositoriesBelow(name === "" ? entry : `${name}/${entry}`));
}

async function main(): Promise<void> {
  const tasks: Task[] = [
    ...names(`${root}/blobs/sha256`).map((prefix) => ({ prefix })),
    ...repositoriesBelow("").map((repository) => ({ repository })),
  ];
  const sum = { blobs: 0, links: 0 };
  await Promise.all(
    Array.from({ length: Number(threads) }, async () => {
      const worker = new Worker(new URL(import.meta.url), { workerData: tree });
      let underWay = 0;
      const give = (): void => {
        const task = tasks.shift();
        if (task === undefined) return;
        underWay++;
        worker.postMessage(task);
      };
      await new Promise<void>((resolve, reject) => {
        worker.on("error", reject);
        worker.on("message", ({ blobs, links }: Done) => {
          sum.blobs += blobs;
          sum.links += links;
          underWay--;
          give();
          if (underWay === 0) resolve();
        });
        give();
        give();
      });
      await worker.terminate();
    }),
  );
  console.log(sum);
}

if (isMainThread) await main();
else
  parentPort?.on("message", (task: Task) => {
    const done = "prefix" in task ? readSizes(task.prefix) : readRepository(task.repository);
    const buffers = done.packed.flatMap(({ buffer: memory }) => (memory instanceof ArrayBuffer ? [memory] : []));
    parentPort?.postMessage(done, [...new Set(buffers)]);
  });
