/**
 * A value of a config.yml as the registry turns it into text (Go's `fmt.Sprint`): "" where there is none, undefined where it is no
 * scalar, or one whose text depends on Go's ways with fractions and dates.
 */
export function scalarText(value: unknown): string | undefined {
  if (value === undefined || value === null) return "";
  return typeof value === "string" || typeof value === "bigint" || typeof value === "boolean" ? String(value) : undefined;
}
