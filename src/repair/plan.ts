import { operatorMessage } from "../errors.js";
import type { BlobTable } from "../mark/blob-table.js";
import type { Finding, FindingCode } from "../mark/finding.js";
import type { Digest } from "../registry/digest.js";
import { layerLinkPath, revisionLinkPath, tagCurrentPath } from "../registry/layout.js";
import { isRepositoryName, isTagName } from "../registry/reference.js";
import { countOf } from "../report/format.js";
import type { Report } from "../report/report.js";
import type { StorageLook } from "../storage/changes.js";
import { subjectOf } from "../report/subject.js";
import { isRepairCode, REPAIR_CODES } from "./codes.js";
import type { RepairCode } from "./codes.js";
import { Prover } from "./proof.js";
import type { Proof } from "./proof.js";

/** A link to write, as an operator would review it. */
export interface Repair {
  readonly code: RepairCode;
  /** Whether the link is new, or takes the place of a damaged one. */
  readonly action: "create" | "rewrite";
  /** The link. */
  readonly path: string;
  /** What it is to hold: a digest. */
  readonly content: string;
  /** The name by which people know what is repaired. */
  readonly subject: string;
  /** What proves the content. */
  readonly proof: string;
  /** What else there is to know: what still fails afterwards, what works again. */
  readonly notes: readonly string[];
}

/** A finding that cannot be repaired here. */
export interface Unrepairable {
  readonly code: RepairCode;
  readonly path: string;
  readonly subject: string;
  readonly because: string;
}

/** Everything of the wanted codes that there is. */
export interface RepairPlan {
  /** In the order in which they are to be done: layer links, then revision links, then tags. */
  readonly repairs: readonly Repair[];
  readonly unrepairable: readonly Unrepairable[];
}

/** A damaged link that is larger than this, in bytes, is not rewritten: the journal keeps what was there. */
const MOST_KEPT = 64 * 1024;

/**
 * What can be repaired of the findings with the wanted codes: a link whose content its own path and the storage prove. Everything else
 * is listed with the reason why not. Reads what proves it, and writes nothing.
 */
export async function planRepairs(
  report: Report,
  table: BlobTable,
  codes: ReadonlySet<RepairCode>,
  look: StorageLook,
): Promise<RepairPlan> {
  const planner = new Planner(new Prover(table, look), brokenReferences(report, codes));
  const wanted = new Map<RepairCode, Finding[]>(REPAIR_CODES.map((code) => [code, []]));
  for (const finding of report.findings())
    if (isRepairCode(finding.code) && codes.has(finding.code)) wanted.get(finding.code)?.push(finding);
  for (const [code, findings] of wanted) for (const finding of findings) await planner.add(code, finding);
  return planner;
}

/** What keeps a pull from getting something that its manifest names. */
const BROKEN: ReadonlySet<FindingCode> = new Set(["layer-link-missing", "layer-link-invalid", "blob-missing", "child-missing"]);

function keyOf(repository: string, digest: Digest): string {
  return `${repository} ${digest.toString()}`;
}

function brokenReferences(report: Report, codes: ReadonlySet<RepairCode>): ReadonlyMap<string, FindingCode> {
  const broken = new Map<string, FindingCode>();
  if (!codes.has("tag-dangling")) return broken;
  for (const { code, repository, digest } of report.findings())
    if (BROKEN.has(code) && repository !== undefined && digest !== undefined) broken.set(keyOf(repository, digest), code);
  return broken;
}

type Proven = Omit<Repair, "code" | "subject">;

class Planner implements RepairPlan {
  readonly unrepairable: Unrepairable[] = [];
  readonly #repairs = new Map<string, Repair>();

  constructor(
    private readonly prover: Prover,
    private readonly broken: ReadonlyMap<string, FindingCode>,
  ) {}

  get repairs(): readonly Repair[] {
    return [...this.#repairs.values()];
  }

  async add(code: RepairCode, finding: Finding): Promise<void> {
    const subject = subjectOf(finding);
    // What cannot be read proves nothing.
    const proof = await this.#prove(code, finding).catch((error: unknown) => ({ because: operatorMessage(error) }));
    if ("because" in proof) {
      this.unrepairable.push({ code, path: finding.path, subject, because: proof.because });
      return;
    }
    const { proven } = proof;
    const same = this.#repairs.get(proven.path);
    const repair = same === undefined ? { code, subject, ...proven } : { ...same, subject: `${same.subject}, ${subject}` };
    this.#repairs.set(proven.path, repair);
  }

  async #prove(code: RepairCode, { path, repository, tag, digest, recoverable }: Finding): Promise<Proof<Proven>> {
    if (repository === undefined || !isRepositoryName(repository))
      return { because: "its repository's name is outside the grammar, so no registry serves it" };
    if (code === "tag-link-invalid") return this.#proveTag("rewrite", path, repository, tag ?? "");
    if (code === "tag-without-current")
      return this.#proveTag("create", tagCurrentPath(repository, tag ?? ""), repository, tag ?? "");
    if (digest === undefined) return { because: "it names no digest" };
    switch (code) {
      case "layer-link-invalid":
        return this.#proveLayer("rewrite", repository, digest);
      case "layer-link-missing":
        return this.#proveLayer("create", repository, digest);
      case "revision-link-invalid":
        return this.#proveRevision("rewrite", repository, digest);
      case "revision-link-missing":
        return this.#proveRevision("create", repository, digest);
      case "tag-dangling":
        return recoverable === true
          ? this.#proveDangling(repository, tag ?? "", digest)
          : { because: "its manifest is not stored" };
    }
  }

