import { UsageError } from "../errors.js";
import type { VerifyPart } from "../mark/verify.js";
import type { Part } from "../storage/s3/parts/part.js";

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * Parses a time span such as `90s`, `30m`, `1h`, `7d` or `0`, to seconds. A number alone may be meant as days or as hours. Throws a
 * `UsageError` that names the option.
 */
export function parseTimeSpan(option: string, text: string): number {
  if (text === "0") return 0;
  const match = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text);
  const unit = SECONDS[match?.[2] ?? ""];
  if (match === null || unit === undefined) {
    const hint = /^\d+(?:\.\d+)?$/.test(text) ? ` (${text} of what? s, m, h or d)` : "";
    throw new UsageError(`--${option} ${text}: expected a time span such as 30m, 1h or 7d${hint}`);
  }
  return Number(match[1]) * unit;
}

/** Parses a share such as `50%`, to a number from 0 to 1. Throws a `UsageError` that names the option. */
export function parseShare(option: string, text: string): number {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent === undefined || Number(percent) > 100) throw new UsageError(`--${option} ${text}: expected a share such as 50%`);
  return Number(percent) / 100;
}

/** Parses a part such as `1/7`. Throws a `UsageError`. */
export function parsePart(text: string): VerifyPart {
  const [, part = "", parts = ""] = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(text) ?? [];
  if (part === "" || Number(part) > Number(parts))
    throw new UsageError(`--verify=${text}: expected a part such as 1/7, the first of seven; or --verify alone, for all blobs`);
  return { part: Number(part), parts: Number(parts) };
}

/**
 * Parses the part of the manifests that a process reads, such as `0/16`: counted from 0, as Kubernetes and AWS Batch count the processes of
 * a job. Throws a `UsageError`.
 */
export function parseManifestPart(text: string): Part {
  const [, part = "", parts = ""] = /^(0|[1-9]\d{0,4})\/([1-9]\d{0,4})$/.exec(text) ?? [];
  if (part === "") throw new UsageError(`--part ${text}: expected a part such as 0/16, the first of sixteen`);
  if (Number(part) >= Number(parts)) {
    const there =
      parts === "1" ? "there is part 0/1 alone" : `the parts of ${parts} are 0/${parts} to ${Number(parts) - 1}/${parts}`;
    throw new UsageError(`--part ${text}: ${there}`);
  }
  return { part: Number(part), parts: Number(parts) };
}

const BYTES: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Parses a size such as `20G` or `512MiB`, to bytes. Throws a `UsageError` that names the option. */
export function parseBytes(option: string, text: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)([KMGT])(?:i?B)?$/.exec(text) ?? [];
  const bytes = Number(number) * (BYTES[unit] ?? 0);
  if (!(bytes > 0)) throw new UsageError(`--${option} ${text}: expected a size such as 512M or 20G`);
  return bytes;
}

/** Parses a number of reads or requests under way. Throws a `UsageError`. */
export function parseConcurrency(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 1024) return Number(text);
  throw new UsageError(`--concurrency ${text}: expected a whole number from 1 to 1024`);
}
