/** Which storage a plan or a run is for: two servers may have a bucket of the same name. */
export interface StorageIdentity {
  readonly driver: string;
  readonly location: string;
  /** S3: host and port of the server; undefined for AWS. */
  readonly server?: string | undefined;
}

/** Only what identifies a storage, of whatever has that. */
export function identityOf({ driver, location, server }: StorageIdentity): StorageIdentity {
  return { driver, location, ...(server === undefined ? {} : { server }) };
}

/** Whether both are the same storage. What was written before there were servers in it is taken for AWS's, which is refused elsewhere. */
export function isSameStorage(one: StorageIdentity, other: StorageIdentity): boolean {
  return one.driver === other.driver && one.location === other.location && one.server === other.server;
}

/** For people: `s3://bucket at minio.example.com:9000`. */
export function describeStorage({ driver, location, server }: StorageIdentity): string {
  if (server !== undefined) return `${location} at ${server}`;
  return driver === "s3" ? `${location} at AWS` : location;
}
