/** How bad a finding is: **error** a pull fails or data is damaged; **warning** inconsistent but serving; **garbage** reclaimable. */
export type Severity = "error" | "warning" | "garbage" | "info";
/** Worst first. */
export const SEVERITIES = ["error", "warning", "garbage", "info"] as const satisfies readonly Severity[];

/** A sign for each, so that colour is not all that tells them apart. */
export const SEVERITY_MARKS: Readonly<Record<Severity, string>> = { error: "✗", warning: "!", garbage: "♻", info: "·" };
