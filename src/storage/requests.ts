/** Requests made to the storage, by kind: for S3 the API's operations, for a filesystem directories listed, objects stat'ed and read. */
export interface StorageRequests {
  list: number;
  get: number;
  head: number;
  put: number;
  delete: number;
}

/** US dollars for one request of each kind. */
export type RequestPrices = Readonly<StorageRequests>;

/** Where counting begins. */
export function noRequests(): StorageRequests {
  return { list: 0, get: 0, head: 0, put: 0, delete: 0 };
}

/** Adds what somebody else has asked for. */
export function addRequests(to: StorageRequests, { list, get, head, put, delete: deleted }: Readonly<StorageRequests>): void {
  to.list += list;
  to.get += get;
  to.head += head;
  to.put += put;
  to.delete += deleted;
}

/** What requests cost, in US dollars. */
export function costOf(requests: Readonly<StorageRequests>, prices: RequestPrices): number {
  return (["list", "get", "head", "put", "delete"] as const).reduce((sum, kind) => sum + requests[kind] * prices[kind], 0);
}
