import fs from "node:fs";
import path from "node:path";
import { UsageError } from "../errors.js";
import { causeOf } from "../system-errors.js";
import type { RegistryConfig } from "../registry/config.js";
import type { Owner } from "../registry/owners.js";
import type { S3Parameters } from "../registry/s3-parameters.js";
import { showUrl } from "../show-url.js";
import { FilesystemStorage } from "../storage/filesystem/filesystem.js";
import type { StorageChanges } from "../storage/changes.js";
import { RehearsedChanges } from "../storage/rehearsed-changes.js";
import type { S3Options } from "../storage/s3/options.js";
import type { Storage } from "../storage/storage.js";
import { complain } from "./complain.js";
import { parseBytes, parseConcurrency, parseTimeSpan } from "./parse-values.js";

/** How an operator names a storage. */
export interface StorageArguments {
  /** A directory, or `s3://bucket/rootdirectory`. */
  readonly storage: string | undefined;
  /** A config.yml. */
  readonly config: string | undefined;
  readonly concurrency: string | undefined;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly forcePathStyle: boolean | undefined;
  readonly readLinks: boolean | undefined;
  readonly timeout: string | undefined;
  readonly cache: string | undefined;
  readonly cacheSize: string | undefined;
  /** A `manifest.json` of an S3 Inventory, or the folder of its configuration: for commands that only read. */
  readonly inventory?: string | undefined;
  readonly inventoryAge?: string | undefined;
}

/** Where the `registry` images of 3.x and 2.x, and the packages, keep their config. */
const USUAL_CONFIGS = ["/etc/distribution/config.yml", "/etc/docker/registry/config.yml"];

/** A storage, and the registry's config if that is what named it. */
export interface OpenedStorage extends NamedStorage {
  readonly config: RegistryConfig | undefined;
  /** Where that was read, as an absolute path: nobody may have named it. */
  readonly configFile: string | undefined;
  /** Who decides what is live, by the config, or by the variables of the registry's container. */
  readonly owners: readonly Owner[];
}

const NO_CONFIG = { config: undefined, configFile: undefined };

/** A storage, and what changes it: only what sweeps loads that. */
interface NamedStorage {
  readonly storage: Storage;
  readonly openChanges: () => Promise<StorageChanges>;
}

/**
 * Opens what the operator named: a directory, a bucket, a config, or the config in its usual place. Throws a `UsageError`, and the signal's
 * reason where that aborts while an inventory is looked for.
 */
export async function openStorage(args: StorageArguments, signal: AbortSignal): Promise<OpenedStorage> {
  const { storage, config } = args;
  if (storage !== undefined && config !== undefined) {
    throw new UsageError(`both ${showUrl(storage)} and --config ${config} name a storage: give one of them`);
  }
  if (storage !== undefined) {
    const owners = await ownersHere();
    const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(storage)?.[1]?.toLowerCase();
    if (scheme !== undefined && scheme !== "s3")
      throw new UsageError(`${showUrl(storage)}: regcheck reads a directory or s3://BUCKET, and knows no ${scheme}://`);
    if (scheme === undefined) return { ...openDirectory(storage, args), ...NO_CONFIG, owners };
    const { parseS3Url } = await import("../storage/s3/options.js");
    const parameters = parseS3Url(storage);
    const { findRootInBucket } = await import("../storage/s3/find-root.js");
    const findRoot = (written: S3Options): Promise<S3Options> => findRootInBucket(written, signal);
    return { ...(await openBucket(parameters, args, signal, findRoot)), ...NO_CONFIG, owners };
  }
  const file = config ?? USUAL_CONFIGS.find((usual) => fs.existsSync(usual));
  if (file === undefined) {
    throw new UsageError(
      `no storage is named, and there is no ${USUAL_CONFIGS.join(" or ")}: try regcheck /var/lib/registry, regcheck s3://bucket, or --config FILE`,
    );
  }
  const parsed = await readConfig(file);
  for (const warning of parsed.warnings) warn(warning);
  const { storage: named, owners } = parsed;
  const read = { config: parsed, configFile: path.resolve(file), owners };
  if (named.driver === "s3") return { ...(await openBucket(named.parameters, args, signal)), ...read };
  try {
    return { ...openDirectory(named.rootDirectory, args), ...read };
  } catch (error) {
    // Nobody may have named this file: it may be the one in its usual place.
    const hint = path.isAbsolute(named.rootDirectory) ? "" : RELATIVE;
    if (error instanceof UsageError) throw new UsageError(`${file} names ${error.message}${hint}`, { cause: error });
    throw error;
  }
}

