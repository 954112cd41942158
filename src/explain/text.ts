import type { Finding } from "../mark/finding.js";
import { blobPath } from "../registry/layout.js";
import { CATALOGUE, severityOf } from "../report/catalogue.js";
import { caseOf, deletedBy, detailOf } from "../report/finding-words.js";
import { escapeForTerminal } from "../report/escape.js";
import { countOf, formatBytes, formatCount } from "../report/format.js";
import { subjectOf } from "../report/subject.js";
import { withStyle } from "../report/style.js";
import { whyOf } from "../report/tag-decision.js";
import type { Style } from "../report/style.js";
import { wrapText } from "../report/wrap.js";
import type { TextOptions } from "../report/wrap.js";
import type { Explanation, RepositoryMention, Step } from "./explanation.js";
import { countRoots, formatTime, rootName, roleName, verdictOf } from "./words.js";

/** Repositories that are listed, unless all are asked for. */
const SHOWN_REPOSITORIES = 4;
/** Tags, manifests and damages that are listed each. */
const SHOWN = 10;
/** Hex characters of a digest where a line has no room for all: enough to ask again with. */
const SHORT_HEX = 12;

/** The explanation for people: what it is, the verdict, the chains as trees, who else names it, what a pull meets, what would go. */
export function formatExplanation(explanation: Explanation, options: TextOptions, all: boolean): string {
  return new TextExplanation(explanation, options, all).format();
}

class TextExplanation {
  readonly #lines: string[] = [];
  readonly #told = new Set<Finding>();

  constructor(
    private readonly explanation: Explanation,
    private readonly options: TextOptions,
    private readonly all: boolean,
  ) {}

  format(): string {
    this.#head();
    this.#verdict();
    this.#retention();
    this.#chains();
    this.#mentions();
    this.#pull();
    this.#since();
    this.#goes();
    this.#remedies();
    this.#doubts();
    return `${this.#lines.join("\n")}\n`;
  }

