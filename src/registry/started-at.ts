/** A whole time in RFC 3339. The registry writes no other into `startedat`, and its purger passes over an upload with anything else in it. */
const RFC3339 = /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * When an upload began by its `startedat`, in seconds since 1970; undefined where there is none, or it is no whole time with a zone, as when
 * it was cut.
 */
export function parseStartedAt(text = ""): number | undefined {
  const [, day] = RFC3339.exec(text) ?? [];
  if (day === undefined || !isDay(day)) return undefined;
  return Date.parse(text) / 1000;
}

/** `Date` takes 30 February for a day in March. */
function isDay(day: string): boolean {
  const midnight = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}
