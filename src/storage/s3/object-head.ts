/** An object's head. */
export interface ObjectHead {
  readonly bytes: number;
  readonly etag: string;
}