  #style(style: Style, text: string): string {
    return withStyle(style, text, this.options);
  }

  /** Adds a line, wrapped to the width; what goes on is indented as far. */
  #line(text: string, indent = "", further = indent): void {
    this.#lines.push(...wrapText(text, this.options, indent, further));
  }

  #heading(text: string): void {
    this.#lines.push("");
    this.#line(this.#style("bold", text));
  }

  /** The digest in full where the line has room for it, with `taken` columns of something else. */
  #digest(digest: { readonly algorithm: string; readonly hex: string }, taken: number): string {
    const { width } = this.options;
    const full = `${digest.algorithm}:${digest.hex}`;
    return width === undefined || full.length + taken <= width ? full : `${full.slice(0, SHORT_HEX - digest.hex.length)}…`;
  }

  #head(): void {
    const { reference, digest, kind, blob, storage } = this.explanation;
    this.#line(this.#style("bold", escapeForTerminal(reference)));
    if (digest !== undefined && digest.toString() !== reference) this.#line(digest.toString());
    const what = kind === "unknown" ? "blob" : kind;
    const facts = blob === undefined ? "not stored" : `${formatBytes(blob.bytes)}, written ${formatTime(blob.modified)}`;
    if (digest !== undefined) this.#line(`${what}, ${facts}`);
    this.#line(this.#style("dim", `in ${escapeForTerminal(storage.location)} (${storage.driver})`));
  }

  #verdict(): void {
    const { word, colour, sentence } = verdictOf(this.explanation);
    this.#lines.push("");
    this.#line(`${this.#style([colour, "bold"], word)}: ${escapeForTerminal(sentence)}`);
  }

  #retention(): void {
    const { retention } = this.explanation;
    if (retention === undefined) return;
    const { file, decision } = retention;
    const word = decision.goes ? this.#style(["cyan", "bold"], "GOES") : this.#style(["green", "bold"], "STAYS");
    const pushed = decision.pushed === undefined ? "" : `; last pushed ${formatTime(decision.pushed)}`;
    this.#heading(`The tag, by ${escapeForTerminal(file)}`);
    this.#line(`${word}: ${escapeForTerminal(whyOf(decision))}${pushed}`, "  ");
  }

  #chains(): void {
    const { chains, rootCounts, rootRepositories, verdict } = this.explanation;
    const total = Object.values(rootCounts).reduce((sum, count) => sum + count, 0);
    for (const { root, findings, steps } of chains) {
      this.#lines.push("");
      this.#line(this.#style("bold", escapeForTerminal(rootName(root))));
      for (const finding of findings) this.#damage(finding, "   ", root.kind === "held");
      for (const [i, step] of steps.entries()) this.#step(step, i, i === steps.length - 1);
    }
    if (chains.length === 0 || total <= chains.length) return;
    const verb = verdict === "missing" ? "Needed" : "Kept";
    const where = rootRepositories > 1 ? ` in ${countOf(rootRepositories, "repository", "repositories")}` : "";
    const how = this.all ? `the best ${formatCount(chains.length)} are shown` : "--all shows the chain from each";
    this.#lines.push("");
    this.#line(this.#style("dim", `${verb} by ${countRoots(rootCounts)}${where}: ${how}.`));
  }

  #step({ as, digest, bytes, findings }: Step, depth: number, isLast: boolean): void {
    const indent = `${"   ".repeat(depth)}└─ `;
    const role = roleName(as);
    const size = bytes === undefined ? "not stored" : formatBytes(bytes);
    const mark = isLast && depth > 0 ? "  ← this" : "";
    const name = this.#digest(digest, indent.length + role.length + size.length + mark.length + 3);
    const missing = bytes === undefined && as !== "foreign-layer";
    this.#line(
      `${role} ${isLast ? this.#style("bold", name) : name}  ${missing ? this.#style("red", size) : size}${mark}`,
      indent,
      " ".repeat(indent.length),
    );
    for (const finding of findings) this.#damage(finding, " ".repeat(indent.length));
  }

  /** A finding in its place: its code, what it means, and where the place does not tell, what it is about. */
  #damage(finding: Finding, indent: string, isElsewhere = false): void {
    this.#told.add(finding);
    const severity = severityOf(finding);
    const colour = severity === "error" ? "red" : "yellow";
    // What it is used by is said by the lines around it.
    const text = `${this.#style(colour, `${severity === "error" ? "✗" : "!"} ${finding.code}`)}: ${escapeForTerminal(caseOf({ ...finding, usedBy: undefined }))}`;
    this.#line(text, indent, `${indent}  `);
    if (isElsewhere) this.#line(escapeForTerminal(subjectOf(finding)), `${indent}  `);
  }

  #mentions(): void {
    const { mentions, mentionCount, verdict, chains } = this.explanation;
    if (mentions.length === 0) {
      if (verdict === "garbage" || chains.length > 0) this.#line("No repository links it.");
      return;
    }
    this.#heading("Where it is named");
    const shown = this.all ? mentions : mentions.slice(0, SHOWN_REPOSITORIES);
    for (const mention of shown) this.#mention(mention);
    if (mentionCount > shown.length)
      this.#line(`… and ${countOf(mentionCount - shown.length, "more repository", "more repositories")}`, "  ");
  }

  #mention({ repository, tags, tagCount, history, links, namedBy, namedByCount, findings }: RepositoryMention): void {
    this.#line(escapeForTerminal(repository), "  ");
    if (tagCount > 0) this.#line(`${tagCount === 1 ? "tag" : "tags"} ${listOf(tags, tagCount)}`, "    ");
    if (history.length > 0) this.#line(`once named by ${listOf(history, history.length)}, in the tag's history`, "    ");
    for (const { kind, garbage } of links) {
      const state = garbage ? `, ${this.#style("cyan", "garbage")}: nothing live here needs it` : "";
      this.#line(`${kind === "revision-link" ? "revision link" : "layer link"}${state}`, "    ");
    }
    for (const { digest, as, live } of namedBy.slice(0, SHOWN)) {
      const role = as === "subject" ? "subject of" : `${roleName(as)} of`;
      const unkept = as === "subject" ? ", which does not keep it" : "";
      const state = live ? unkept : `, ${this.#style("cyan", "not live")}`;
      this.#line(`${role} ${this.#digest(digest, 16 + role.length)}${state}`, "    ");
    }
    if (namedByCount > SHOWN) this.#line(`… and ${countOf(namedByCount - SHOWN, "more manifest")}`, "    ");
    for (const finding of findings) if (isWorthSaying(finding) && !this.#told.has(finding)) this.#damage(finding, "    ");
  }

  #pull(): void {
    const { pull, damage, verdict } = this.explanation;
    if ((pull === undefined || verdict === "garbage") && damage.length === 0) return;
    this.#heading(verdict === "unresolved" ? "What is wrong with the tag" : "What a pull of it meets");
    if (pull !== undefined) {
      const fine = damage.length === 0 ? ": nothing is missing" : "";
      this.#line(`${countOf(pull.blobs, "blob")} stored, ${formatBytes(pull.bytes)}${fine}`, "  ");
    }
    for (const finding of damage.slice(0, SHOWN)) {
      this.#damage(finding, "  ");
      if (finding.digest !== undefined && !finding.digest.equals(this.explanation.digest ?? finding.digest))
        this.#line(this.#digest(finding.digest, 4), "    ");
    }
    if (damage.length > SHOWN) this.#line(`… and ${formatCount(damage.length - SHOWN)} more`, "  ");
  }

  #since(): void {
    const { since, digest } = this.explanation;
    if (since === undefined) return;
    const { lastWritten, tagMoved } = since;
    const file = digest !== undefined && lastWritten.path === blobPath(digest) ? "its blob" : lastWritten.path;
    this.#heading("Since when");
    this.#line(`Not before ${formatTime(lastWritten.modified)}, when ${escapeForTerminal(file)} was written.`, "  ", "    ");
    if (tagMoved !== undefined)
      this.#line(
        `The tag ${escapeForTerminal(`${tagMoved.repository}:${tagMoved.tag}`)}, which named it once, was last pointed elsewhere ${formatTime(tagMoved.modified)}.`,
        "  ",
        "    ",
      );
    this.#line(
      this.#style("dim", "A registry does not note when something loses its last use: no file tells more."),
      "  ",
      "    ",
    );
  }

  #goes(): void {
    const { goes, verdict, kind } = this.explanation;
    if (goes === undefined) return;
    const isManifest = kind === "manifest" || kind === "index";
    if (verdict !== "garbage" && !isManifest) return;
    this.#heading(verdict === "garbage" ? "What goes with it" : "If it were removed everywhere");
    const { exclusive, shared, kept, digests } = goes;
    const own =
      exclusive.blobs === 1
        ? "itself and nothing else"
        : `itself and ${countOf(exclusive.blobs - 1, "blob")} that only it refers to`;
    this.#line(`${formatBytes(exclusive.bytes)} would be freed: ${own}`, "  ");
    for (const digest of digests.slice(1, SHOWN + 1)) this.#line(this.#digest(digest, 4), "    ");
    if (digests.length > SHOWN + 1) this.#line(`… and ${formatCount(exclusive.blobs - SHOWN - 1)} more`, "    ");
    if (shared.blobs > 0)
      this.#line(
        `${formatBytes(shared.bytes)} in ${countOf(shared.blobs, "blob")} too, which other garbage refers to as well`,
        "  ",
      );
    if (kept.blobs > 0)
      this.#line(
        `${formatBytes(kept.bytes)} in ${countOf(kept.blobs, "blob")} would stay: something else needs ${kept.blobs === 1 ? "it" : "them"}`,
        "  ",
      );
  }

  #remedies(): void {
    const codes = new Set(Array.from(this.#told, ({ code }) => code));
    if (codes.size === 0) return;
    this.#heading("What to do");
    for (const code of codes) this.#line(`${code} → ${CATALOGUE[code].remedy}`, "  ", "    ");
    const deleted = new Set(Array.from(this.#told, deletedBy));
    for (const directory of deleted)
      if (directory !== undefined) this.#line(`to delete: ${escapeForTerminal(directory)}`, "  ", "    ");
  }

  #doubts(): void {
    const { notices, complete, unreadable } = this.explanation;
    if (notices.length > 0 || !complete) this.#lines.push("");
    for (const notice of notices) this.#line(this.#style("yellow", `! ${escapeForTerminal(notice)}`));
    if (complete) return;
    this.#line(this.#style("red", "INCOMPLETE: something could not be read, so this may be partial."));
    for (const finding of unreadable) this.#line(escapeForTerminal(`${finding.path}: ${detailOf(finding) ?? ""}`), "  ", "    ");
  }
}

/** What the lines about links and tags do not say already. */
function isWorthSaying(finding: Finding): boolean {
  const severity = severityOf(finding);
  return (severity === "error" || severity === "warning") && finding.code !== "layer-link-dangling";
}

function listOf(names: readonly string[], count: number): string {
  const shown = names.slice(0, SHOWN).map(escapeForTerminal).join(", ");
  return count > SHOWN ? `${shown} and ${formatCount(count - SHOWN)} more` : shown;
}
