import { errorMessage } from "../errors.js";
import { DIGEST_WORDS } from "../registry/digest.js";
import { blobPath } from "../registry/layout.js";
import { witnessOf } from "../mark/witness.js";
import type { Witness } from "../mark/witness.js";
import type { Storage } from "../storage/storage.js";
import { askRegistry } from "./probe.js";
import type { Answer, ProbeOptions, ProbeTarget } from "./probe.js";

/** What there is in a storage by which a registry shows that it serves it. */
export interface Exhibits {
  readonly witnesses: readonly Witness[];
  /** Repositories of the storage, those included that nothing can be asked of. */
  readonly repositories: number;
}

/** What is asked for of each registry: of an older copy of the storage, one of the newest is missing. */
const ASKED = 5;
/** What is looked at for that: some may be damaged, so that no registry serves them. */
const LOOKED_AT = 50;

/** Chooses the newest witnesses that are sound. Reads the few that it looks at. */
export async function chooseExhibits(storage: Storage, all: readonly (Witness | undefined)[]): Promise<Exhibits> {
  const newest = all
    .filter((one) => one !== undefined)
    .sort((a, b) => b.modified - a.modified)
    .slice(0, LOOKED_AT);
  const manifests = newest.filter(({ kind }) => kind === "manifest");
  const words = new Uint32Array(manifests.length * DIGEST_WORDS.sha256);
  for (const [i, { digest }] of manifests.entries()) words.set(digest.toWords(), i * DIGEST_WORDS.sha256);
  const { problems } = await storage.readManifests("sha256", words);
  const damaged = new Set(problems.map(({ position }) => manifests[position]));
  const blobs = newest.filter(({ kind }) => kind === "blob");
  const times = blobs.length === 0 ? [] : await storage.modified(blobs.map(({ digest }) => blobPath(digest)));
  for (const [i, blob] of blobs.entries()) if (typeof times[i] !== "number") damaged.add(blob);
  return { witnesses: newest.filter((one) => !damaged.has(one)).slice(0, ASKED), repositories: all.length };
}

/** The same without a mark: the repositories are listed until there are enough. */
export async function findExhibits(storage: Storage): Promise<Exhibits> {
  const found: (Witness | undefined)[] = [];
  for await (const listing of storage.repositories()) {
    if (listing.isRepository) found.push(witnessOf(listing));
    if (found.filter((one) => one !== undefined).length >= LOOKED_AT) break;
  }
  return chooseExhibits(storage, found);
}

/**
 * Asks a registry for what the storage has: by HEAD, and with the credentials of the environment, which must be allowed to pull. Returns why
 * it cannot be told that it serves this storage; undefined if it does. An exact copy cannot be told from the storage itself.
 */
export async function whyNotServed(
  target: ProbeTarget,
  { witnesses, repositories }: Exhibits,
  options: ProbeOptions,
): Promise<string | undefined> {
  try {
    if (witnesses.length === 0) return await whyNotEmpty(target, repositories, options);
    const unclear: string[] = [];
    for (const witness of witnesses) {
      const answer = judgeWitness(witness, await askRegistry(target, questionOf(witness), options));
      if (answer.kind === "contradicts") return answer.why;
      if (answer.kind === "unclear") unclear.push(answer.why);
    }
    // What no answer was got to says nothing; one that matches and none that contradicts is proof.
    return unclear.length < witnesses.length ? undefined : unclear[0];
  } catch (error) {
    return errorMessage(error);
  }
}

/** What manifests a registry is asked for: all that any version serves. */
const MANIFESTS = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.v1+prettyjws",
].join(", ");

function questionOf({ repository, kind, reference }: Witness) {
  const path = `/v2/${repository}/${kind}s/${reference}`;
  return { method: "HEAD", path, ...(kind === "manifest" ? { accept: MANIFESTS } : {}) } as const;
}

type Heard = { readonly kind: "confirms" } | { readonly kind: "contradicts" | "unclear"; readonly why: string };

function judgeWitness({ repository, reference, kind, digest }: Witness, { status, headers }: Answer): Heard {
  const name = reference.includes(":") ? `${repository}@${reference}` : `${repository}:${reference}`;
  if (status === 404) return { kind: "contradicts", why: `it does not have ${name}` };
  if (status === 401 || status === 403)
    return {
      kind: "contradicts",
      why: `it answers ${status} for ${name}: set REGCHECK_REGISTRY_USERNAME and REGCHECK_REGISTRY_PASSWORD, or REGCHECK_REGISTRY_TOKEN, of somebody who may pull it`,
    };
  // Where it sends clients to the storage itself, it has looked the blob up before.
  if (kind === "blob" && status === 307) return { kind: "confirms" };
  const answered = headers["docker-content-digest"];
  if (status !== 200 || typeof answered !== "string") return { kind: "unclear", why: `it answers ${status} for ${name}` };
  return answered === digest.toString()
    ? { kind: "confirms" }
    : { kind: "contradicts", why: `${name} is ${answered} there, and ${digest.toString()} in this storage` };
}

/** A storage without a single repository is served by a registry that has none either. */
async function whyNotEmpty(target: ProbeTarget, repositories: number, options: ProbeOptions): Promise<string | undefined> {
  if (repositories > 0) return "there is no sound manifest or blob in this storage that it could be asked for";
  const { status, body } = await askRegistry(target, { method: "GET", path: "/v2/_catalog?n=2" }, options);
  if (status !== 200) return `this storage has no repository, and it answers ${status} for its catalog`;
  const catalog: unknown = JSON.parse(body);
  const names: unknown = typeof catalog === "object" && catalog !== null && "repositories" in catalog ? catalog.repositories : [];
  return Array.isArray(names) && names.length > 0 ? `this storage has no repository, and it has ${String(names[0])}` : undefined;
}
