import type { Cause, UsedBy } from "../mark/cause.js";
import type { Finding } from "../mark/finding.js";
import type { DigestAlgorithm } from "../registry/digest.js";
import { Digest } from "../registry/digest.js";
import type { LinkProblem } from "../registry/link.js";
import type { ReferenceRole, VersionLimit } from "../registry/manifest.js";
import type { ManifestDamage } from "../storage/manifest-damage.js";

/** What was found, in a few words for people. Not escaped: names come from the storage. */
export function causeWords(finding: Finding): string | undefined {
  return finding.cause && wordsOf(finding.cause, finding);
}

function wordsOf<K extends Cause["kind"]>(cause: Extract<Cause, { readonly kind: K }>, finding: Finding): string | undefined {
  const kind: K = cause.kind;
  return WORDS[kind](cause, finding);
}

const WORDS: {
  readonly [K in Cause["kind"]]: (cause: Extract<Cause, { readonly kind: K }>, finding: Finding) => string | undefined;
} = {
  fault: ({ fault }) => fault,
  "blobs-listed-twice": ({ blobs }) => `the listing named ${blobs} blobs twice, so it cannot be trusted`,
  "repository-listed-twice": () => "the listing named this repository twice, so it cannot be trusted",
  "listed-outside": () => "it lies in a repository, but was not listed with one",
  // That its blob is not stored is what the code means.
  "manifest-damage": ({ damage }, { digest }) => (damage.kind === "missing" ? undefined : damageWords(damage, digest?.algorithm)),
  "link-problem": ({ problem }) => linkWords(problem),
  "proxy-state": ({ problem }) => problem,
  content: contentWords,
  "impossible-size": ({ stored, expected }) =>
    expected === undefined ? "it is empty" : `${stored} bytes are stored, and a content with this digest has ${expected}`,
  size: ({ stored, expected, blob }) =>
    [...(blob === undefined ? [] : [JUDGED[blob]]), `${stored} bytes are stored, ${expected} expected`].join("; "),
  "wrong-size": ({ blob, declared, stored }) => `it says that ${blob.toString()} has ${declared} bytes, and it has ${stored}`,
  "lost-alias": () =>
    "which blob that is only the link tells: all that the repository's layer links name is kept, and every blob of the size that a manifest says",
  "holds-another": ({ held, of }) => `the link names ${held.toString()}: a pull of this ${of} gets that instead`,
  "contradicted-alias": ({ held, by }) => `the link holds ${held.toString()}, but ${CONTRADICTIONS[by]}`,
  "alias-content": ({ held }) => `the link holds ${held.toString()}, whose content is not what this digest names`,
  "alias-size": ({ held, stored, manifest, declared }) =>
    `the link holds ${held.toString()}, of ${stored} bytes, where ${manifest.toString()} says ${declared}`,
  "history-entry": ({ found }) =>
    `${found instanceof Digest ? `the link names ${found.toString()}` : linkWords(found)}; it is an entry of the tag's history, which no pull reads`,
  "had-link": () => "its index shows that there was one",
  "not-in-index": (_, { digest }) =>
    `the tag's link names ${String(digest)}, which its index does not list, so that no push has written it: push the tag again, or remove it (regcheck untag)`,
  "empty-tag": () => "its directory is empty: a sweep removes it",
  "folder-marker": () => "a console's folder is all there is of it: delete the key, which ends with a slash",
  "no-name": () => "its name is empty: registry 2.x lists it, 3.x does not. Delete the key, which ends with a slash",
  "upload-age": ({ seconds, isMultipart }) => `${isMultipart ? "multipart, " : ""}${ageWords(seconds)}`,
  "not-readable-by": ({ user }) => `user ${user}, who owns most blobs, may not read it`,
  "version-limit": ({ limit }) => LIMITS[limit],
  "below-stray": ({ path }) => `it is below ${path}`,
  "subject-gone": (_, { subject }) => `it is about ${String(subject)}, which is gone`,
  "goes-with-manifest": () => "its manifest is garbage, and goes with it",
  "still-in-it": ({ what }) => `${typeof what === "object" ? `${what.path} is` : CONTENTS[what]} in it, so it stays`,
  "empty-after-sweep": () => "as soon as its tags and manifests have gone",
  expiration: expirationWords,
  owner: ({ evidence }) => evidence,
};

