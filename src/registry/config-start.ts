import { driverProblems } from "./driver-start.js";
import { isSection, section } from "./section.js";
import type { Section } from "./section.js";

/**
 * What of a config's `storage` keeps the registry from starting: it panics at these before it serves anything (`handlers/app.go`), each
 * with what to write instead. Tried with 2.8 and 3.1.
 */
export function startProblems(storage: Section, hasRedis: boolean, proxy: Section = {}): string[] {
  const maintenance = section(storage["maintenance"]);
  return [
    ...purgingProblems(maintenance),
    ...readonlyProblems(maintenance),
    ...redirectProblems(storage),
    ...cacheProblems(section(storage["cache"]), hasRedis),
    ...KEYED.filter((key) => !isKeyed(storage[key])).map((key) => `storage.${key} has to have keys`),
    ...tagProblems(section(storage["tag"])),
    ...proxyProblems(proxy),
    ...Object.entries(storage).flatMap(([driver, parameters]) => driverProblems(driver, section(parameters))),
  ].map((problem) => `the registry does not start with this config: ${problem}`);
}

/** Sections of which nothing else than keys can be read, whatever the version. */
const KEYED = ["delete", "cache", "maintenance", "tag"] as const;

function isKeyed(value: unknown): boolean {
  return value === undefined || value === null || isSection(value);
}

function tagProblems(tag: Section): string[] {
  const limit = tag["concurrencylimit"];
  const isSound = !("concurrencylimit" in tag) || (typeof limit === "number" && Number.isInteger(limit) && limit >= 0);
  return isSound ? [] : ["storage.tag.concurrencylimit: expected a whole number, without quotes"];
}

function proxyProblems({ remoteurl, ttl }: Section): string[] {
  const isAddress = typeof remoteurl !== "string" || remoteurl === "" || /^https?:\/\//i.test(remoteurl);
  // 2.x has no such key, and passes over it.
  const isTime = typeof ttl !== "string" || isDuration(ttl);
  return [
    ...(isAddress ? [] : ["proxy.remoteurl: expected an address with https:// or http://"]),
    ...(isTime ? [] : ["proxy.ttl: expected a time such as 168h, in h, m and s (registry 3.x)"]),
  ];
}

function purgingProblems(maintenance: Section): string[] {
  const name = "storage.maintenance.uploadpurging";
  const purging = maintenance["uploadpurging"];
  if (!("uploadpurging" in maintenance)) return [];
  if (!isSection(purging)) return [`${name} has to have keys; to turn it off, write enabled: false below it`];
  if (purging["enabled"] === false) return [];
  const missing = ["age", "interval", "dryrun"].filter((key) => !(key in purging));
  if (missing.length > 0) return [`${name} lacks ${missing.join(", ")}: give age, interval and dryrun, or enabled: false`];
  const wrong = ["age", "interval"].filter((key) => !isDuration(purging[key]));
  if (wrong.length > 0) return [`${name}.${wrong.join(" and ")}: expected a time such as 168h, in h, m and s`];
  return typeof purging["dryrun"] === "boolean" ? [] : [`${name}.dryrun: expected true or false, without quotes`];
}

function readonlyProblems(maintenance: Section): string[] {
  const name = "storage.maintenance.readonly";
  const readonly = maintenance["readonly"];
  if (!("readonly" in maintenance)) return [];
  if (!isSection(readonly)) return [`${name} has to have keys: write enabled: true below it`];
  const isSound = !("enabled" in readonly) || typeof readonly["enabled"] === "boolean";
  return isSound ? [] : [`${name}.enabled: expected true or false, without quotes`];
}

function redirectProblems(storage: Section): string[] {
  if (!("redirect" in storage)) return [];
  const isSound = typeof section(storage["redirect"])["disable"] === "boolean";
  return isSound ? [] : ["storage.redirect needs disable: true or false, without quotes"];
}

function cacheProblems(cache: Section, hasRedis: boolean): string[] {
  const isRedis = cache["blobdescriptor"] === "redis" || cache["layerinfo"] === "redis";
  const isInMemory = (cache["blobdescriptor"] ?? cache["layerinfo"]) === "inmemory";
  // 2.8 does not read the size.
  const isSized = !isInMemory || !("blobdescriptorsize" in cache) || /^[+-]?\d+$/.test(String(cache["blobdescriptorsize"]));
  return [
    ...(isRedis && !hasRedis ? ["storage.cache is redis, but there is no redis section"] : []),
    ...(isSized ? [] : ["storage.cache.blobdescriptorsize: expected a whole number (registry 3.x)"]),
  ];
}

/** As Go writes them: `168h`, `1h30m`. */
function isDuration(value: unknown): boolean {
  return (
    typeof value === "string" &&
    /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))*$|^0$/.test(value)
  );
}
