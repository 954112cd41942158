import { errorMessage } from "../errors.js";
import { parseS3Parameters } from "./s3-parameters.js";
import type { S3Parameters } from "./s3-parameters.js";
import { scalarText } from "./scalar-text.js";
import { parseYaml } from "./yaml.js";

/** The drivers whose storage regcheck reads, as the registry's config names them. */
export type ConfiguredStorage =
  | { readonly driver: "filesystem"; readonly rootDirectory: string }
  | { readonly driver: "s3"; readonly parameters: S3Parameters };

/** What a registry's `config.yml` says that a checker needs to know. */
export interface RegistryConfig {
  readonly storage: ConfiguredStorage;
  /** `storage.maintenance.readonly.enabled`. */
  readonly readOnly: boolean;
  /** `http.addr`, such as `:5000`. */
  readonly httpAddress: string | undefined;
  /** `http.prefix`, such as `/registry/`: the path that the API lies below. */
  readonly httpPrefix: string | undefined;
  /** Whether the registry serves TLS by itself. */
  readonly tls: boolean;
  /** `proxy.remoteurl`: a pull-through cache writes to its storage even when it is read-only. */
  readonly proxyRemoteUrl: string | undefined;
  /** Whether blob descriptors are cached in Redis, which a sweep leaves stale. */
  readonly redis: boolean;
  /** What in the environment does not do what it seems to. */
  readonly warnings: readonly string[];
}

/** A config that cannot be used, and why, without the file's name. */
export class ConfigProblem extends Error {}

/** Keys below `storage:` that name no driver (`configuration.go`, `Storage.Type`). */
const RESERVED = new Set(["maintenance", "cache", "delete", "redirect", "tag"]);
/** `rootdirectory` when a filesystem driver has none (`driver/filesystem`, `defaultRootDirectory`). */
const DEFAULT_ROOT = "/var/lib/registry";

type Section = Record<string, unknown>;

/**
 * Parses a registry's config.yml (2.x and 3.x) and applies the `REGISTRY_*` variables as the registry does: each value is YAML, and
 * replaces the parameter that its name spells. Throws a `ConfigProblem`.
 */
export function parseRegistryConfig(text: string, environment: Readonly<Record<string, string | undefined>>): RegistryConfig {
  const root = parseConfig(text);
  if (!isSection(root))
    throw new ConfigProblem("expected a mapping with version, storage and http, as in the registry's config.yml");
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name.startsWith("REGISTRY_") && value !== undefined) override(root, name, value, warnings);
  }
  const storage = storageSection(root["storage"]);
  const http = section(root["http"]);
  return {
    storage: configuredStorage(storage),
    readOnly: section(section(storage["maintenance"])["readonly"])["enabled"] === true,
    httpAddress: textOf("http.addr", http["addr"]),
    httpPrefix: textOf("http.prefix", http["prefix"]),
    tls:
      textOf("http.tls.certificate", section(http["tls"])["certificate"]) !== undefined ||
      isSection(section(http["tls"])["letsencrypt"]),
    proxyRemoteUrl: textOf("proxy.remoteurl", section(root["proxy"])["remoteurl"]),
    redis: ["blobdescriptor", "layerinfo"].some((key) => section(storage["cache"])[key] === "redis"),
    warnings,
  };
}

function parseConfig(text: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    throw new ConfigProblem(`broken YAML: ${errorMessage(error).split("\n")[0] ?? ""}`);
  }
}

function configuredStorage(storage: Section): ConfiguredStorage {
  const drivers = Object.keys(storage).filter((key) => !RESERVED.has(key));
  const [driver] = drivers;
  if (driver === undefined) throw new ConfigProblem("storage names no driver; expected filesystem or s3");
  if (drivers.length > 1)
    throw new ConfigProblem(`storage names several drivers (${drivers.join(", ")}); the registry takes one`);
  const parameters = storage[driver] ?? {};
  if (!isSection(parameters)) throw new ConfigProblem(`storage.${driver}: expected a mapping of parameters`);
  if (driver === "filesystem") return { driver, rootDirectory: rootDirectory(parameters["rootdirectory"]) };
  if (driver === "s3" || driver === "s3aws") {
    const parsed = parseS3Parameters(parameters);
    if ("problem" in parsed) throw new ConfigProblem(parsed.problem);
    return { driver: "s3", parameters: parsed };
  }
  throw new ConfigProblem(`the storage driver ${JSON.stringify(driver)} is not supported; regcheck reads filesystem and s3`);
}

/** The driver puts its own paths, which begin with a slash, behind whatever text there is: behind none they are absolute. */
function rootDirectory(value: unknown): string {
  if (value === undefined) return DEFAULT_ROOT;
  if (value === null) throw new ConfigProblem("storage.filesystem.rootdirectory is empty");
  return textOf("storage.filesystem.rootdirectory", value) ?? "/";
}

/** `storage: filesystem` is short for a driver without parameters. */
function storageSection(value: unknown): Section {
  return typeof value === "string" ? { [value]: {} } : section(value);
}

/** The sections that matter here; a variable for any other is the registry's affair. */
const SECTIONS = new Set(["storage", "http", "proxy"]);

function override(root: Section, name: string, value: string, warnings: string[]): void {
  const [top = "", ...path] = name.slice("REGISTRY_".length).toLowerCase().split("_");
  if (!SECTIONS.has(top)) return;
  if (path.length === 0) {
    root[top] = parseVariable(name, value);
    return;
  }
  // Below a parameter the registry's parser meets a map that it cannot write to: it panics, or warns and goes on (D#1736).
  if (top === "storage" && path.length > 2) {
    warnings.push(
      `${name} is not honoured by the registry: below a storage parameter only the whole parameter can be set, as YAML`,
    );
    return;
  }
  if (top === "storage") root[top] = storageSection(root[top]);
  let target = root;
  for (const key of [top, ...path.slice(0, -1)]) {
    const found = findKey(target, key);
    const child = target[found];
    const next: Section = isSection(child) ? child : {};
    target[found] = next;
    target = next;
  }
  target[findKey(target, path.at(-1) ?? "")] = parseVariable(name, value);
}

/** The value of a variable, which may be a secret: it is never part of a message. */
function parseVariable(name: string, value: string): unknown {
  try {
    return parseYaml(value);
  } catch {
    throw new ConfigProblem(`the value of ${name} in the environment is no YAML`);
  }
}

/** The registry compares names without regard to case. */
function findKey(target: Section, key: string): string {
  return Object.keys(target).find((candidate) => candidate.toLowerCase() === key) ?? key;
}

function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function section(value: unknown): Section {
  return isSection(value) ? value : {};
}

/** A text, or a scalar that the registry takes as one; undefined where there is none. Others are refused, not passed over. */
function textOf(name: string, value: unknown): string | undefined {
  const parsed = scalarText(value);
  if (parsed === undefined) throw new ConfigProblem(`${name}: expected text (put it into quotes)`);
  return parsed === "" ? undefined : parsed;
}
