/**
 * Which tags a policy file lets go, by the rules of the specification alone and in the most naive way. Shares no code with src/. Of globs it
 * knows `*` and `**`.
 */
export interface OraclePolicyEntry {
  readonly name: string;
  readonly action: { readonly type: "Delete" | "Keep" };
  readonly condition?: Selector & { readonly olderThan?: string; readonly newerThan?: string };
  readonly mostRecentVersions?: Selector & { readonly keepCount: number; readonly orderBy?: "pushed" | "semver" };
}

interface Selector {
  readonly repositories?: readonly string[];
  readonly packageNamePrefixes?: readonly string[];
  readonly tags?: readonly string[];
  readonly tagPrefixes?: readonly string[];
}

export interface OracleTag {
  readonly name: string;
  readonly image: string;
  /** Seconds since 1970. */
  readonly pushed: number;
  /** Of a referrer's tag: what it is about. */
  readonly subject?: string | undefined;
}

/** A repository as the oracle sees it; tags that are never judged are not among `tags`, but what they name is among `others`. */
export interface OracleRepository {
  readonly name: string;
  readonly tags: readonly OracleTag[];
  readonly children: (image: string) => readonly string[];
  /** What stays without a tag of these. */
  readonly others: readonly string[];
}

export interface OracleCircumstances {
  readonly now: number;
  readonly grace: number;
  readonly isPinned: (image: string) => boolean;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function seconds(span: string): number {
  return Number(span.slice(0, -1)) * (UNITS[span.slice(-1)] ?? Number.NaN);
}

/** `team/**` has `team` as well. */
function matchesGlob(glob: string, name: string): boolean {
  const [, start = "", rest] = /^(.*?)(\/?\*\*)?$/.exec(glob) ?? [];
  const end = rest === undefined ? "" : rest === "/**" ? "(/.*)?" : ".*";
  return new RegExp(`^${start.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}${end}$`).test(name);
}

function matches(globs: readonly string[] | undefined, prefixes: readonly string[] | undefined, name: string): boolean {
  if (globs === undefined && prefixes === undefined) return true;
  return (globs ?? []).some((glob) => matchesGlob(glob, name)) || (prefixes ?? []).some((prefix) => name.startsWith(prefix));
}

const VERSION = /^v?(\d+)\.(\d+)(?:\.(\d+))?(?:-([\w.-]*?))?(?:_.*)?$/;

/** Negative where the first version is older; pieces of a pre-release are single characters and whole numbers. */
export function compareVersions(one: string, other: string): number {
  const [, ...a] = VERSION.exec(one) ?? [];
  const [, ...b] = VERSION.exec(other) ?? [];
  for (const i of [0, 1, 2]) {
    const order = Number(a[i] ?? 0) - Number(b[i] ?? 0);
    if (order !== 0) return order;
  }
  const [before, after] = [a[3], b[3]];
  if (before === undefined || after === undefined) return Number(before === undefined) - Number(after === undefined);
  return compareLists(before.split("."), after.split("."), (x, y) => {
    const isNumber = (text: string): boolean => /^\d+$/.test(text);
    if (isNumber(x) !== isNumber(y)) return isNumber(x) ? -1 : 1;
    return compareLists(x.match(/\d+|\D/g) ?? [], y.match(/\d+|\D/g) ?? [], (p, q) => {
      const difference = isNumber(p) && isNumber(q) ? BigInt(p) - BigInt(q) : p < q ? -1 : p > q ? 1 : 0;
      return Number(difference);
    });
  });
}

/** What is a beginning of the other comes first. */
function compareLists(a: readonly string[], b: readonly string[], compare: (x: string, y: string) => number): number {
  for (const [i, x] of a.entries()) {
    const y = b[i];
    if (y === undefined) return 1;
    const order = compare(x, y);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function meansReferrers(pattern: string): boolean {
  return pattern.startsWith("sha256") || pattern.endsWith(".sig") || pattern.endsWith(".att");
}

/** An image with all that it contains. */
export function closure(image: string, children: (image: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set([image]);
  for (const one of found) for (const child of children(one)) found.add(child);
  return found;
}

/** Names of the tags that go. */
export function judgeTags(
  policies: readonly OraclePolicyEntry[],
  repository: OracleRepository,
  { now, grace, isPinned }: OracleCircumstances,
): string[] {
  const ordinary = repository.tags.filter(({ subject }) => subject === undefined);
  const selects = (policy: OraclePolicyEntry, tag: OracleTag): boolean => {
    const { condition, mostRecentVersions: recent } = policy;
    const isAbout = ({ repositories, packageNamePrefixes, tags, tagPrefixes }: Selector, name: string): boolean =>
      matches(repositories, packageNamePrefixes, repository.name) && matches(tags, tagPrefixes, name);
    if (condition !== undefined) {
      const age = now - tag.pushed;
      const isOld = condition.olderThan === undefined || age > seconds(condition.olderThan);
      const isNew = condition.newerThan === undefined || age < seconds(condition.newerThan);
      return isAbout(condition, tag.name) && isOld && isNew;
    }
    if (recent === undefined) return false;
    const rank = (one: OracleTag): number | undefined => {
      if (!isAbout(recent, one.name)) return undefined;
      if (recent.orderBy !== "semver") return one.pushed;
      if (!VERSION.test(one.name)) return undefined;
      return ordinary.filter(({ name }) => VERSION.test(name) && compareVersions(name, one.name) < 0).length;
    };
    const rankOfImage = (image: string): number =>
      Math.max(...ordinary.filter((one) => one.image === image).map((one) => rank(one) ?? -Infinity));
    if (rank(tag) === undefined) return false;
    // Images that are newer; it is kept where there are fewer of them than are to be kept. By time, none from the future is one of them.
    const latest = recent.orderBy === "semver" ? Infinity : now;
    const isNewer = (rankOf: number): boolean => rankOf > rankOfImage(tag.image) && rankOf <= latest;
    const newer = new Set(ordinary.map(({ image }) => image).filter((image) => isNewer(rankOfImage(image))));
    return newer.size < recent.keepCount;
  };
  /** Whether it is a Keep policy that says of a referrer's tag that it means it: it stays, however many are to be kept. */
  const names = ({ action, condition, mostRecentVersions: recent, ...rest }: OraclePolicyEntry, tag: OracleTag): boolean => {
    const { tags = [], tagPrefixes = [], ...about } = condition ?? recent ?? {};
    const meant = { tags: tags.filter(meansReferrers), tagPrefixes: tagPrefixes.filter(meansReferrers) };
    return action.type === "Keep" && selects({ ...rest, action, condition: { ...about, ...meant } }, tag);
  };
  const mayGo = ({ image, pushed }: OracleTag): boolean => !isPinned(image) && pushed <= now - grace;
  const goes = new Set(
    ordinary.filter(
      (tag) =>
        mayGo(tag) &&
        policies.some((policy) => policy.action.type === "Delete" && selects(policy, tag)) &&
        !policies.some((policy) => policy.action.type === "Keep" && selects(policy, tag)),
    ),
  );
  for (let before = -1; before !== goes.size;) {
    before = goes.size;
    for (const referrer of repository.tags) {
      const { subject } = referrer;
      if (subject === undefined || !mayGo(referrer) || policies.some((policy) => names(policy, referrer))) continue;
      const holders = repository.tags.filter((tag) => closure(tag.image, repository.children).has(subject));
      const isHeld = repository.others.some((image) => closure(image, repository.children).has(subject));
      if (!isHeld && holders.length > 0 && holders.every((tag) => goes.has(tag))) goes.add(referrer);
    }
  }
  return repository.tags.filter((tag) => goes.has(tag)).map(({ name }) => name);
}
