import type { BucketReader } from "./bucket-reader.js";

/** Whether there is an object at a key, and whether it has the content that is expected. */
export async function compareContent(
  bucket: Pick<BucketReader, "get">,
  key: string,
  expected: Uint8Array,
): Promise<"same" | "changed" | "absent"> {
  const stored = await bucket.get(key, expected.length + 1);
  if (stored === undefined) return "absent";
  return stored.equals(expected) ? "same" : "changed";
}
