/** Where a storage is, as it is called from here: two servers may have a bucket of the same name. */
export interface StoragePlace {
  readonly driver: string;
  readonly location: string;
  /** S3: host and port of the server; undefined for AWS. */
  readonly server?: string | undefined;
}

/** Which storage a plan or a run is for. */
export interface StorageIdentity extends StoragePlace {
  /**
   * Of a directory: what the first run that changed it has written into it. The containers of two registries may each have theirs at the same
   * path. Undefined as long as no run has, in what earlier versions have written, and for a bucket, which no other is called as.
   */
  readonly id?: string | undefined;
}

/** Only where a storage is, of whatever has that. */
export function placeOf({ driver, location, server }: StoragePlace): StoragePlace {
  return { driver, location, ...(server === undefined ? {} : { server }) };
}

/** Only what identifies a storage, of whatever has that. */
export function identityOf(storage: StorageIdentity): StorageIdentity {
  const { id } = storage;
  return { ...placeOf(storage), ...(id === undefined ? {} : { id }) };
}

/**
 * Whether both are the same storage; where one of them has no id, both are the one at their place. What was written before there were servers
 * in it is taken for AWS's, which is refused elsewhere.
 */
export function isSameStorage(one: StorageIdentity, other: StorageIdentity): boolean {
  return isAtSamePlace(one, other) && (one.id === undefined || other.id === undefined || one.id === other.id);
}

/** Whether both are called the same from here: which of two storages there is, is another question. */
export function isAtSamePlace(one: StoragePlace, other: StoragePlace): boolean {
  return one.driver === other.driver && one.location === other.location && one.server === other.server;
}

/** For people: `s3://bucket at minio.example.com:9000`. */
export function describeStorage({ driver, location, server }: StoragePlace): string {
  if (server !== undefined) return `${location} at ${server}`;
  return driver === "s3" ? `${location} at AWS` : location;
}
