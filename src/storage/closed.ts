/** What work on a storage that was closed is told: a signal has ended the run, and nothing is to be asked or written any more. */
export class StorageClosed extends Error {
  override readonly name = "StorageClosed";
  constructor() {
    super("the storage is closed");
  }
}
