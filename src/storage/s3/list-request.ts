/** Which page of a listing is asked for. */
export interface ListRequest {
  readonly prefix: string;
  /** Keys that sort behind this one; ignored with a token. */
  readonly startAfter?: string | undefined;
  readonly token?: string | undefined;
  readonly delimiter?: string | undefined;
  readonly maxKeys?: number | undefined;
}

/** Asks AWS whether what is in an archive has a copy that was restored: other servers have no archive. */
export const RESTORE_STATUS = { "x-amz-optional-object-attributes": "RestoreStatus" };

/** The same as the SDK makes of it. */
export function queryOf({ prefix, startAfter, token, delimiter, maxKeys }: ListRequest): Record<string, string> {
  return {
    "list-type": "2",
    prefix,
    ...(token === undefined ? {} : { "continuation-token": token }),
    ...(token === undefined && startAfter !== undefined ? { "start-after": startAfter } : {}),
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(maxKeys === undefined ? {} : { "max-keys": String(maxKeys) }),
  };
}
