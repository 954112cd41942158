import { isArchiveClass } from "./archive.js";
import { storedSeconds, withZone } from "./dates.js";

/** An object as a listing shows it. */
export interface ListedObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Without quotes; "" where the server sends none. */
  readonly etag: string;
  /** Seconds since 1970. */
  readonly modified: number;
  /** It is in a class that is not read from at once: who gets it is refused, until it is restored. */
  readonly isArchived?: true;
}

/** Objects in the order in which they are listed: an array, or what makes them as they are asked for. */
export interface ListedObjects extends Iterable<ListedObject> {
  readonly length: number;
  at(position: number): ListedObject | undefined;
}

/** One page of a listing. */
export interface ListedPage<Objects extends ListedObjects = ListedObjects> {
  readonly objects: Objects;
  /** Common prefixes, where a delimiter was asked for. */
  readonly prefixes: readonly string[];
  readonly isTruncated: boolean;
  readonly nextToken: string | undefined;
}

/** A page that is cut off, or is something else: worth another attempt. */
export class DamagedPage extends Error {
  override readonly name = "DamagedPage";
  /** Read by the SDK: the request may be repeated. */
  readonly $retryable = {};
}

/** A listing that contradicts itself: nobody can say what it left out. */
export class BrokenListing extends Error {}

/** Where the page behind one that is truncated begins, which `token` asked for. Throws where the server does not say. */
export function tokenBehind({ nextToken }: ListedPage, token: string | undefined): string {
  if (nextToken === undefined)
    throw new BrokenListing("the server says that there is more, but not where (IsTruncated without NextContinuationToken)");
  if (nextToken === token) throw new BrokenListing("the server repeats a continuation token");
  return nextToken;
}

/**
 * Parses the XML of a `ListObjectsV2` page. The SDK's own parser takes some 17 ms of processor time for a thousand keys, which would
 * be the bound of a whole check; this one takes 1. It looks for the few elements that matter and insists on a whole document.
 * Throws a `DamagedPage`.
 */
export function parsePage(xml: string): ListedPage<readonly ListedObject[]> {
  const root = xml.indexOf("<ListBucketResult");
  if (root < 0) throw new DamagedPage(`expected a listing, got ${describe(xml)}`);
  const end = xml.lastIndexOf("</ListBucketResult>");
  if (end < 0) throw new DamagedPage("the listing's page is cut off");
  const objects: ListedObject[] = [];
  let rest = "";
  let at = root;
  for (let open = xml.indexOf("<Contents>", at); open >= 0; open = xml.indexOf("<Contents>", at)) {
    rest += xml.slice(at, open);
    const close = xml.indexOf("</Contents>", open);
    if (close < 0) throw new DamagedPage("the listing's page is cut off");
    objects.push(parseObject(xml.slice(open + 10, close)));
    at = close + 11;
  }
  return { ...parseRest(rest + xml.slice(at, end)), objects };
}

/** Parses what a page says besides its objects: `rest` is its XML without these. Throws a `DamagedPage`. */
export function parseRest(rest: string): Omit<ListedPage, "objects"> {
  // Whatever is not understood would be missing from the listing, and with it what it keeps alive.
  if (rest.includes("<Contents") || rest.includes("<Key>"))
    throw new DamagedPage("the listing's page has entries in a form that is not known");
  const truncated = textOf(rest, "IsTruncated");
  if (truncated !== "true" && truncated !== "false")
    throw new DamagedPage("the listing's page does not say whether it is the last one");
  const token = textOf(rest, "NextContinuationToken");
  return {
    prefixes: Array.from(rest.matchAll(/<CommonPrefixes>\s*<Prefix>([^<]*)<\/Prefix>/g), ([, prefix]) => decode(prefix ?? "")),
    isTruncated: truncated === "true",
    nextToken: token === undefined || token === "" ? undefined : decode(token),
  };
}

function parseObject(xml: string): ListedObject {
  const key = textBehind(xml, "<Key>");
  const size = Number(textBehind(xml, "<Size>") ?? "none");
  const modified = secondsOf(textBehind(xml, "<LastModified>") ?? "");
  if (key === undefined || !Number.isSafeInteger(size) || size < 0 || Number.isNaN(modified))
    throw new DamagedPage(`the listing has an entry without key, size or date: ${describe(xml)}`);
  const object = { key: decode(key), size, etag: etagOf(textBehind(xml, "<ETag>") ?? ""), modified };
  return isArchived(xml) ? { ...object, isArchived: true } : object;
}

/** By its storage class, and where the listing tells of that, without a copy that was restored for a time. */
function isArchived(xml: string): boolean {
  const storageClass = textBehind(xml, "<StorageClass>");
  return storageClass !== undefined && isArchiveClass(storageClass) && !xml.includes("<RestoreExpiryDate>");
}

function textOf(xml: string, element: string): string | undefined {
  return textBehind(xml, `<${element}>`);
}

/** `tag` with its brackets: asked for each element of each key, where making it would take as long as finding it. */
function textBehind(xml: string, tag: string): string | undefined {
  const open = xml.indexOf(tag);
  if (open < 0) return undefined;
  const start = open + tag.length;
  const end = xml.indexOf("<", start);
  return end < 0 ? undefined : xml.slice(start, end);
}

/** `&quot;…&quot;`, `"…"` (Ceph 16 also `&#34;`), or bare. */
function etagOf(text: string): string {
  if (text.startsWith("&quot;") && text.endsWith("&quot;")) return text.slice(6, -6);
  return decode(text).replaceAll('"', "");
}

let lastDate = "";
let lastSeconds = Number.NaN;

/** Seconds since 1970, NaN for what is no date. Objects of one push share a date to the second: the last one is remembered. */
export function secondsOf(date: string): number {
  if (date === lastDate) return lastSeconds;
  lastDate = date;
  lastSeconds = storedSeconds(Date.parse(withZone(date)));
  return lastSeconds;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function decode(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function describe(xml: string): string {
  const code = textOf(xml, "Code");
  return code === undefined ? JSON.stringify(xml.slice(0, 60)) : `the error ${code}`;
}
