import fs from "node:fs";
import path from "node:path";
import { CATALOGUE } from "#regcheck/report/catalogue.js";
import { FINDING_CODES } from "#regcheck/mark/finding.js";
import type { RETENTION_RULES, RULES } from "#regcheck/guard/rules.js";

/** README.md, in which tests look for what it must say. */
export const README_FILE = path.resolve(import.meta.dirname, "../../README.md");

export function readReadme(): string {
  return fs.readFileSync(README_FILE, "utf8");
}

/** The part of a text between `<!-- name -->` and `<!-- /name -->`. */
export function markedPart(text: string, name: string): string {
  const match = new RegExp(`<!-- ${name} -->\n([^]*?)<!-- /${name} -->`).exec(text);
  if (match?.[1] === undefined) throw new Error(`README.md has no part <!-- ${name} -->`);
  return match[1];
}

/** The README's table of findings, as the catalogue would have it. */
export function catalogueTable(): string {
  const rows = FINDING_CODES.map((code) => {
    const { severity, severityIfReclaimable, effect, meaning, remedy } = CATALOGUE[code];
    const degree = [severity, severityIfReclaimable && `or ${severityIfReclaimable}`, effect && `**${effect}**`];
    return `| \`${code}\` | ${degree.filter(Boolean).join(", ")} | ${meaning} | ${remedy} |`;
  });
  return ["| code | severity | meaning | what it means for a pull, and what to do |", "|---|---|---|---|", ...rows, ""].join(
    "\n",
  );
}

/** The README's tables of the rules of a sweep, and of those of a policy file. */
export function rulesTable(rules: typeof RULES | typeof RETENTION_RULES): string {
  const rows = Object.entries(rules).map(([rule, meaning]) => `| ${rule} | ${meaning} |`);
  return ["| rule | passes when |", "|---|---|", ...rows, ""].join("\n");
}
