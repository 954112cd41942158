import type { Finding } from "../mark/finding.js";
import { CATALOGUE } from "./catalogue.js";
import { consequenceIn, FindingGroups } from "./finding-groups.js";
import type { FindingGroup } from "./finding-groups.js";
import { detailOf, deletedBy } from "./finding-words.js";
import { SEVERITY_MARKS } from "./severity.js";
import type { Severity } from "./severity.js";
import { changesSince } from "./changes.js";
import { escapeForTerminal } from "./escape.js";
import { asSentence, countOf, formatBytes, formatCount, formatDuration } from "./format.js";
import { requestsLine, verifiedLine } from "./head-lines.js";
import { ownLines } from "./own-lines.js";
import type { Report } from "./report.js";
import { tagsThatGo } from "./repository-report.js";
import type { RepositoryReport } from "./repository-report.js";
import { PIN_NOTES } from "./pin-notes.js";
import { filterNote } from "./repository-filter.js";
import { storedLine } from "./stored-bytes.js";
import { subjectOf } from "./subject.js";
import { abandonedWords } from "./upload-sums.js";
import { shownVariants, VARIANT_LABELS } from "./variant-labels.js";
import { verdictOf } from "./verdict.js";
import { withStyle } from "./style.js";
import type { Style } from "./style.js";
import { wrapText } from "./wrap.js";
import type { TextOptions } from "./wrap.js";

/** How a text report is laid out, and what it has. */
export interface ReportTextOptions extends TextOptions {
  /** With a baseline: what is new, and the verdict, without what was known. */
  readonly onlyNew?: boolean;
  /** Its findings were reviewed before: what was read, and the verdict. */
  readonly isKnown?: boolean;
}

const SHOWN_FINDINGS = 10;
const SHOWN_REPOSITORIES = 10;
const PLURALS: Readonly<Record<Severity, string>> = { error: "errors", warning: "warnings", garbage: "garbage", info: "info" };
const COLOURS = { error: "red", warning: "yellow", garbage: "cyan", info: "gray" } as const satisfies Record<Severity, string>;

/** The report for people: totals, findings by code with the worst first, where the garbage is, and the verdict as the last line. */
export function formatText(report: Report, options: ReportTextOptions): string {
  return new TextReport(report, options).format();
}

class TextReport {
  readonly #lines: string[] = [];

  constructor(
    private readonly report: Report,
    private readonly options: ReportTextOptions,
  ) {}

  format(): string {
    this.#head();
    if (this.options.isKnown !== true) {
      this.#findings();
      if (!this.#onlyNew) this.#sums();
    }
    this.#verdict();
    return `${this.#lines.join("\n")}\n`;
  }

  get #onlyNew(): boolean {
    return this.options.onlyNew === true && this.report.baseline !== undefined;
  }

