import type { CheckOptions } from "./check.js";
import { UsageError } from "./errors.js";
import { explainDigest, explainUnresolved } from "./explain/answer.js";
import type { Content } from "./explain/answer.js";
import { collectBelow, findKeepers, nothingBelow } from "./explain/below.js";
import type { Below, Keepers } from "./explain/below.js";
import { ChainCollector } from "./explain/chains.js";
import type { Explanation } from "./explain/explanation.js";
import type { Mention } from "./explain/mentions.js";
import { RememberedStorage } from "./explain/remembered-storage.js";
import { findDigest, readTag, unknownRepository } from "./explain/reference.js";
import type { Reference } from "./explain/reference.js";
import { anywhereSpace } from "./explain/space.js";
import { surveyRepositories } from "./explain/survey.js";
import type { Survey } from "./explain/survey.js";
import { mark } from "./mark/mark.js";
import type { Marked } from "./mark/marked.js";
import { MANIFEST } from "./mark/policy.js";
import { ownersOf, withTruth } from "./mark/truth.js";
import type { Digest } from "./registry/digest.js";
import { MAX_MANIFEST_BYTES } from "./registry/layout.js";
import { noticesOf, noticesOfLost } from "./report/notices.js";
import type { Storage } from "./storage/storage.js";

/** What an operator decides about an explanation. */
export interface ExplainOptions extends Omit<CheckOptions, "filter"> {
  /** One chain from each root, not the best one only. */
  readonly all: boolean;
}

/** Chains that `all` gives at most. */
const MAX_CHAINS = 1000;

/**
 * Says why a digest is alive, or garbage, or missing and who needs it. Marks as a check does, then reads the links of all repositories
 * once more, and for a manifest a third time: no edge is kept for a blob that nobody asked about. Throws a `UsageError` for a reference
 * to nothing, or to several things.
 */
export async function explain(given: Storage, reference: Reference, options: ExplainOptions): Promise<Explanation> {
  const { policy, owners = [], all, onProgress } = options;
  const storage = new RememberedStorage(given);
  const markers = await storage.markers();
  const tagged = reference.kind === "tag" ? await readTag(storage, reference.repository, reference.tag) : undefined;
  const marked = withTruth(await mark(storage, policy, onProgress), ownersOf(markers, owners));
  const about = { reference, marked, notices: [...noticesOf(markers, marked.truthElsewhere), ...noticesOfLost(marked)] };
  const id = findNumber(marked, reference, tagged);
  if (id === undefined) return explainUnresolved(about);
  const { focus, survey } = await surveyFocus(marked, id, reference, all ? MAX_CHAINS : 1);
  checkMentioned(marked, focus, reference, survey.mentions);
  const content = await readContent(marked, focus, survey.below);
  const keepers = await keepersOf(marked, focus, survey);
  return explainDigest(about, { focus, survey, keepers, content });
}

/** The number of what was asked about; undefined for a tag that names nothing. */
function findNumber({ table }: Marked, reference: Reference, tagged: Digest | undefined): number | undefined {
  if (reference.kind === "digest") return findDigest(table, reference.text, reference.algorithm, reference.hex);
  return tagged && table.idOfDigest(tagged);
}

/** A repository may resolve a digest of another algorithm to a blob that is stored by its sha256: then that is what it is about. */
async function surveyFocus(marked: Marked, id: number, reference: Reference, maxChains: number) {
  const tag = reference.kind === "tag" ? reference.tag : undefined;
  const surveyOf = (focus: number): Promise<Survey> =>
    surveyRepositories(marked, focus, new ChainCollector(maxChains, { repository: reference.repository, tag }), nothingBelow());
  const survey = await surveyOf(id);
  const { storedAs } = survey;
  return storedAs === undefined || marked.table.isStored(id)
    ? { focus: id, survey }
    : { focus: storedAs, survey: await surveyOf(storedAs) };
}

/** Throws a `UsageError` where there is nothing to explain. */
function checkMentioned(marked: Marked, focus: number, reference: Reference, mentions: readonly Mention[]): void {
  const { repository, text } = reference;
  if (mentions.length === 0 && !marked.table.isStored(focus))
    throw new UsageError(`${text}: neither stored nor referred to by anything`);
  if (repository === undefined || mentions.some((mention) => mention.repository === repository)) return;
  if (!marked.repositories.some(({ name }) => name === repository)) throw unknownRepository(repository);
  const digest = marked.table.digest(focus).toString();
  throw new UsageError(`${text}: the repository does not refer to it; regcheck explain ${digest} says who does`);
}

/** What the focus is. A manifest that no repository links was not read yet: it may name what nothing else does. */
async function readContent(marked: Marked, focus: number, below: Below): Promise<Content> {
  const { table, context } = marked;
  const { store } = context;
  const isIn = [...below.manifests.keys()].some((repository) => repository !== undefined);
  if (isIn || (table.isStored(focus) && (table.marks(focus) & MANIFEST) !== 0)) return "manifest";
  if (!table.isStored(focus) || table.size(focus) > MAX_MANIFEST_BYTES) return "blob";
  const manifests = [focus];
  for (let batch = manifests.slice(); batch.length > 0;) {
    await store.load(batch);
    const children = new Set<number>();
    for (const id of batch) {
      store.forEachReference(id, (role, named) => {
        if (role === "child" && table.isStored(named) && !manifests.includes(named)) children.add(named);
      });
    }
    batch = [...children];
    manifests.push(...batch);
  }
  const problem = store.problem(focus);
  if (problem?.kind === "unreadable") return "unreadable";
  // What is pinned and damaged may have been one.
  if (problem !== undefined) return problem.kind !== "invalid" && below.manifests.size > 0 ? "manifest" : "blob";
  if (below.manifests.size === 0) collectBelow(below, anywhereSpace(manifests, context), focus);
  return "manifest";
}

async function keepersOf(marked: Marked, focus: number, survey: Survey): Promise<Keepers & { readonly faults: number }> {
  const nothing = { kept: new Set<number>(), shared: new Set<number>(), faults: 0 };
  if (!marked.table.isStored(focus) || survey.below.all.size === 0) return nothing;
  let faults = 0;
  const keepers = await findKeepers(marked, focus, survey.below, () => faults++);
  return { kept: keepers.kept, shared: keepers.shared, faults };
}
