import type { Finding } from "../mark/finding.js";
import type { Marked } from "../mark/marked.js";
import type { Keepers } from "./below.js";
import { placeOf } from "../storage/identity.js";
import { ChainCollector } from "./chains.js";
import type { Explanation } from "./explanation.js";
import { Maker } from "./make.js";
import type { Mention } from "./mentions.js";
import type { Reference } from "./reference.js";
import type { Survey } from "./survey.js";

/** Repositories of which it is told what they say, at most. */
const MAX_MENTIONS = 1000;
const MAX_UNREADABLE = 10;

/** What an explanation is about, whatever the answer. */
export interface About {
  readonly reference: Reference;
  readonly marked: Marked;
  readonly notices: readonly string[];
}

function headOf({ reference, marked, notices }: About) {
  const { storage, policy } = marked.context;
  const isFault = ({ code }: Finding): boolean => code === "storage-unreadable";
  const unreadable = [marked.findings, ...marked.repositories.map(({ findings }) => findings)].flatMap((findings) =>
    findings.filter(isFault),
  );
  return {
    reference: reference.text,
    repository: reference.repository,
    tag: reference.kind === "tag" ? reference.tag : undefined,
    storage: placeOf(storage),
    policy,
    complete: marked.complete,
    unreadable: unreadable.slice(0, MAX_UNREADABLE),
    notices,
    truthElsewhere: marked.truthElsewhere,
    retention: retentionOf(marked, reference),
  };
}

/** What a policy file says of the tag. */
function retentionOf({ repositories, context }: Marked, reference: Reference): Explanation["retention"] {
  const { retention } = context.policy;
  if (retention === undefined || reference.kind !== "tag") return undefined;
  const repository = repositories.find(({ name }) => name === reference.repository);
  const decision = repository?.retention?.decisions.find(({ tag }) => tag === reference.tag);
  return decision && { file: retention.file, decision };
}

/** The answer for a tag whose link is damaged, or that has none: what the check says of it is all there is. */
export function explainUnresolved(about: About): Explanation {
  const { marked, reference } = about;
  const repository = marked.repositories.find(({ name }) => name === reference.repository);
  const tag = reference.kind === "tag" ? reference.tag : undefined;
  const damage = (repository?.findings ?? []).filter((one) => one.tag === tag && one.code.startsWith("tag-"));
  return {
    ...headOf(about),
    verdict: "unresolved",
    digest: undefined,
    kind: "unknown",
    blob: undefined,
    garbage: undefined,
    chains: [],
    rootCounts: new ChainCollector(0, { repository: undefined, tag: undefined }).counts,
    rootRepositories: 0,
    mentions: [],
    mentionCount: 0,
    damage,
    pull: undefined,
    goes: undefined,
    since: undefined,
  };
}

/** What the content of a blob is, as far as it matters here. */
export type Content = "manifest" | "blob" | "unreadable";

/** What was found out of the focus. */
interface FoundOut {
  readonly focus: number;
  readonly survey: Survey;
  readonly keepers: Keepers & { readonly faults: number };
  readonly content: Content;
}

/** The answer for a digest. */
export async function explainDigest(about: About, { focus, survey, keepers, content }: FoundOut): Promise<Explanation> {
  const { marked, reference } = about;
  const { table } = marked;
  const { chains, below, changed } = survey;
  const maker = new Maker(marked, focus);
  const best = chains.best();
  const verdict = maker.verdict(best[0]);
  const isStored = table.isStored(focus);
  const isManifest = content === "manifest";
  const isKnown = isManifest && isStored && marked.context.store.problem(focus) === undefined;
  const head = headOf(about);
  const isOrdinary = marked.truthElsewhere.length === 0;
  const mentions = sortMentions(survey.mentions, reference.repository).slice(0, MAX_MENTIONS);
  const where = reference.repository === undefined ? below.manifests.keys() : [reference.repository];
  return {
    ...head,
    complete: head.complete && survey.faults.length + keepers.faults === 0 && content !== "unreadable",
    notices: [...head.notices, ...changed.map((name) => `${name} has changed while it was read: ask again to be sure.`)],
    verdict,
    digest: table.digest(focus),
    kind: maker.kind(survey.mentions, isManifest),
    blob: isStored ? { bytes: table.size(focus), modified: table.modified(focus) } : undefined,
    garbage: isOrdinary ? maker.garbage() : undefined,
    chains: verdict === "garbage" ? [] : best.map((chain) => maker.chain(chain)),
    rootCounts: chains.counts,
    rootRepositories: chains.repositories,
    mentions: mentions.map((mention) => maker.mention(mention)),
    mentionCount: survey.mentions.length,
    damage: isManifest || head.tag !== undefined ? maker.damage(where, below, head.tag) : [],
    pull: isKnown && survey.isFound ? maker.weight([focus, ...below.pulled]) : undefined,
    goes: isStored && isOrdinary ? maker.goes(below, keepers) : undefined,
    since: verdict === "garbage" ? await maker.since(mentions) : undefined,
  };
}

/** The repository that was asked about comes first. */
function sortMentions(mentions: readonly Mention[], first: string | undefined): Mention[] {
  const rank = ({ repository }: Mention): number => (repository === first ? 0 : 1);
  return [...mentions].sort((a, b) => rank(a) - rank(b) || (a.repository < b.repository ? -1 : 1));
}
