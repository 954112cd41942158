import { OperatorError } from "../../errors.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import type { RemovedWithDirectories, Standing } from "../changes.js";
import { RepositoryListingBuilder } from "../listing-builder.js";
import type { BlobBatch, RepositoryListing, StorageFault } from "../listing.js";
import type { ManifestBatch } from "../manifest-damage.js";
import type { StorageRequests } from "../requests.js";
import type { LeafSearch } from "../storage.js";
import type { BlobSelection, VerifiedBlobs } from "../verification.js";
import { counts, takeCounts } from "./counts.js";
import { ObjectChanges } from "./object-changes.js";
import { packOutcomes, splitMoves, splitPaths } from "./change-messages.js";
import type { PackedOutcomes } from "./change-messages.js";
import { PlainPaths } from "./plain-paths.js";
import { linkContent, readLink } from "./read-file.js";
import { ABSENT } from "./calls.js";
import { readManifests } from "./read-manifests.js";
import { RepositoryReader } from "./repository-reader.js";
import { scanBlobs } from "./scan-blobs.js";
import { readLinks, visitRepository } from "./scan-repository.js";
import type { LinkWork, RepositoryVisit } from "./scan-repository.js";
import { modifiedTime } from "./settled.js";
import { verifyBlobs } from "./verify-blobs.js";

/** The units of work that the threads of a filesystem storage share: each is a batch of synchronous calls. */
export type Task =
  | {
      readonly kind: "blobs";
      readonly algorithm: DigestAlgorithm;
      readonly prefixes: readonly string[];
      readonly leaves: LeafSearch;
    }
  | { readonly kind: "repositories"; readonly names: readonly string[]; readonly leaves: LeafSearch }
  | { readonly kind: "links"; readonly name: string; readonly work: LinkWork; readonly leaves: LeafSearch }
  | {
      readonly kind: "manifests";
      readonly algorithm: DigestAlgorithm;
      readonly digests: Uint32Array;
      readonly listedBytes?: Float64Array | undefined;
    }
  | { readonly kind: "modified"; readonly paths: readonly string[] }
  | { readonly kind: "contents"; readonly paths: readonly string[] }
  | { readonly kind: "files"; readonly directories: readonly string[] }
  | { readonly kind: "verify"; readonly selection: BlobSelection }
  /** As in `change-messages.ts`. */
  | { readonly kind: "remove"; readonly paths: string }
  | { readonly kind: "remove-with-directories"; readonly paths: string }
  | { readonly kind: "move"; readonly moves: string }
  | { readonly kind: "prune"; readonly directories: string };

/** Those that read what is listed: they never take long, and the main thread does some of them. */
const READING: ReadonlySet<Task["kind"]> = new Set([
  "blobs",
  "repositories",
  "links",
  "manifests",
  "modified",
  "contents",
  "files",
]);

/** Whether a task only reads what is listed. */
export function isReading({ kind }: Task): boolean {
  return READING.has(kind);
}

/** What each kind of task returns. */
export interface TaskResults {
  blobs: BlobBatch;
  repositories: readonly RepositoryVisit[];
  links: RepositoryListing;
  manifests: ManifestBatch;
  modified: readonly (number | StorageFault)[];
  contents: readonly (readonly [string, Uint8Array | undefined])[];
  files: readonly (readonly string[] | StorageFault)[];
  verify: VerifiedBlobs;
  remove: PackedOutcomes;
  "remove-with-directories": PackedOutcomes & Pick<RemovedWithDirectories, "left">;
  move: PackedOutcomes;
  prune: readonly Standing[];
}

/**
 * Whether the calls of a thread wait: too briefly for anything but another thread; for the storage alone; or also for each other, so that more
 * tasks would only wait longer.
 */
export type Waiting = "none" | "briefly" | "storage" | "calls";

/** The result of a task, or the `OperatorError` that ended it, with what it cost, and whether its calls waited. */
export type TaskOutcome = { readonly requests: StorageRequests; readonly waiting: Waiting } & (
  | { readonly result: TaskResults[Task["kind"]] }
  | { readonly refusal: Pick<OperatorError, "message" | "exitCode" | "cause"> }
);

/** Does the tasks of one thread. */
export class TaskRunner {
  /** Lives as long as the thread: it knows which directories are no symbolic links. */
  readonly #changes: ObjectChanges;

  constructor(
    /** An absolute path. */
    private readonly root: string,
    private readonly isNetwork: boolean,
  ) {
    this.#changes = new ObjectChanges(new PlainPaths(root), counts);
  }

  /** Throws on nothing but errors of its own. `onBytes` receives the number of bytes as they are read, from tasks that may take long. */
  run(task: Task, onBytes: (bytes: number) => void): TaskOutcome {
    try {
      return { result: this.#dispatch(task, onBytes), requests: takeCounts(), waiting: "none" };
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      const { message, exitCode, cause } = error;
      return { refusal: { message, exitCode, cause }, requests: takeCounts(), waiting: "none" };
    }
  }

  #dispatch(task: Task, onBytes: (bytes: number) => void): TaskResults[Task["kind"]] {
    const { root } = this;
    switch (task.kind) {
      case "blobs":
        return scanBlobs(root, task.algorithm, task.prefixes, task.leaves);
      case "repositories":
        return task.names.map((name) => visitRepository(root, name, task.leaves));
      case "links":
        return readLinks(root, task.name, task.work, task.leaves);
      case "manifests":
        return readManifests(root, task.algorithm, task.digests, task.listedBytes);
      case "modified":
        return task.paths.map((path) => modifiedTime(root, path));
      case "contents":
        return task.paths.flatMap((path) => contentAgain(root, path));
      case "files":
        return task.directories.map((directory) => filesBelow(root, directory));
      case "verify":
        return verifyBlobs({ root, isNetwork: this.isNetwork }, task.selection, onBytes);
      case "remove":
        return packOutcomes(this.#changes.remove(splitPaths(task.paths)));
      case "remove-with-directories": {
        const changed = this.#changes.removeWithDirectories(splitPaths(task.paths));
        return { ...packOutcomes(changed), left: changed.left };
      }
      case "move":
        return packOutcomes(this.#changes.move(splitMoves(task.moves)));
      case "prune":
        return this.#changes.prune(splitPaths(task.directories));
    }
  }
}

/** What a link that was empty holds now; nothing is said of one that cannot be read. */
function contentAgain(root: string, path: string): [string, Uint8Array | undefined][] {
  counts.get++;
  try {
    const length = readLink(`${root}/${path}`);
    return [[path, length === ABSENT ? undefined : linkContent(length)]];
  } catch {
    return [];
  }
}

function filesBelow(root: string, directory: string): readonly string[] | StorageFault {
  const reader = new RepositoryReader(root, new RepositoryListingBuilder(""), "some");
  const files = Array.from(reader.filesBelow(directory), (file) => file.slice(directory.length + 1));
  const [fault] = reader.builder.build().faults;
  return fault ?? files;
}