const JUDGED = {
  corrupt: "its content does not hash to its digest",
  "not-hashed": "it was not hashed, so run with --verify before you delete it",
} as const;

const CONTRADICTIONS = {
  "own-blob": "its own blob is stored, too",
  "another-link": "another link says the same of another blob",
} as const;

const CONTENTS = { links: "links are", upload: "an upload is" } as const;

const LIMITS: Readonly<Record<VersionLimit, string>> = {
  "schema 1": "it is of schema 1: registry 2.8 serves it, 3.x does not, and its own collector aborts",
  "not 3.x": "a value in it has a type that 3.x cannot read: registry 2.8 serves it, 3.x does not, and its own collector aborts",
  "not 2.8": "a value in it has a type that 2.8 cannot read: registry 3.x serves it, 2.8 does not, and its own collector aborts",
};

const REFUSED = "the registry cannot read it, so that a pull gets an error and its own collector aborts";
const SERVED = "the registry serves it, but takes no push of it, and clients cannot use it";

/** Why a manifest is of no use; the algorithm is that of its digest. */
export function damageWords(damage: ManifestDamage, algorithm: DigestAlgorithm = "sha256"): string {
  switch (damage.kind) {
    case "missing":
      return "its blob is not stored";
    case "corrupt":
      return damage.bytes === 0 ? "it is empty" : `its content has the digest ${algorithm}:${damage.contentHex}`;
    case "invalid":
      return `${damage.problem}; ${damage.isServed ? SERVED : REFUSED}`;
    case "unreadable":
      return damage.cause;
  }
}

/** Why a link's content is no digest. */
export function linkWords(problem: LinkProblem): string {
  switch (problem.kind) {
    case "empty":
      return "the link is empty";
    case "too-long":
      return `the link is longer than ${problem.maxBytes} bytes`;
    case "zeros":
      return `the link holds ${problem.bytes} zero bytes, as a power loss leaves them`;
    case "padded":
      return "the link holds a digest with white space around it, which the registry does not trim";
    case "binary":
      return `the link holds ${problem.bytes} bytes that are no text`;
    case "no-digest":
      return `the link holds ${JSON.stringify(problem.text)}, which is no digest`;
  }
}

function contentWords(
  { contentHex, bytes, listedBytes }: Extract<Cause, { readonly kind: "content" }>,
  { digest }: Finding,
): string {
  if (bytes === 0) return `it is empty${listedBytes === 0 ? "" : `, where ${listedBytes} bytes were listed`}`;
  const size = bytes === listedBytes ? "" : `, and ${bytes} bytes instead of the ${listedBytes} that were listed`;
  return `its content has the digest ${digest?.algorithm ?? "sha256"}:${contentHex}${size}`;
}

function expirationWords({ at, answers }: Extract<Cause, { readonly kind: "expiration" }>, { rule }: Finding): string {
  const [day = ""] = new Date(at * 1000).toISOString().split("T");
  const name = rule === undefined ? "a rule whose name is not told" : `the rule ${JSON.stringify(rule)}`;
  return `${name} deletes it on ${day}; the server named the rule in ${answers === 1 ? "one answer" : `${answers} answers`}`;
}

function ageWords(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  if (hours < 0) return "it was started in the future, by its own account";
  return hours < 48 ? `it was started ${hours} h ago` : `it was started ${Math.floor(hours / 24)} days ago`;
}

/** What a manifest uses a blob as; a reference that cannot be told is taken for a layer. */
const USES: Readonly<Record<ReferenceRole, string>> = {
  config: "the config",
  layer: "a layer",
  "foreign-layer": "a layer",
  child: "a child",
  subject: "the subject",
  mention: "a layer",
};

/** What it is used by. */
export function useWords({ digest, as }: UsedBy): string {
  return `it is ${USES[as]} of ${digest.toString()}`;
}
