import { UsageError } from "../errors.js";
import type { VerifyPart } from "../mark/verify.js";

const SECONDS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** Parses a time span such as `90s`, `30m`, `1h`, `7d` or `0`, to seconds. Throws a `UsageError` that names the option. */
export function parseTimeSpan(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text);
  const unit = SECONDS[match?.[2] ?? "?"];
  if (match === null || unit === undefined)
    throw new UsageError(`--${option} ${text}: expected a time span such as 30m, 1h or 7d`);
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
 * The command line with `--verify` written as `--verify=1/1`: an option whose value may be left out would take the next argument for
 * it, which is the storage.
 */
export function spellOutVerify(args: readonly string[]): string[] {
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  return args.map((argument, i) => (argument === "--verify" && i < end ? "--verify=1/1" : argument));
}

/** Parses a number of reads or requests under way. Throws a `UsageError`. */
export function parseConcurrency(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 1024) return Number(text);
  throw new UsageError(`--concurrency ${text}: expected a whole number from 1 to 1024`);
}
