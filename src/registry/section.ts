/** A mapping of a config. */
export type Section = Record<string, unknown>;

/** Whether a value of a config is a mapping. */
export function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A mapping of a config; an empty one for anything else. */
export function section(value: unknown): Section {
  return isSection(value) ? value : {};
}
