import { FINDING_CODES } from "../mark/finding.js";
import { describeStorage, isAtSamePlace } from "../storage/identity.js";
import type { StoragePlace } from "../storage/identity.js";
import { BaselineFindings } from "./baseline.js";
import type { Baseline, ReportTerms } from "./baseline.js";
import { mayBeMilder, scopeOf } from "./catalogue.js";
import { isShown } from "./repository-filter.js";
import type { RepositoryFilter } from "./repository-filter.js";

type Json = Readonly<Record<string, unknown>>;

/** What a baseline must be about. */
export interface BaselineScope {
  readonly storage: StoragePlace;
  /** Findings of other repositories are not compared: these are not in the new report either. */
  readonly filter?: RepositoryFilter | undefined;
}

/**
 * Takes an earlier report in NDJSON, a line at a time: a report of millions of findings is no text that JavaScript could hold. Throws an
 * `Error` that says in what it is none.
 */
export class BaselineReader {
  readonly #findings = new BaselineFindings();
  /** What the next line is about. */
  #state: "start" | "lines" | "end" = "start";
  #head: Omit<Baseline, "findings"> | undefined;
  #count = 0;

  constructor(private readonly scope: BaselineScope) {}

  push(line: string): void {
    switch (this.#state) {
      case "start":
        this.#readHead(parseHead(line));
        this.#state = "lines";
        return;
      case "lines":
        return this.#typedLine(parse(line));
      case "end":
        if (line !== "") throw new Error("it is damaged: something follows its end");
    }
  }

  end(): Baseline {
    if (this.#head === undefined || this.#state !== "end")
      throw new Error(this.#state === "start" ? "it is empty" : "it was cut off: its end is missing");
    return { ...this.#head, findings: this.#findings };
  }

  #typedLine(line: Json): void {
    if (line["type"] === "finding") return this.#add(line);
    if (line["type"] !== "end") return;
    if (line["findings"] !== this.#count) throw new Error("it is damaged: it has not as many findings as its end says");
    this.#state = "end";
  }

  #readHead({ tool, schemaVersion, storage, startedAt, complete, policy, filter, baseline }: Json): void {
    if (toObject(tool)["name"] !== "regcheck") throw new Error("it is no report of regcheck");
    if (typeof schemaVersion !== "string" || !schemaVersion.startsWith("1."))
      throw new Error(`its version is ${JSON.stringify(schemaVersion)}, not 1.x`);
    const { driver, location, server } = toObject(storage);
    const known = { driver: toText(driver) ?? "", location: toText(location) ?? "", server: toText(server) };
    if (!isAtSamePlace(known, this.scope.storage))
      throw new Error(`it is about ${JSON.stringify(describeStorage(known))}, not about ${describeStorage(this.scope.storage)}`);
    const time = typeof startedAt === "string" ? Date.parse(startedAt) : Number.NaN;
    if (Number.isNaN(time)) throw new Error("it does not say when it was made");
    this.#head = { startedAt: time, complete: complete === true, terms: toTerms(toObject(policy), toObject(filter ?? {})) };
    // What that run did not read either is still to be taken as that report's own baseline had it.
    const { unread } = toObject(baseline ?? {});
    if (Array.isArray(unread)) for (const finding of unread as readonly unknown[]) this.#addKnown(toObject(finding));
  }

  #add(finding: Json): void {
    this.#count++;
    this.#addKnown(finding);
  }

  #addKnown({ code, path, repository, digest, uploadId, rule, bytes, severity }: Json): void {
    if (typeof code !== "string" || typeof path !== "string") throw new Error("it is damaged: a finding has no code or path");
    // A code of a later version is none of ours, and cannot be compared.
    const known = FINDING_CODES.find((one) => one === code);
    if (known === undefined) return;
    const finding = {
      code: known,
      path,
      repository: toText(repository),
      digest: toText(digest),
      uploadId: toText(uploadId),
      rule: toText(rule),
      bytes: toNumber(bytes),
    };
    // Of no use for what is an error in any case, and no part of what a report says of the blobs that it did not read.
    const told = mayBeMilder(known) ? { ...finding, severity: toText(severity) } : finding;
    const { filter } = this.scope;
    const isOfSame = filter === undefined || filter.glob === this.#head?.terms.repository;
    // Whether a corrupt blob has been read again is asked of each.
    if (isOfSame || isShown(finding, filter, () => known === "blob-corrupt")) this.#findings.add(told);
    else if (scopeOf(known) === "blob") this.#findings.addUnsure(finding);
  }
}

function toTerms({ deleteUntagged, dropDanglingTags, grace, pins }: Json, { repository }: Json): ReportTerms {
  if (typeof grace !== "number") throw new Error("it does not say by which policy it was made");
  return {
    deleteUntagged: deleteUntagged === true,
    dropDanglingTags: dropDanglingTags === true,
    grace,
    pins: typeof pins === "number" ? pins : 0,
    repository: toText(repository),
  };
}

/** The first line of a report. Of a report in JSON it has the first brace, or all. */
function parseHead(line: string): Json {
  const head = line === "{" ? { findings: undefined } : parse(line);
  if (head["type"] === "report") return head;
  throw new Error("findings" in head ? "it is in JSON, not in NDJSON" : "it is no report of regcheck");
}

function parse(text: string): Json {
  try {
    return toObject(JSON.parse(text));
  } catch {
    throw new Error("it is no report of regcheck, or it was changed");
  }
}

function toObject(value: unknown): Json {
  if (typeof value !== "object" || value === null) throw new Error("it is no report of regcheck");
  return { ...value };
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function toNumber(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
