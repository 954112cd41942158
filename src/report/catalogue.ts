import { effectOf, FINDING_CODES } from "../mark/finding.js";
import type { CodeEffect, Finding, FindingCode } from "../mark/finding.js";
import { CODE_WORDS } from "./code-words.js";
import type { CodeWords } from "./code-words.js";
import type { Severity } from "./severity.js";

/** What is known of a code. README, JSON Schema and `regcheck codes` are made from it or checked against it. */
export interface CatalogueEntry extends CodeWords {
  readonly effect?: CodeEffect | undefined;
}

/** The catalogue of findings. */
export const CATALOGUE: Readonly<Record<FindingCode, CatalogueEntry>> = withEffects(CODE_WORDS);

function withEffects(words: Readonly<Record<FindingCode, CodeWords>>): Record<FindingCode, CatalogueEntry> {
  const entries: Record<FindingCode, CatalogueEntry> = { ...words };
  for (const code of FINDING_CODES) entries[code] = { ...words[code], effect: effectOf(code) };
  return entries;
}

/**
 * What a finding is about, besides the repository that it may be ascribed to. **registry**: all of it, for the registry does not start, or
 * objects of any repository vanish, or nobody knows what is live. **blob**: a stored blob, which any number of repositories may have.
 */
export type FindingScope = "registry" | "blob" | "repository";

const SCOPES: Readonly<Partial<Record<FindingCode, FindingScope>>> = {
  "storage-unreadable": "registry",
  "truth-elsewhere": "registry",
  "tags-elsewhere": "registry",
  "proxy-state-invalid": "registry",
  "bucket-expires": "registry",
  "stray-stops-registry": "registry",
  "blob-corrupt": "blob",
  "blob-unreadable": "blob",
  "object-archived": "blob",
  "blob-unreferenced": "blob",
};

/** What findings of a code are about; most are about a repository, or about nothing that one has. */
export function scopeOf(code: FindingCode): FindingScope {
  return SCOPES[code] ?? "repository";
}

const EFFECTS: Readonly<Record<CodeEffect, string>> = {
  holds: "holds its repository back from a sweep",
  blocks: "blocks every sweep",
};

/** What a code means for a sweep; undefined for most. */
export function consequenceOf(code: FindingCode): string | undefined {
  const effect = effectOf(code);
  return effect && EFFECTS[effect];
}

/** Whether a code is an error in some cases and milder in others. */
export function mayBeMilder(code: FindingCode): boolean {
  const { severity, severityIfReclaimable } = CATALOGUE[code];
  return severity === "error" && severityIfReclaimable !== undefined;
}

/** The severity of a finding under the selected policy. */
export function severityOf(finding: Finding): Severity {
  const { severity, severityIfReclaimable } = CATALOGUE[finding.code];
  // What a console makes has never been a tag that anybody pulled.
  const isMild = finding.reclaimable === true || finding.cause?.kind === "folder-marker";
  return isMild && severityIfReclaimable !== undefined ? severityIfReclaimable : severity;
}