const RELATIVE = " It is a relative path: run regcheck in the directory in which the registry is started.";

/** Does some work with what changes the storage, and closes that. A dry run is given what only pretends to. */
export async function withChanges<T>(
  opened: OpenedStorage,
  dryRun: boolean,
  work: (changes: StorageChanges) => Promise<T>,
): Promise<T> {
  const real = await opened.openChanges();
  const changes = dryRun ? new RehearsedChanges(real) : real;
  try {
    return await work(changes);
  } finally {
    await changes.close();
  }
}

function openDirectory(directory: string, args: StorageArguments): NamedStorage {
  const [option] = Object.entries({
    endpoint: args.endpoint,
    region: args.region,
    "force-path-style": args.forcePathStyle,
    "read-links": args.readLinks,
    timeout: args.timeout,
    cache: args.cache,
    "cache-size": args.cacheSize,
    inventory: args.inventory,
  }).find(([, value]) => value !== undefined) ?? [undefined];
  if (option !== undefined) throw new UsageError(`--${option} is for a bucket, but ${directory} is a directory`);
  const storage = FilesystemStorage.open(directory, { concurrency: parseConcurrency(args.concurrency) });
  const openChanges = async (): Promise<StorageChanges> => {
    const { FilesystemChanges } = await import("../storage/filesystem/changes.js");
    return new FilesystemChanges(storage.location, storage.pool);
  };
  return { storage, openChanges };
}

/** The SDK takes 90 ms to load, which a check of a directory need not pay. */
async function openBucket(
  parameters: S3Parameters,
  args: StorageArguments,
  signal: AbortSignal,
  findRoot = async (written: S3Options): Promise<S3Options> => written,
): Promise<NamedStorage> {
  const [{ S3Storage }, { retriesFor, withOverrides }] = await Promise.all([
    import("../storage/s3/s3.js"),
    import("../storage/s3/options.js"),
  ]);
  const { readLinks, cache, cacheSize } = args;
  if (cacheSize !== undefined && cache === undefined) throw new UsageError("--cache-size goes with --cache");
  const cacheBytes = cacheSize === undefined ? undefined : parseBytes("cache-size", cacheSize);
  const retries = retriesFor(args.timeout === undefined ? undefined : parseTimeSpan("timeout", args.timeout) * 1000);
  const concurrency = parseConcurrency(args.concurrency);
  const given = { ...withOverrides(parameters, args), concurrency, readLinks, cache, cacheBytes, retries, onWarning: warn };
  const options = await findRoot(given);
  const openChanges = async (): Promise<StorageChanges> => {
    const { S3Changes } = await import("../storage/s3/changes.js");
    return new S3Changes(options);
  };
  if (args.inventory === undefined) return { storage: new S3Storage(options), openChanges };
  const { openInventory } = await import("../storage/s3/inventory/open.js");
  const maxAge = parseTimeSpan("inventory-age", args.inventoryAge ?? "72h");
  return { storage: await openInventory(options, args.inventory, maxAge, signal), openChanges };
}

/** The YAML parser takes 40 ms to load, which only the environment of a registry need pay. */
async function ownersHere(): Promise<readonly Owner[]> {
  if (!Object.keys(process.env).some((name) => name.startsWith("REGISTRY_"))) return [];
  const { ownersInEnvironment } = await import("../registry/config.js");
  return ownersInEnvironment(process.env);
}

function warn(text: string): void {
  complain(`warning: ${text}`);
}

async function readConfig(file: string): Promise<RegistryConfig> {
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${file}: ${causeOf(error)}`);
  }
  // The YAML parser takes 40 ms to load, which a check of a directory need not pay.
  const { ConfigProblem, parseRegistryConfig } = await import("../registry/config.js");
  try {
    return parseRegistryConfig(text, process.env);
  } catch (error) {
    if (error instanceof ConfigProblem) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}
