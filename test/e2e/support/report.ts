import { expect } from "vitest";
import { regcheck } from "../../support/run.js";

/** As much of a JSON report as these tests look at. */
export interface Report {
  readonly complete: boolean;
  readonly pins: { readonly given: number; readonly found: number };
  readonly totals: Readonly<Record<string, number>>;
  readonly verified?: Readonly<Record<string, number>>;
  readonly storageRequests: Readonly<Record<string, number>>;
  readonly findings: readonly {
    readonly code: string;
    readonly severity: string;
    readonly repository?: string;
    readonly tag?: string;
    readonly digest?: string;
    readonly path?: string;
    readonly recoverable?: boolean;
    readonly rule?: string;
    readonly message?: string;
  }[];
}

/** What the program says of a storage, named as an operator names it; without grace, unless it is given. Fails when it prints anything else. */
export async function check(storage: readonly string[], ...options: readonly string[]): Promise<Report> {
  const grace = options.includes("--grace") ? [] : ["--grace", "0"];
  const args = [...storage, ...grace, "--format", "json", "--fail-on", "never", ...options];
  const { stdout, stderr, exitCode } = await regcheck(args);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return JSON.parse(stdout) as Report;
}

/** Findings as `code repository tag digest`, sorted, with what is not there left out. */
export function summary({ findings }: Report): string[] {
  return findings
    .map(({ code, repository, tag, digest }) => [code, repository, tag, digest].filter((part) => part !== undefined).join(" "))
    .sort();
}

/** Digests of the blobs that the report offers. */
export function unreferenced({ findings }: Report): Set<string> {
  return new Set(findings.filter(({ code }) => code === "blob-unreferenced").map(({ digest }) => digest ?? ""));
}

/** Digests of the blobs that a collector of the registry's own says it would delete. */
export function eligible(output: string): Set<string> {
  return new Set([...output.matchAll(/blob eligible for deletion: (sha256:[0-9a-f]{64})/g)].map(([, digest]) => digest ?? ""));
}
