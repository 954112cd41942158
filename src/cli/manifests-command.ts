import { errorMessage, EXIT_CODES, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { countOf, formatBytes } from "../report/format.js";
import type { Part } from "../storage/s3/parts/part.js";
import type { PartFolder, PartStorage } from "../storage/s3/parts/part-folder.js";
import type { PartRead } from "../storage/s3/parts/read-part.js";
import type { S3Storage } from "../storage/s3/s3.js";
import { isSystemError } from "../system-errors.js";
import { untilAborted } from "../until-aborted.js";
import { complain } from "./complain.js";
import { openStorage } from "./open-storage.js";
import type { StorageArguments } from "./open-storage.js";
import { parseBytes, parseManifestPart } from "./parse-values.js";
import { tell } from "./print.js";
import type { Telling } from "./print.js";
import { startProgressLine } from "./progress-line.js";

/** The command line of `regcheck manifests`, parsed. */
export interface ManifestsArguments extends StorageArguments, Telling {
  readonly part: string | undefined;
  readonly merge: boolean;
}

/** Reads a part of a bucket's manifests, or joins the parts. */
export async function runManifests(args: ManifestsArguments, signal: AbortSignal): Promise<ExitCode> {
  const { cache, cacheSize, part, merge } = args;
  if ((part !== undefined) === merge)
    throw new UsageError("give --part i/n, to read one of n parts of the manifests, or --merge, to join the parts");
  if (cache === undefined) throw new UsageError("give --cache DIR, where the parts are, and the cache will be");
  if (part !== undefined && cacheSize !== undefined)
    throw new UsageError("--cache-size is for the cache, not for a part of it: give it with --merge");
  const chosen = part === undefined ? undefined : parseManifestPart(part);
  const { storage } = await openStorage({ ...args, cache: undefined, cacheSize: undefined }, signal);
  try {
    const { S3Storage } = await import("../storage/s3/s3.js");
    if (!(storage instanceof S3Storage))
      throw new UsageError(
        `${storage.location} is a directory: manifests are read there as fast as from a cache; regcheck manifests is for a bucket`,
      );
    if (chosen !== undefined) return await readPart(storage, { cache, chosen }, args, signal);
    await joinParts(storage, cache, args, signal);
    return EXIT_CODES.clean;
  } catch (error) {
    // A disk that is full is no fault of ours, and no part is finished on it.
    throw isSystemError(error) ? new UsageError(`--cache ${cache}: ${errorMessage(error)}`, { cause: error }) : error;
  } finally {
    await storage.close();
  }
}

async function readPart(
  storage: S3Storage,
  { cache: directory, chosen }: { readonly cache: string; readonly chosen: Part },
  args: ManifestsArguments,
  signal: AbortSignal,
): Promise<ExitCode> {
  const [{ ManifestCache }, { beginPart, finishPart, partFolder }] = await Promise.all([
    import("../storage/s3/manifest-cache.js"),
    import("../storage/s3/parts/part-folder.js"),
  ]);
  const folder = partFolder(directory, chosen);
  await untilAborted(storage.markers(), signal);
  const cache = ManifestCache.open(folder.directory);
  let read: PartRead;
  const progress = startProgressLine(process.stderr, args.quiet);
  try {
    beginPart(folder, ownerOf(storage));
    const reading = storage.readPart(cache, folder, (done) => progress.say(`part ${nameOf(folder)}: ${describe(done)}`));
    read = await untilAborted(reading, signal);
  } finally {
    progress.stop();
    cache.close();
  }
  const [fault] = read.faults;
  if (fault !== undefined) {
    const others = read.faults.length === 1 ? "" : `, and ${countOf(read.faults.length - 1, "other")}`;
    complain(`${fault.path} could not be read: ${fault.cause}${others}: part ${nameOf(folder)} is not finished, run it again`);
    return EXIT_CODES.incomplete;
  }
  finishPart(folder, ownerOf(storage), read.read + read.known);
  const { faults: _none, ...counts } = read;
  const json = { ...folder, ...counts, exitCode: EXIT_CODES.clean };
  await tell(args, true, [`${folder.directory}: part ${nameOf(folder)}: ${describe(read)}`], json);
  return EXIT_CODES.clean;
}

async function joinParts(storage: S3Storage, cache: string, args: ManifestsArguments, signal: AbortSignal): Promise<void> {
  const { mergeParts } = await import("../storage/s3/parts/merge-parts.js");
  const { cacheSize } = args;
  const progress = startProgressLine(process.stderr, args.quiet);
  try {
    const { parts, manifests, bytes } = await mergeParts(cache, ownerOf(storage), {
      mostBytes: cacheSize === undefined ? undefined : parseBytes("cache-size", cacheSize),
      signal,
      onProgress: (done, of) => progress.say(`joining: ${countOf(done, "manifest")} of ${of}`),
    });
    progress.stop();
    const line = `${cache}: ${countOf(parts, "part")}, ${countOf(manifests, "manifest")}, ${formatBytes(bytes)}`;
    await tell(args, true, [line], { cache, parts, manifests, bytes, exitCode: EXIT_CODES.clean });
  } finally {
    progress.stop();
  }
}

function ownerOf({ location, server }: S3Storage): PartStorage {
  return { location, server };
}

function nameOf({ part, parts }: PartFolder): string {
  return `${part}/${parts}`;
}

function describe({ repositories, read, known, damaged }: Readonly<PartRead>): string {
  const before = known === 0 ? "" : `, ${known} known before`;
  const lost = damaged === 0 ? "" : `, ${damaged} missing or damaged`;
  return `${countOf(repositories, "repository", "repositories")}, ${countOf(read, "manifest")} read${before}${lost}`;
}
