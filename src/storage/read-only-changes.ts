import type { DigestAlgorithm } from "../registry/digest.js";
import type { Hiding, StorageChanges, StoredObject } from "./changes.js";
import type { StorageRequests } from "./requests.js";

/**
 * What a dry run is given in the place of changes: it looks as they do. Whatever would change something throws, and nothing is changed: it
 * would be a mistake in the program.
 */
export class ReadOnlyChanges implements StorageChanges {
  constructor(private readonly changes: StorageChanges) {}

  get requests(): Readonly<StorageRequests> {
    return this.changes.requests;
  }

  keepsVersions(): Promise<boolean> {
    return this.changes.keepsVersions();
  }

  hiding(paths: readonly string[]): Promise<readonly Hiding[]> {
    return this.changes.hiding(paths);
  }

  cannotMoveTo(directory: string): Promise<string | undefined> {
    return this.changes.cannotMoveTo(directory);
  }

  stat(path: string): Promise<StoredObject | undefined> {
    return this.changes.stat(path);
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return this.changes.read(path);
  }

  digest(path: string, algorithm: DigestAlgorithm): Promise<string | undefined> {
    return this.changes.digest(path, algorithm);
  }

  list(directory: string): AsyncIterable<StoredObject> {
    return this.changes.list(directory);
  }

  emptyDirectories(directories: readonly string[]): ReturnType<StorageChanges["emptyDirectories"]> {
    return this.changes.emptyDirectories(directories);
  }

  close(): Promise<void> {
    return this.changes.close();
  }

  remove(): Promise<never> {
    return refuse();
  }

  removeForGood(): Promise<never> {
    return refuse();
  }

  unhide(): Promise<never> {
    return refuse();
  }

  move(): Promise<never> {
    return refuse();
  }

  create(): Promise<never> {
    return refuse();
  }

  store(): Promise<never> {
    return refuse();
  }

  removeWithDirectories(): Promise<never> {
    return refuse();
  }

  replace(): Promise<never> {
    return refuse();
  }

  makeDirectory(): Promise<never> {
    return refuse();
  }

  pruneDirectories(): Promise<never> {
    return refuse();
  }

  settle(): Promise<never> {
    return refuse();
  }

  abortMultipartUploads(): Promise<never> {
    return refuse();
  }
}

async function refuse(): Promise<never> {
  throw new Error("a dry run was about to change the storage: nothing was changed");
}
