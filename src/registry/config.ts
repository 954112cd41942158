import { errorMessage } from "../errors.js";
import { startProblems } from "./config-start.js";
import { OWNER_SECTIONS, ownersIn } from "./owners.js";
import type { Owner } from "./owners.js";
import { parseS3Parameters } from "./s3-parameters.js";
import type { S3Parameters } from "./s3-parameters.js";
import { scalarText } from "./scalar-text.js";
import { isSection, section } from "./section.js";
import type { Section } from "./section.js";
import { linkedService, serviceProblem } from "./service-links.js";
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
  /** Who decides what is live, where that is not the storage. */
  readonly owners: readonly Owner[];
  /** Whether blob descriptors are cached in Redis, which a sweep leaves stale. */
  readonly redis: boolean;
  /** What in the environment does not do what it seems to. */
  readonly warnings: readonly string[];
}

/** A config that cannot be used, and why, without the file's name. */
export class ConfigProblem extends Error {}

/** Keys below `storage:` that name no driver (`configuration.go`, `Storage.Type`). */
const RESERVED = new Set(["maintenance", "cache", "delete", "redirect", "tag"]);
/** `s3_v2` is GitLab's: the same layout, by a newer SDK. */
const S3_DRIVERS: ReadonlySet<string> = new Set(["s3", "s3aws", "s3_v2"]);
/** `rootdirectory` when a filesystem driver has none (`driver/filesystem`, `defaultRootDirectory`). */
const DEFAULT_ROOT = "/var/lib/registry";

/**
 * Parses a registry's config.yml (2.x and 3.x) and applies the `REGISTRY_*` variables as the registry does: each value is YAML, and
 * replaces the parameter that its name spells. Throws a `ConfigProblem`.
 */
export function parseRegistryConfig(text: string, environment: Readonly<Record<string, string | undefined>>): RegistryConfig {
  const root = parseConfig(text);
  if (!isSection(root))
    throw new ConfigProblem("expected a mapping with version, storage and http, as in the registry's config.yml");
  const { variables, warnings } = withoutServices(environment);
  applyVariables(root, variables, warnings);
  const storage = storageSection(root["storage"]);
  const http = section(root["http"]);
  const hasRedis = isSection(root["redis"]) || Object.keys(variables).some((name) => name.startsWith("REGISTRY_REDIS"));
  warnings.push(...startProblems(storage, hasRedis, section(root["proxy"])));
  return {
    storage: configuredStorage(storage),
    readOnly: section(section(storage["maintenance"])["readonly"])["enabled"] === true,
    httpAddress: textOf("http.addr", http["addr"]),
    httpPrefix: textOf("http.prefix", http["prefix"]),
    tls:
      textOf("http.tls.certificate", section(http["tls"])["certificate"]) !== undefined ||
      isSection(section(http["tls"])["letsencrypt"]),
    owners: ownersIn(root),
    redis: ["blobdescriptor", "layerinfo"].some((key) => section(storage["cache"])[key] === "redis"),
    warnings,
  };
}

/**
 * Who decides what is live by the `REGISTRY_*` variables alone: where the storage is named without its registry's config, but in the
 * registry's container.
 */
export function ownersInEnvironment(environment: Readonly<Record<string, string | undefined>>): readonly Owner[] {
  const root: Section = {};
  const own = Object.entries(environment).filter(([name]) => OWNERS.has(topOf(name)));
  applyVariables(root, withoutServices(Object.fromEntries(own)).variables, []);
  return ownersIn(root).map(({ kind, evidence }) => ({ kind, evidence: evidence.replace("the config", "the environment") }));
}

function parseConfig(text: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    throw new ConfigProblem(`broken YAML: ${errorMessage(error).split("\n")[0] ?? ""}`);
  }
}

/** As of the chart twuni/docker-registry: the config that it makes leaves the driver to the container's environment. */
const NO_DRIVER =
  "storage names no driver, as where a chart sets it by variables of the container: give regcheck the same, REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY for a directory; or REGISTRY_STORAGE_S3_BUCKET, and REGISTRY_STORAGE_S3_REGION, REGISTRY_STORAGE_S3_REGIONENDPOINT, REGISTRY_STORAGE_S3_ROOTDIRECTORY, REGISTRY_STORAGE_S3_ACCESSKEY, REGISTRY_STORAGE_S3_SECRETKEY as far as they are set";

