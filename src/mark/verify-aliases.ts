import { blobPath, layerLinkPath } from "../registry/layout.js";
import type { BlobSelection } from "../storage/verification.js";
import type { StorageFault } from "../storage/listing.js";
import { elementAt } from "../element-at.js";
import type { BlobTable } from "./blob-table.js";
import type { MarkContext } from "./context.js";
import type { Finding } from "./finding.js";
import type { MarkedRepository } from "./marked-repository.js";
import { reported } from "./sizes.js";
import { addUnreadOnce, isInPart } from "./verify.js";
import type { Findings, VerifyPart } from "./verify.js";

/** A link by another algorithm: the numbers of what it is called, and of the blob that it leads to. */
export interface Alias {
  readonly named: number;
  readonly target: number;
}

/** Hashes what links lead to, by the algorithms of their names. Returns whether a link leads to another content than it says. */
export async function findWrongAliases(
  { storage, table }: MarkContext,
  aliases: readonly Alias[],
  onFaults: (faults: readonly StorageFault[]) => void,
): Promise<(alias: Alias) => boolean> {
  if (aliases.length === 0) return () => false;
  const wrong = new Set<string>();
  for await (const verdict of storage.verifyBlobs(selections(table, aliases), () => {})) {
    for (const { path, algorithm, hex } of verdict.corrupt) wrong.add(keyOf(`${algorithm}:${hex}`, path));
    onFaults(verdict.faults);
  }
  return ({ named, target }) => wrong.has(keyOf(table.digest(named).toString(), blobPath(table.digest(target))));
}

/** What is said of a link that does. */
export function wrongAlias(table: BlobTable, repository: string, { named, target }: Alias): Finding {
  const digest = table.digest(named);
  const cause = { kind: "alias-content", held: table.digest(target) } as const;
  return { code: "link-mismatch", path: layerLinkPath(repository, digest), repository, digest, cause };
}

/**
 * Hashes the blobs of a part that links by another algorithm lead to, by that algorithm: nothing else proves such a link. One that leads to
 * another content is reported, and holds its repository, as any link that holds a wrong digest. What would follow for other repositories is
 * known too late for them, so that nothing is garbage anywhere.
 */
export async function verifyAliases(context: MarkContext, part: VerifyPart, found: Findings): Promise<void> {
  const { table } = context;
  const { corrupt, unread } = reported(context, found);
  const isWanted = ({ target }: Alias): boolean => isSelected(context, part, target) && !corrupt.has(target);
  const aliases = distinct(found.repositories).filter(isWanted);
  const isWrong = await findWrongAliases(context, aliases, (faults) => addUnreadOnce(context, found.findings, faults, unread));
  for (const alias of aliases) if (isWrong(alias)) context.swappedAliases.add(alias.named);
  if (aliases.some(isWrong))
    for (const [i, repository] of found.repositories.entries()) found.repositories[i] = withWrong(repository, table, isWrong);
}

function keyOf(digest: string, place: string): string {
  return `${digest} ${place}`;
}

function aliasesOf({ aliased }: MarkedRepository): Alias[] {
  return Array.from(aliased?.links ?? [], ([named, target]) => ({ named, target }));
}

/** Those of all repositories, each once. */
function distinct(repositories: readonly MarkedRepository[]): Alias[] {
  const aliases = new Map<string, Alias>();
  for (const repository of repositories)
    for (const alias of aliasesOf(repository)) aliases.set(`${alias.named} ${alias.target}`, alias);
  return [...aliases.values()];
}

function isSelected({ table, shownBlobs }: MarkContext, part: VerifyPart, blob: number): boolean {
  if (!table.isStored(blob) || (shownBlobs !== undefined && shownBlobs[blob] !== 1)) return false;
  return isInPart(elementAt(table.digest(blob).toWords(), 0), part);
}

/** One blob at a time: they are few, and may be large. */
function* selections(table: BlobTable, aliases: readonly Alias[]): Generator<BlobSelection> {
  for (const { named, target } of aliases) {
    const digest = table.digest(named);
    yield {
      algorithm: digest.algorithm,
      digests: digest.toWords(),
      sizes: Float64Array.of(table.size(target)),
      storedAs: table.digest(target).toWords(),
    };
  }
}

function withWrong(repository: MarkedRepository, table: BlobTable, isWrong: (alias: Alias) => boolean): MarkedRepository {
  const findings = aliasesOf(repository)
    .filter(isWrong)
    .map((alias) => wrongAlias(table, repository.name, alias));
  if (findings.length === 0) return repository;
  return { ...repository, heldBlobs: repository.aliased?.blobs, findings: [...repository.findings, ...findings] };
}
