import type { Marked } from "../mark/marked.js";
import type { FindingCode } from "../mark/finding.js";
import type { OwnData } from "../storage/own-data.js";
import { formatBytes } from "./format.js";
import { quarantineTotals } from "./own-lines.js";

/** Everything that lies in the storage, each byte in one of these, as `du --apparent-size` or the bucket's listing counts files. */
export interface StoredBytes {
  readonly blobs: number;
  readonly links: number;
  readonly uploads: number;
  readonly quarantine: number;
  /** What regcheck keeps besides. */
  readonly own: number;
  readonly strays: number;
}

const STRAYS: ReadonlySet<FindingCode> = new Set([
  "stray-object",
  "stray-among-tags",
  "stray-stops-registry",
  "stray-aborts-collector",
]);

/** Sums up all of the registry, whatever repositories the report is about. */
export function storedBytes({ blobBytes, repositories, findings }: Marked, own: OwnData): StoredBytes {
  const kept = { quarantine: quarantineTotals(own).bytes, own: own.otherBytes };
  const stored = { blobs: blobBytes, links: 0, uploads: 0, ...kept, strays: 0 };
  for (const { linkBytes, uploadBytes } of repositories) {
    stored.links += linkBytes;
    stored.uploads += uploadBytes;
  }
  for (const list of [findings, ...repositories.map((repository) => repository.findings)])
    for (const { code, bytes = 0 } of list) if (STRAYS.has(code)) stored.strays += bytes;
  return stored;
}

/** The sum of them. */
export function allBytes({ blobs, links, uploads, quarantine, own, strays }: StoredBytes): number {
  return blobs + links + uploads + quarantine + own + strays;
}

/** The sum and its parts in a line, without those that are nothing. */
export function storedLine(stored: StoredBytes): string {
  const { blobs, links, uploads, quarantine, own, strays } = stored;
  const parts = (
    [
      [blobs, "blobs"],
      [links, "links"],
      [uploads, "uploads"],
      [quarantine, "quarantine"],
      [own, "regcheck's own"],
      [strays, "strays"],
    ] as const
  ).flatMap(([bytes, what]) => (bytes === 0 ? [] : [`${what} ${formatBytes(bytes)}`]));
  return `In all ${formatBytes(allBytes(stored))}${parts.length === 0 ? "" : `: ${parts.join(", ")}`}`;
}
