import { STORAGE_ID } from "../../registry/layout.js";
import { ABSENT, readInto } from "./calls.js";
import { PlainPaths } from "./plain-paths.js";

/** A UUID and a newline: more than that is something else. */
const ID_BYTES = 37;
const ID = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\n$/;

/** The id of the storage below an absolute path; undefined where there is none, and where it cannot be read or is no such thing. */
export function readStorageId(root: string): string | undefined {
  const buffer = Buffer.alloc(ID_BYTES + 1);
  try {
    const length = readInto(new PlainPaths(root).resolve(STORAGE_ID), buffer, 0, ID_BYTES);
    return length === ABSENT ? undefined : ID.exec(buffer.toString("latin1", 0, length))?.[1];
  } catch {
    return undefined;
  }
}
