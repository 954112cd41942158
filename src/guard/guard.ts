import { EXIT_CODES, OperatorError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import type { Finding } from "../mark/finding.js";
import type { Marked, TruthElsewhere } from "../mark/marked.js";
import type { Report } from "../report/report.js";
import { detailOf } from "../report/finding-words.js";
import { countOf } from "../report/format.js";
import type { StorageMarkers } from "../storage/storage.js";
import type { RuleName } from "./rules.js";

/** What one of the safety rules says of this sweep. */
export interface Verdict {
  readonly rule: RuleName;
  readonly passed: boolean;
  /** What was seen. */
  readonly evidence: string;
  /** What the operator can do, where it did not pass. */
  readonly remedy?: string;
}

/**
 * Rule 1: a fault of the storage forbids every sweep. Like all rules it looks at everything that was marked: `--repository` says what
 * is shown and swept, not what is evidence.
 */
export function judgeCompleteness(marked: Marked): Verdict {
  const faults = findingsOf(marked, "storage-unreadable");
  const [first] = faults;
  if (marked.complete && first === undefined)
    return { rule: "scan-complete", passed: true, evidence: "everything could be read" };
  return {
    rule: "scan-complete",
    passed: false,
    evidence: `${countOf(faults.length, "path")} could not be read: ${first?.path ?? ""}: ${(first && detailOf(first)) ?? ""}${faults.length > 1 ? ", …" : ""}`,
    remedy: "Mend what storage-unreadable names, and run it again.",
  };
}

/**
 * Rules 2 and 4: a pull-through cache writes even when it is read-only; and where a database, or the like of it, decides what is live, the
 * links tell nothing. `owners` are those of `ownersOf`.
 */
export function judgeOwners(owners: readonly TruthElsewhere[]): readonly Verdict[] {
  const evidenceOf = (isProxy: boolean): string =>
    owners
      .filter(({ owner }) => owner !== "unknown" && (owner === "proxy") === isProxy)
      .map(({ evidence }) => evidence)
      .join("; ");
  const [proxy, database] = [evidenceOf(true), evidenceOf(false)];
  return [
    proxy === ""
      ? { rule: "no-proxy", passed: true, evidence: "no pull-through cache" }
      : {
          rule: "no-proxy",
          passed: false,
          evidence: proxy,
          remedy: "A pull-through cache deletes by itself. To start anew, stop it and empty its storage.",
        },
    database === ""
      ? { rule: "no-database", passed: true, evidence: "nothing says that a database decides what is live" }
      : {
          rule: "no-database",
          passed: false,
          evidence: database,
          remedy:
            "Which images there are is decided elsewhere, not by this storage: use the garbage collection of GitLab, Harbor or OpenShift itself. A GitLab registry without its database says so by database.enabled: false in its config.",
        },
  ];
}

/** Rule 4: where there is not one tag, tags are kept elsewhere, and what has none may be in use. */
export function judgeTags(marked: Pick<Marked, "truthElsewhere" | "context">): Verdict {
  const unknown = marked.truthElsewhere.find(({ owner }) => owner === "unknown");
  if (unknown === undefined || !marked.context.policy.deleteUntagged)
    return {
      rule: "has-tags",
      passed: true,
      evidence: unknown === undefined ? "tags, pins or no manifests" : "--delete-untagged is not given",
    };
  return {
    rule: "has-tags",
    passed: false,
    evidence: `there are ${unknown.evidence}`,
    remedy:
      "Where are the tags kept? OpenShift has them in etcd, GitLab and Harbor in a database: use their own garbage collection. Where images are pulled by digest alone, name those in use with --keep.",
  };
}

/** What may not be listed cannot be purged. Nothing else depends on multipart uploads: that nobody writes, the writers' rule asks. */
export function judgeUploadListing({ uploadsDenied }: Pick<Marked, "uploadsDenied">, purges: boolean): Verdict {
  if (uploadsDenied === undefined || !purges)
    return {
      rule: "uploads-listed",
      passed: true,
      evidence: uploadsDenied === undefined ? "all uploads could be listed" : "--purge-uploads is not given",
    };
  return {
    rule: "uploads-listed",
    passed: false,
    evidence: `unfinished multipart uploads cannot be listed: ${uploadsDenied}`,
    remedy: "Allow these credentials that, or leave --purge-uploads out.",
  };
}

/**
 * Rule 2, counter-evidence: somebody may be pushing. Where it is proven that nobody can, an upload is what somebody has left, and stays with
 * what it may need.
 */
export function judgeUploads(
  marked: Pick<Marked, "findings" | "repositories">,
  { isProven }: { readonly isProven: boolean },
): Verdict {
  const uploads = findingsOf(marked, "upload-active");
  const [first] = uploads;
  if (first === undefined)
    return { rule: "no-active-uploads", passed: true, evidence: "no upload is younger than the grace time" };
  const evidence = `${countOf(uploads.length, "upload")} younger than the grace time: ${first.path}${uploads.length > 1 ? ", …" : ""}`;
  if (isProven)
    return { rule: "no-active-uploads", passed: true, evidence: `${evidence}; nobody can go on with it now, and it stays` };
  return {
    rule: "no-active-uploads",
    passed: false,
    evidence,
    remedy:
      "Let it be seen that nobody can push: --registry-url of every registry, or --config, so that they are asked and not only said to be stopped. Or wait for the uploads, or for --grace to pass. If nobody is pushing, as where one is dated in the future, remove its directory.",
  };
}

/** Repositories with an upload that somebody may go on with: what else they have may belong to the same push. */
export function pushedRepositories(marked: Pick<Marked, "findings" | "repositories">): ReadonlySet<string> {
  return new Set(findingsOf(marked, "upload-active").flatMap(({ repository }) => repository ?? []));
}

/** Rule 4: blobs without repositories, or links without blobs, are a wrong root, or half a mount. */
export function judgeRepositories(markers: StorageMarkers, report: Report): Verdict {
  const { repositories, blobs, revisions, layerLinks } = report.totals;
  const passed = blobs === 0 ? revisions + layerLinks === 0 : markers.hasRepositories && repositories > 0;
  const links = blobs === 0 ? `, ${countOf(revisions + layerLinks, "link")}` : "";
  const evidence = `${countOf(repositories, "repository", "repositories")}, ${countOf(blobs, "blob")}${links}`;
  const remedy = "Check that this is the registry's rootdirectory and that all of it is mounted.";
  return passed ? { rule: "has-repositories", passed, evidence } : { rule: "has-repositories", passed, evidence, remedy };
}

/** Rule 4: a registry rarely loses most of its blobs at once. `limit` is a share, 0 to 1. */
export function judgeShare(report: Report, blobsToDelete: number, limit: number): Verdict {
  const { blobs } = report.totals;
  const share = blobs === 0 ? 0 : blobsToDelete / blobs;
  const evidence = `${blobsToDelete} of ${blobs} blobs (${percentOf(share)}) would go`;
  return share <= limit
    ? { rule: "max-delete", passed: true, evidence }
    : {
        rule: "max-delete",
        passed: false,
        evidence: `${evidence}, which is more than ${percentOf(limit)}`,
        remedy: `If that is what you expect, allow it with --max-delete ${Math.ceil(share * 100)}%.`,
      };
}

/** A share, 0 to 1, for people. */
export function percentOf(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

function findingsOf(marked: Pick<Marked, "findings" | "repositories">, code: Finding["code"]): Finding[] {
  return [marked, ...marked.repositories].flatMap(({ findings }) => findings.filter((finding) => finding.code === code));
}

/** What is done under the rules, for their refusals. */
export type GuardedWork = "purge" | "repair" | "restore" | "sweep" | "unlock" | "untag";

/** Throws an `OperatorError` that names the rule if it did not pass. */
export function insist(verdict: Verdict, what: GuardedWork = "sweep"): void {
  const { rule, passed, evidence, remedy } = verdict;
  if (passed) return;
  const untouched = what !== "sweep" && what !== "untag" ? "Nothing was changed." : "Nothing was removed.";
  const sentences = [`${what} refused by the rule ${rule}: ${evidence}.`, remedy, untouched].filter((one) => one !== undefined);
  throw new OperatorError(sentences.join(" "), exitCodeOf(verdict));
}

/** What the exit code says of a rule that refuses. */
export function exitCodeOf({ rule }: Verdict): ExitCode {
  return rule === "scan-complete" ? EXIT_CODES.incomplete : EXIT_CODES.refused;
}