  async #proveLayer(action: Repair["action"], repository: string, digest: Digest): Promise<Proof<Proven>> {
    if (this.prover.sizeOf(digest) === undefined)
      return {
        because:
          digest.algorithm !== "sha256"
            ? `a ${digest.algorithm} link holds the sha256 digest of the same blob, which its path does not tell`
            : "its blob is not stored",
      };
    const link = layerLinkPath(repository, digest);
    return this.#write(action, link, digest, "its path names this digest, and the blob is stored");
  }

  async #proveRevision(action: Repair["action"], repository: string, digest: Digest): Promise<Proof<Proven>> {
    const manifest = await this.prover.manifest(digest);
    if ("because" in manifest) return manifest;
    const link = revisionLinkPath(repository, digest);
    return this.#write(action, link, digest, "its path names this digest, and the manifest is stored and sound");
  }

  /** The manifest was deleted by digest, or its link was lost: only the operator knows which. */
  async #proveDangling(repository: string, tag: string, digest: Digest): Promise<Proof<Proven>> {
    if (!isTagName(tag)) return { because: "its name is outside the grammar, so no registry serves it" };
    if (await this.prover.contradictsTag(repository, tag, digest))
      return { because: "the tag's history has no entry of that manifest, so no push has made the tag name it" };
    const manifest = await this.prover.manifest(digest);
    if ("because" in manifest) return manifest;
    const notes = ["if the manifest was deleted on purpose, this makes it pullable again, by tag and by digest"];
    notes.push(...this.#stillBroken(repository, manifest.proven));
    const link = revisionLinkPath(repository, digest);
    return this.#write("create", link, digest, "the tag names this manifest, which is stored and sound", notes);
  }

  async #proveTag(action: Repair["action"], link: string, repository: string, tag: string): Promise<Proof<Proven>> {
    if (!isTagName(tag)) return { because: "its name is outside the grammar, so no registry serves it" };
    const entry = await this.prover.onlyHistoryEntry(repository, tag);
    if ("because" in entry) return entry;
    const digest = entry.proven;
    const because = (why: string) => ({ because: `the only entry of its history names ${digest.toString()}: ${why}` });
    const manifest = await this.prover.manifest(digest);
    if ("because" in manifest) return because(manifest.because);
    const isRepaired = this.#repairs.has(revisionLinkPath(repository, digest));
    if (!isRepaired && !(await this.prover.hasRevision(repository, digest)))
      return because("the repository has no sound revision link for it, so it cannot be told whether it was deleted");
    return this.#write(action, link, digest, "the only entry of the tag's history names this manifest, which is sound");
  }

  /** What the manifest refers to and a pull will not get, with what is repaired taken into account. */
  #stillBroken(repository: string, references: readonly Digest[]): string[] {
    let blobs = 0;
    let links = 0;
    let children = 0;
    for (const digest of new Map(references.map((reference) => [reference.toString(), reference])).values()) {
      const code = this.broken.get(keyOf(repository, digest));
      if (code === "blob-missing") blobs++;
      else if (code === "child-missing") children += this.#repairs.has(revisionLinkPath(repository, digest)) ? 0 : 1;
      else if (code !== undefined && !this.#repairs.has(layerLinkPath(repository, digest))) links++;
    }
    const notes: string[] = [];
    if (blobs > 0) notes.push(`pulls still fail: ${countOf(blobs, "blob")} of it not stored (blob-missing)`);
    if (links > 0)
      notes.push(
        `pulls still fail: ${countOf(links, "blob")} of it without a sound layer link; repair layer-link-missing and layer-link-invalid with it`,
      );
    if (children > 0)
      notes.push(`pulls of ${countOf(children, "platform")} still fail: the manifest is not linked (child-missing)`);
    return notes;
  }

  async #write(
    action: Repair["action"],
    path: string,
    digest: Digest,
    proof: string,
    notes: readonly string[] = [],
  ): Promise<Proof<Proven>> {
    const bytes = action === "create" ? 0 : await this.prover.linkBytes(path);
    if (bytes === undefined) return { because: "the link is gone since it was listed" };
    if (bytes > MOST_KEPT) return { because: `the link holds ${bytes} bytes, more than the journal keeps to undo it` };
    return { proven: { action, path, content: digest.toString(), proof, notes } };
  }
}
