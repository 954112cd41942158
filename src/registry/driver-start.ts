import type { Section } from "./section.js";

/**
 * What of a driver's parameters keeps the registry from starting: it panics at these (`filesystem/driver.go`, `s3-aws/s3.go`). Tried with
 * 2.8 and 3.1.
 */
export function driverProblems(driver: string, parameters: Section): string[] {
  if (driver === "filesystem") return threadProblems(parameters["maxthreads"]);
  return driver === "s3" || driver === "s3aws" ? s3Problems(parameters) : [];
}

/** A text is read as Go reads a number of any base, without a sign. */
function threadProblems(value: unknown): string[] {
  const isText = typeof value === "string" && /^(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9]\d{0,18})$/.test(value);
  const isSound = value === undefined || value === null || isText || Number.isInteger(value);
  return isSound ? [] : ["storage.filesystem.maxthreads: expected a whole number"];
}

/** Of every version. */
const FLAGS = ["encrypt", "secure", "skipverify", "v4auth"] as const;
/** Of 3.x: 2.8 passes over whatever they are. */
const FLAGS_OF_3 = ["forcepathstyle", "usedualstack", "accelerate", "usefipsendpoint"] as const;
const GO_BOOLEAN = /^(?:1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/;

/** The least and the most that S3 takes for a part, in bytes. */
const PART = [5 * 1024 ** 2, 5 * 1024 ** 3] as const;
const NUMBERS: Readonly<Record<string, readonly [number, number]>> = {
  chunksize: PART,
  multipartcopychunksize: PART,
  multipartcopymaxconcurrency: [1, Number.MAX_SAFE_INTEGER],
  multipartcopythresholdsize: [0, PART[1]],
};

/** What is written to these has to be restored before it is read; the driver refuses them. */
const ARCHIVES: ReadonlySet<string> = new Set(["GLACIER", "DEEP_ARCHIVE"]);

function s3Problems(parameters: Section): string[] {
  const given = (key: string): unknown => parameters[key] ?? undefined;
  const { region, regionendpoint, storageclass } = parameters;
  const isNone = (value: unknown): boolean => value === undefined || value === null || value === "";
  return [
    ...(isNone(region) && isNone(regionendpoint) ? ["storage.s3.region is missing"] : []),
    ...FLAGS.filter((key) => !isFlag(given(key))).map((key) => `storage.s3.${key}: expected true or false`),
    ...FLAGS_OF_3.filter((key) => !isFlag(given(key))).map((key) => `storage.s3.${key}: expected true or false (registry 3.x)`),
    ...Object.entries(NUMBERS)
      .filter(([key, range]) => !isWithin(given(key), range))
      .map(([key, [least, most]]) => `storage.s3.${key}: expected a number from ${least} to ${most}`),
    ...(typeof storageclass === "string" && ARCHIVES.has(storageclass.toUpperCase())
      ? [`storage.s3.storageclass: what is in ${storageclass} cannot be read at once`]
      : []),
  ];
}

function isFlag(value: unknown): boolean {
  return value === undefined || typeof value === "boolean" || (typeof value === "string" && GO_BOOLEAN.test(value));
}

function isWithin(value: unknown, [least, most]: readonly [number, number]): boolean {
  if (value === undefined) return true;
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= least && number <= most;
}
