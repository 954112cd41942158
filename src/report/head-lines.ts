import { countOf, formatBytes, formatCount, formatDollars } from "./format.js";
import type { Report } from "./report.js";

/** What was compared with its digest. */
export function verifiedLine(verified: NonNullable<Report["verified"]>): string {
  const { blobs, bytes, vouchedBytes } = verified;
  const vouched = vouchedBytes === 0 ? "" : `, ${formatBytes(vouchedBytes)} of it by the checksums that S3 keeps`;
  return `verified ${countOf(blobs, "blob")}, ${formatBytes(bytes)}${vouched}${partOf(verified)}`;
}

/** Which part was verified, unless it is all. */
function partOf({ part, parts }: NonNullable<Report["verified"]>): string {
  return parts === 1 ? "" : ` (part ${part} of ${parts})`;
}

/** How many requests a run on S3 made, and what they cost; undefined on a filesystem, where nobody counts calls. */
export function requestsLine({ storage, requests, requestCost, verified }: Report): string | undefined {
  if (storage.driver !== "s3") return undefined;
  const kinds = [
    `${formatCount(requests.list)} list`,
    `${formatCount(requests.get)} get`,
    `${formatCount(requests.head)} head`,
    // Only what changes a storage makes these.
    ...(requests.put === 0 ? [] : [`${formatCount(requests.put)} put`]),
    ...(requests.delete === 0 ? [] : [`${formatCount(requests.delete)} delete`]),
  ];
  const total = requests.list + requests.get + requests.head + requests.put + requests.delete;
  // Where the bucket is in another region, reading all costs far more than the requests.
  const without = verified === undefined ? "" : ", without the transfer";
  const price = requestCost === undefined ? "" : `, about ${formatDollars(requestCost)} at AWS's list prices${without}`;
  return `${countOf(total, "request")} (${kinds.join(", ")})${price}`;
}
