import { UsageError } from "../errors.js";
import type { VerifyPart } from "../mark/verify.js";

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

/** Parses a number of reads or requests under way. Throws a `UsageError`. */
export function parseConcurrency(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 1024) return Number(text);
  throw new UsageError(`--concurrency ${text}: expected a whole number from 1 to 1024`);
}