  #sums(): void {
    if (this.report.trusted.has(this.report.selected)) {
      this.#reclaimable();
      this.#repositories();
    }
    this.#held();
    this.#pins();
  }

  #style(style: Style, text: string): string {
    return withStyle(style, text, this.options);
  }

  /** Adds a line, wrapped to the width with its continuation indented further. */
  #line(text: string, indent = 0, further = indent === 0 ? 0 : indent + 2): void {
    this.#lines.push(...wrapText(text, this.options, " ".repeat(indent), " ".repeat(further)));
  }

  #heading(text: string): void {
    this.#lines.push("");
    this.#line(this.#style("bold", text));
  }

  #head(): void {
    const { name, storage, totals, finishedAt, startedAt } = this.report;
    this.#line(
      `${this.#style("bold", escapeForTerminal(storage.location))} (${storage.driver}) on ${escapeForTerminal(name)}, read in ${formatDuration(finishedAt - startedAt)}`,
    );
    const counts = [
      countOf(totals.repositories, "repository", "repositories"),
      countOf(totals.tags, "tag"),
      countOf(totals.revisions, "manifest"),
      countOf(totals.layerLinks, "layer link"),
      `${countOf(totals.uploads, "upload")}${totals.uploads === 0 ? "" : ` (${formatBytes(totals.uploadBytes)})`}`,
    ];
    this.#line(counts.join(", "));
    this.#line(`${countOf(totals.blobs, "blob")}, ${formatBytes(totals.blobBytes)}`);
    this.#line(storedLine(this.report.stored));
    for (const line of ownLines(this.report.own)) this.#line(escapeForTerminal(line));
    const { filter, repositories, verified } = this.report;
    if (verified !== undefined) this.#line(verifiedLine(verified));
    const requests = requestsLine(this.report);
    if (requests !== undefined) this.#line(this.#style("dim", requests));
    if (filter !== undefined) this.#line(escapeForTerminal(filterNote(filter, repositories.length, totals.repositories)));
    for (const notice of this.report.notices) this.#line(this.#style("yellow", `! ${notice}`));
  }

  #findings(): void {
    const groups = new FindingGroups();
    const shown = new Map<FindingGroup, Record<"new" | "old", Finding[]>>();
    for (const finding of this.report.findings()) {
      const isNew = this.#isNew(finding);
      const group = groups.add(finding, isNew);
      if (!this.#isShown(finding, isNew)) continue;
      const some = shown.get(group) ?? { new: [], old: [] };
      const list = isNew ? some.new : some.old;
      if (list.length < SHOWN_FINDINGS) list.push(finding);
      shown.set(group, some);
    }
    for (const group of groups.inOrder()) {
      const some = shown.get(group);
      if (some !== undefined) this.#group(group, [...some.new, ...some.old].slice(0, SHOWN_FINDINGS));
    }
  }

  /** What makes a run incomplete is shown until it is mended. */
  #isShown({ code }: Finding, isNew: boolean): boolean {
    return !this.#onlyNew || isNew || code === "storage-unreadable";
  }

  #isNew(finding: Finding): boolean {
    return this.report.baseline?.isNew(finding) === true;
  }

  #group(group: FindingGroup, findings: readonly Finding[]): void {
    const { code, severity, count, newCount } = group;
    const { meaning, remedy } = CATALOGUE[code];
    const ofThese = newCount === 0 ? "" : `, ${formatCount(newCount)} new`;
    this.#lines.push("");
    this.#line(
      `${this.#style([COLOURS[severity], "bold"], `${SEVERITY_MARKS[severity]} ${code}`)} (${formatCount(count)} ${count === 1 ? severity : PLURALS[severity]}${ofThese}): ${meaning}`,
    );
    for (const finding of findings) this.#finding(finding);
    const rest = (this.#onlyNew && newCount > 0 ? newCount : count) - findings.length;
    if (rest > 0) this.#line(`… and ${formatCount(rest)} more (all of them: --format json)`, 4);
    const consequence = consequenceIn(group);
    const lines = consequence === undefined ? remedy : `${remedy} ${asSentence(consequence)}`;
    this.#line(this.#style("dim", `→ ${lines}`), 2);
  }

  #finding(finding: Finding): void {
    const bytes = finding.bytes === undefined ? "" : `  ${formatBytes(finding.bytes)}`;
    const mark = this.#isNew(finding) ? `  ${this.#style("bold", "(new)")}` : "";
    this.#line(`${escapeForTerminal(subjectOf(finding))}${bytes}${mark}`, 4, 8);
    const detail = detailOf(finding);
    if (detail !== undefined) this.#line(this.#style("dim", escapeForTerminal(detail)), 6);
    const deleted = deletedBy(finding);
    if (deleted !== undefined) this.#line(this.#style("dim", `to delete: ${escapeForTerminal(deleted)}`), 6);
  }

  #reclaimable(): void {
    const { reclaimable, abandoned, selected, policy, filter } = this.report;
    this.#heading(filter === undefined ? "Reclaimable" : `Reclaimable in ${escapeForTerminal(filter.glob)}`);
    for (const variant of shownVariants(this.report)) {
      const { words, option } = VARIANT_LABELS[variant];
      const label = option === undefined ? words : `${words} ${option}`;
      const { bytes, blobs, revisions, layerLinks } = reclaimable[variant];
      const tags = variant === "withPolicy" ? `, ${countOf(tagsThatGo(this.report), "tag")}` : "";
      const links = `${countOf(blobs, "blob")}, ${countOf(revisions, "manifest")}, ${countOf(layerLinks, "layer link")}${tags}`;
      const row = `${label.padEnd(27)}${formatBytes(bytes).padStart(8)}  ${links}${variant === selected ? "  (selected)" : ""}`;
      this.#line(variant === selected ? this.#style("bold", row) : row, 2);
    }
    if (abandoned.uploads > 0) {
      const label = "with --purge-uploads".padEnd(27);
      this.#line(`${label}${formatBytes(abandoned.bytes).padStart(8)}  more: ${abandonedWords(abandoned)}`, 2);
    }
    if (policy.retention !== undefined) {
      const { file } = policy.retention;
      const meaning = `--policy: once regcheck untag --policy ${file} --apply has removed these tags, a sweep with --delete-untagged`;
      this.#line(this.#style("dim", escapeForTerminal(`${meaning} takes this.`)), 2);
    }
    if (policy.grace > 0)
      this.#line(this.#style("dim", `Blobs younger than ${formatDuration(policy.grace * 1000)} are not counted (--grace).`), 2);
  }

  #repositories(): void {
    const most = ({ reclaimableBytes, abandonedBytes, withPolicy }: RepositoryReport): number =>
      Math.max(reclaimableBytes, withPolicy?.bytes ?? 0) + abandonedBytes;
    const largest = this.report.repositories.filter((one) => most(one) > 0).sort((a, b) => most(b) - most(a));
    if (largest.length === 0) return;
    this.#heading("Most to reclaim");
    for (const repository of largest.slice(0, SHOWN_REPOSITORIES)) this.#line(repositoryLine(repository), 2);
  }

  #held(): void {
    const held = this.report.repositories.filter(({ heldBytes }) => heldBytes > 0).sort((a, b) => b.heldBytes - a.heldBytes);
    if (held.length === 0) return;
    this.#heading("Held back until repaired");
    for (const { name, heldBytes } of held.slice(0, SHOWN_REPOSITORIES))
      this.#line(`${formatBytes(heldBytes).padStart(8)}  ${escapeForTerminal(name)}`, 2);
  }

  /** What runs outside of the registry: notes, not findings, since a digest does not say which registry it belongs to. */
  #pins(): void {
    const { pins } = this.report;
    if (pins.given === 0) return;
    this.#heading("Pins (--keep)");
    this.#line(`${formatCount(pins.found)} of ${countOf(pins.given, "digest")} found: they stay, with all that they reach`, 2);
    for (const [key, meaning] of PIN_NOTES) {
      const digests = pins[key];
      if (digests.length === 0) continue;
      this.#line(`${formatCount(digests.length)} ${meaning}`, 2);
      for (const digest of digests.slice(0, SHOWN_FINDINGS)) this.#line(String(digest), 4);
      if (digests.length > SHOWN_FINDINGS)
        this.#line(`… and ${formatCount(digests.length - SHOWN_FINDINGS)} more (all of them: --format json)`, 4);
    }
  }

  #verdict(): void {
    const { word, colour, sentence } = verdictOf(this.report);
    this.#lines.push("");
    if (this.report.baseline !== undefined) this.#line(changesSince(this.report.baseline));
    this.#line(this.#style([colour, "bold"], word) + `: ${escapeForTerminal(sentence)}`);
  }
}

function repositoryLine({ name, reclaimableBytes, abandonedBytes, bytes, withPolicy }: RepositoryReport): string {
  const uploads = abandonedBytes === 0 ? "" : `, ${formatBytes(abandonedBytes).padStart(8)} in uploads`;
  const more = withPolicy && `, ${formatBytes(withPolicy.bytes).padStart(8)} with --policy`;
  return `${formatBytes(reclaimableBytes).padStart(8)} of ${formatBytes(bytes).padStart(8)}${more ?? ""}${uploads}  ${escapeForTerminal(name)}`;
}
