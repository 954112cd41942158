import { isAlias, isMap, isScalar, isSeq, parseAllDocuments } from "yaml";
import type { Document } from "yaml";

/**
 * Parses YAML as the registry's parser (go-yaml 2) does: version 1.1 with its merge keys, `yes` and `no`; of keys that are there twice
 * the last counts; what follows the first document is not read. Integers become `bigint`, which no digits are lost from. Throws.
 */
export function parseYaml(text: string): unknown {
  const options = { version: "1.1", uniqueKeys: false, intAsBigInt: true } as const;
  const [document] = [...parseAllDocuments(text, options)];
  const error = document?.errors[0];
  if (error !== undefined) throw error;
  return document && valueOf(document.contents, document);
}

/** The package's own way with a merge key differs: go-yaml lets it replace what stands before it. */
function valueOf(node: unknown, document: Document.Parsed): unknown {
  if (isAlias(node)) {
    const target = node.resolve(document);
    if (target === undefined) throw new Error("an alias (*) without its anchor (&)");
    return valueOf(target, document);
  }
  if (isSeq(node)) return node.items.map((item) => valueOf(item, document));
  if (!isMap(node)) return isScalar(node) ? node.value : undefined;
  const entries = new Map<string, unknown>();
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? key.value : undefined;
    if (typeof name !== "symbol") {
      entries.set(String(name), valueOf(value, document));
      continue;
    }
    const merged = valueOf(value, document);
    for (const source of Array.isArray(merged) ? merged.toReversed() : [merged]) {
      if (typeof source !== "object" || source === null) throw new Error("a merge key (<<) of what is no mapping");
      for (const [mergedKey, mergedValue] of Object.entries(source)) entries.set(mergedKey, mergedValue);
    }
  }
  return Object.fromEntries(entries);
}
