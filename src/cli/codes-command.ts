import { FINDING_CODES } from "../mark/finding.js";
import { CATALOGUE, consequenceOf } from "../report/catalogue.js";
import { wrapLines } from "../report/wrap.js";
import type { TextOptions } from "../report/wrap.js";
import type { Telling } from "./print.js";
import { textOptions, writeToStdout } from "./write-report.js";

/** `regcheck codes`: prints every code that a finding can have, with what it means and what to do; worst first. */
export async function runCodes({ format, quiet }: Telling): Promise<void> {
  const text = quiet ? FINDING_CODES.map((code) => `${code}\n`).join("") : codesAsText(textOptions(process.stdout));
  await writeToStdout([format === "json" ? codesAsJson() : text]);
}

function codesAsJson(): string {
  return `${JSON.stringify(
    FINDING_CODES.map((code) => ({ code, ...CATALOGUE[code] })),
    undefined,
    2,
  )}\n`;
}

function codesAsText(options: TextOptions): string {
  const lines = FINDING_CODES.flatMap((code) => {
    const { severity, severityIfReclaimable, meaning, remedy } = CATALOGUE[code];
    const severities = [severity, severityIfReclaimable].filter((one) => one !== undefined).join(" or ");
    const inBrackets = [severities, consequenceOf(code)].filter((one) => one !== undefined).join(", ");
    return [`${code} (${inBrackets}): ${meaning}`, `  → ${remedy}`];
  });
  return `${wrapLines(lines, options).join("\n")}\n`;
}