function configuredStorage(storage: Section): ConfiguredStorage {
  const drivers = Object.keys(storage).filter((key) => !RESERVED.has(key));
  const [driver] = drivers;
  if (driver === undefined) throw new ConfigProblem(NO_DRIVER);
  if (drivers.length > 1)
    throw new ConfigProblem(`storage names several drivers (${drivers.join(", ")}); the registry takes one`);
  const parameters = storage[driver] ?? {};
  if (!isSection(parameters)) throw new ConfigProblem(`storage.${driver}: expected a mapping of parameters`);
  if (driver === "filesystem") return { driver, rootDirectory: rootDirectory(parameters["rootdirectory"]) };
  if (S3_DRIVERS.has(driver)) {
    const parsed = parseS3Parameters(parameters);
    if ("problem" in parsed) throw new ConfigProblem(parsed.problem);
    return { driver: "s3", parameters: parsed };
  }
  throw new ConfigProblem(`the storage driver ${JSON.stringify(driver)} is not supported; regcheck reads filesystem and s3`);
}

/** The driver puts its own paths, which begin with a slash, behind whatever text there is: behind none they are absolute. */
function rootDirectory(value: unknown): string {
  if (value === undefined) return DEFAULT_ROOT;
  if (value === null)
    throw new ConfigProblem(
      "storage.filesystem.rootdirectory is empty: the registry stores in <nil>, a directory where it was started; is a variable unset?",
    );
  return textOf("storage.filesystem.rootdirectory", value) ?? "/";
}

/** `storage: filesystem` is short for a driver without parameters. */
function storageSection(value: unknown): Section {
  return typeof value === "string" ? { [value]: {} } : section(value);
}

/** The sections that say where the data is, or who may write; a value there that cannot be read is refused. */
const SECTIONS: ReadonlySet<string> = new Set(["storage", "http", "proxy"]);
const OWNERS: ReadonlySet<string> = new Set(OWNER_SECTIONS);

/** The registry's variables, without those that are about Services of Kubernetes and only begin alike. */
function withoutServices(environment: Readonly<Record<string, string | undefined>>): {
  readonly variables: Readonly<Record<string, string>>;
  readonly warnings: string[];
} {
  const variables: Record<string, string> = {};
  const problems = new Map<string, string>();
  for (const [name, value] of Object.entries(environment)) {
    const top = topOf(name);
    if (value === undefined || top === "") continue;
    const service = linkedService(name, value);
    const problem = service && serviceProblem(service);
    if (service === undefined) variables[name] = value;
    else if (problem !== undefined) problems.set(top, problem);
  }
  const storage = problems.get("storage");
  if (storage !== undefined) throw new ConfigProblem(storage);
  return { variables, warnings: [...problems.values()] };
}

function applyVariables(root: Section, variables: Readonly<Record<string, string>>, warnings: string[]): void {
  for (const [name, value] of Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1)))
    if (SECTIONS.has(topOf(name)) || OWNERS.has(topOf(name))) override(root, name, value, warnings);
}

/** The section that a variable is about; "" for what is no registry's. */
function topOf(name: string): string {
  return /^REGISTRY_([^_]+)/.exec(name)?.[1]?.toLowerCase() ?? "";
}

function override(root: Section, name: string, value: string, warnings: string[]): void {
  const [top = "", ...path] = name.slice("REGISTRY_".length).toLowerCase().split("_");
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
    // A list, of notification endpoints for one: it stays what it is.
    if (Array.isArray(child)) return;
    const next: Section = isSection(child) ? child : {};
    target[found] = next;
    target = next;
  }
  target[findKey(target, path.at(-1) ?? "")] = parseVariable(name, value);
}

/** The value of a variable, which may be a secret: it is never part of a message. One that is there and empty is null, as a key without a value. */
function parseVariable(name: string, value: string): unknown {
  try {
    return parseYaml(value) ?? null;
  } catch {
    // What only says who decides need not be read to the end: the registry does not start with it.
    if (!SECTIONS.has(topOf(name))) return value;
    throw new ConfigProblem(`the value of ${name} in the environment is no YAML`);
  }
}

/** The registry compares names without regard to case. */
function findKey(target: Section, key: string): string {
  return Object.keys(target).find((candidate) => candidate.toLowerCase() === key) ?? key;
}

/** A text, or a scalar that the registry takes as one; undefined where there is none. Others are refused, not passed over. */
function textOf(name: string, value: unknown): string | undefined {
  const parsed = scalarText(value);
  if (parsed === undefined) throw new ConfigProblem(`${name}: expected text (put it into quotes)`);
  return parsed === "" ? undefined : parsed;
}
