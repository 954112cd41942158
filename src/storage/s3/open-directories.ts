import type { OwnPath } from "../../registry/parse-path.js";
import type { OwnObject } from "../listing.js";
import type { ListedObject } from "./page.js";

/** A tag whose keys are coming in: a folder's marker alone is one to the registry, which lists it. */
export interface OpenTag {
  readonly name: string;
  current: ListedObject | undefined;
  readonly index: { readonly path: Extract<OwnPath, { kind: "index" }>; readonly object: ListedObject }[];
  /** What is neither, from the tag's directory on. */
  readonly others: string[];
}

/** An upload whose keys are coming in. */
export interface OpenUpload {
  readonly id: string;
  /** A folder marker alone shows no upload. */
  isThere: boolean;
  started: ListedObject | undefined;
  readonly objects: OwnObject[];
  bytes: number;
  modified: number;
}
