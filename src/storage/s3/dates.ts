/** As far as 32 bits hold it; NaN stays. */
const LAST_SECOND = 0xffffffff;

/**
 * Seconds since 1970 of an object's date in milliseconds. What is dated before that is of no known age, for a server that does not know a date
 * sends the first one of its language (Go's is of the year 1): then it counts as young.
 */
export function storedSeconds(milliseconds: number): number {
  return milliseconds < 0 ? LAST_SECOND : Math.min(LAST_SECOND, Math.floor(milliseconds / 1000));
}

/** S3's times are UTC; JavaScript takes one without a zone for a local one. */
export function withZone(date: string): string {
  return /T[\d:.]+$/.test(date) ? `${date}Z` : date;
}
