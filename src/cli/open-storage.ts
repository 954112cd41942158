import fs from "node:fs";
import { errorMessage, UsageError } from "../errors.js";
import type { RegistryConfig } from "../registry/config.js";
import { escapeForTerminal } from "../report/escape.js";
import { FilesystemStorage } from "../storage/filesystem/filesystem.js";
import type { Storage } from "../storage/storage.js";

/** How an operator names a storage. */
export interface StorageArguments {
  /** A directory. */
  readonly storage: string | undefined;
  /** A config.yml. */
  readonly config: string | undefined;
  readonly concurrency: number | undefined;
}

/** Where the `registry` images of 3.x and 2.x, and the packages, keep their config. */
const USUAL_CONFIGS = ["/etc/distribution/config.yml", "/etc/docker/registry/config.yml"];

/** A storage, and the registry's config if that is what named it. */
export interface OpenedStorage {
  readonly storage: Storage;
  readonly config: RegistryConfig | undefined;
}

/** Opens what the operator named: a directory, a config, or the config in its usual place. Throws a `UsageError`. */
export async function openStorage({ storage, config, concurrency }: StorageArguments): Promise<OpenedStorage> {
  if (storage !== undefined && config !== undefined) {
    throw new UsageError(`both ${storage} and --config ${config} name a storage: give one of them`);
  }
  if (storage !== undefined) return { storage: FilesystemStorage.open(storage, { concurrency }), config: undefined };
  const file = config ?? USUAL_CONFIGS.find((path) => fs.existsSync(path));
  if (file === undefined) {
    throw new UsageError(
      `no storage is named, and there is no ${USUAL_CONFIGS.join(" or ")}: try regcheck /var/lib/registry, or --config FILE`,
    );
  }
  const parsed = await readConfig(file);
  for (const warning of parsed.warnings) process.stderr.write(`regcheck: warning: ${escapeForTerminal(warning)}\n`);
  if (parsed.storage.driver === "filesystem") {
    return { storage: FilesystemStorage.open(parsed.storage.rootDirectory, { concurrency }), config: parsed };
  }
  throw new UsageError(`${file}: the storage driver s3 is not supported yet`);
}

async function readConfig(file: string): Promise<RegistryConfig> {
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${file}: ${errorMessage(error)}`);
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
