/** An object's head. */
export interface ObjectHead {
  readonly bytes: number;
  readonly etag: string;
  /** Seconds since 1970. */
  readonly modified: number;
}
