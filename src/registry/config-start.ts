type Section = Readonly<Record<string, unknown>>;

/**
 * What of a config's `storage` keeps the registry from starting: it panics at these before it serves anything (`handlers/app.go`), each
 * with what to write instead. Tried with 2.8 and 3.1.
 */
export function startProblems(storage: Section, hasRedis: boolean): string[] {
  const maintenance = section(storage["maintenance"]);
  return [
    ...purgingProblems(maintenance),
    ...readonlyProblems(maintenance),
    ...redirectProblems(storage),
    ...cacheProblems(section(storage["cache"]), hasRedis),
  ].map((problem) => `the registry does not start with this config: ${problem}`);
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
  return isRedis && !hasRedis ? ["storage.cache is redis, but there is no redis section"] : [];
}

/** As Go writes them: `168h`, `1h30m`. */
function isDuration(value: unknown): boolean {
  return (
    typeof value === "string" &&
    /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))*$|^0$/.test(value)
  );
}

function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function section(value: unknown): Section {
  return isSection(value) ? value : {};
}
