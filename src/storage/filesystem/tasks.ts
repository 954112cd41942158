import fs from "node:fs";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { RepositoryListingBuilder } from "../listing.js";
import type { BlobBatch, ManifestBatch, RepositoryListing, StorageFault } from "../listing.js";
import type { StorageRequests } from "../storage.js";
import type { BlobSelection, VerifiedBlobs } from "../verification.js";
import { counts, takeCounts } from "./counts.js";
import { causeOf, isAbsent, secondsOf } from "./directory.js";
import { readManifests } from "./read-manifests.js";
import { RepositoryReader } from "./repository-reader.js";
import { scanBlobs } from "./scan-blobs.js";
import { readLinks, visitRepository } from "./scan-repository.js";
import type { LinkWork, RepositoryVisit } from "./scan-repository.js";
import { verifyBlobs } from "./verify-blobs.js";

/** The units of work that the threads of a filesystem storage share: each is a batch of synchronous calls. */
export type Task =
  | { readonly kind: "blobs"; readonly algorithm: DigestAlgorithm; readonly prefixes: readonly string[] }
  | { readonly kind: "repositories"; readonly names: readonly string[] }
  | { readonly kind: "links"; readonly name: string; readonly work: LinkWork }
  | { readonly kind: "manifests"; readonly algorithm: DigestAlgorithm; readonly digests: Uint32Array }
  | { readonly kind: "modified"; readonly paths: readonly string[] }
  | { readonly kind: "files"; readonly directories: readonly string[] }
  | { readonly kind: "verify"; readonly selection: BlobSelection };

/** What each kind of task returns. */
export interface TaskResults {
  blobs: BlobBatch;
  repositories: readonly RepositoryVisit[];
  links: RepositoryListing;
  manifests: ManifestBatch;
  modified: readonly (number | StorageFault)[];
  files: readonly (readonly string[] | StorageFault)[];
  verify: VerifiedBlobs;
}

/** The result of a task, with what it cost. */
export interface TaskOutcome {
  readonly result: TaskResults[Task["kind"]];
  readonly requests: StorageRequests;
}

/**
 * Does the work of one task on the storage at `root`, an absolute path. Throws on nothing but errors of its own. `onBytes` hears of
 * bytes as they are read, from tasks that may take long.
 */
export function runTask(root: string, task: Task, onBytes: (bytes: number) => void): TaskOutcome {
  const result = dispatch(root, task, onBytes);
  return { result, requests: takeCounts() };
}

function dispatch(root: string, task: Task, onBytes: (bytes: number) => void): TaskResults[Task["kind"]] {
  switch (task.kind) {
    case "blobs":
      return scanBlobs(root, task.algorithm, task.prefixes);
    case "repositories":
      return task.names.map((name) => visitRepository(root, name));
    case "links":
      return readLinks(root, task.name, task.work);
    case "manifests":
      return readManifests(root, task.algorithm, task.digests);
    case "modified":
      return task.paths.map((path) => modifiedTime(root, path));
    case "files":
      return task.directories.map((directory) => filesBelow(root, directory));
    case "verify":
      return verifyBlobs(root, task.selection, onBytes);
  }
}

function filesBelow(root: string, directory: string): readonly string[] | StorageFault {
  const reader = new RepositoryReader(root, new RepositoryListingBuilder(""));
  const files = Array.from(reader.filesBelow(directory), (file) => file.slice(directory.length + 1));
  const [fault] = reader.builder.build().faults;
  return fault ?? files;
}

function modifiedTime(root: string, path: string): number | StorageFault {
  counts.head++;
  try {
    return secondsOf(fs.lstatSync(`${root}/${path}`).mtimeMs);
  } catch (error) {
    return { path, cause: causeOf(error), gone: isAbsent(error) };
  }
}
