import { explain } from "#regcheck/explain.js";
import type { Explanation } from "#regcheck/explain/explanation.js";
import { parseReference } from "#regcheck/explain/reference.js";
import type { Policy } from "#regcheck/mark/policy.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import type { RegistryTree } from "./registry-tree.js";
import { written } from "./temporary.js";

/** Explains references to a tree on a filesystem, without a grace time unless the policy has one, with all chains. */
export async function explainTree(
  tree: RegistryTree,
  references: readonly string[],
  policy: Partial<Policy> = {},
): Promise<Explanation[]> {
  const storage = FilesystemStorage.open(written(tree), { concurrency: 1 });
  const now = Math.floor(Date.now() / 1000);
  const full = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now, pins: [], ...policy };
  const explanations: Explanation[] = [];
  try {
    for (const reference of references)
      explanations.push(await explain(storage, parseReference(reference), { policy: full, all: true }));
    return explanations;
  } finally {
    await storage.close();
  }
}

/** The same for one reference. */
export async function explainOne(tree: RegistryTree, reference: string, policy: Partial<Policy> = {}): Promise<Explanation> {
  const [explanation] = await explainTree(tree, [reference], policy);
  if (explanation === undefined) throw new Error("nothing was explained");
  return explanation;
}

/** A chain in one line: the root, then each step's role and digest. */
export function chainsOf({ chains }: Explanation): string[] {
  return chains.map(({ root, steps }) =>
    [
      [root.kind, root.repository, root.tag].filter((part) => part !== undefined).join(" "),
      ...steps.map(({ as, digest }) => `${as} ${digest.toString()}`),
    ].join(" > "),
  );
}
