import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { ListObjectVersionsCommandInput, ObjectIdentifier } from "@aws-sdk/client-s3";
import type { Hiding } from "../changes.js";
import type { StorageRequests } from "../requests.js";
import { observe } from "./attempt.js";
import type { Observable } from "./attempt.js";
import { BucketReader } from "./bucket-reader.js";
import { sendContentMd5 } from "./content-md5.js";
import { copyObject } from "./copy.js";
import type { ObjectHead } from "./object-head.js";
import { causeOf, isConflict, isNoSuchObject, isNotImplemented, isPreconditionFailed, nameOf } from "./errors.js";

/** A key, or one version of it. */
export interface Doomed {
  readonly key: string;
  readonly versionId?: string | undefined;
}

/** What became of it: the delete marker that hides it now, if the bucket keeps versions. */
export type Deletion = { readonly deleteMarker?: string | undefined } | { readonly failure: string; readonly code: string };

/** One version of an object, or a delete marker. */
export interface ObjectVersion {
  readonly versionId: string;
  readonly etag: string;
  readonly isMarker: boolean;
  readonly isLatest: boolean;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** When an object is stored: only where there is none, or only in the place of the one with this ETag. */
export type PutCondition =
  | { readonly IfNoneMatch: "*"; readonly IfMatch?: never }
  | { readonly IfMatch: string; readonly IfNoneMatch?: never }
  | { readonly IfNoneMatch?: never; readonly IfMatch?: never };

/** How a server takes deletes: each of those that do not take the one before is asked in the next way from then on. */
const WAYS = ["checksum", "content-md5", "one by one"] as const;

/** A bucket that is written to: for the sweep and its kin. */
export class BucketWriter extends BucketReader {
  #way = 0;

  /** Only where it is `Enabled` does a delete hide an object behind a marker: where it is `Suspended`, the marker takes the object's place. */
  async versioning(): Promise<"Enabled" | "Suspended" | undefined> {
    const command = new GetBucketVersioningCommand({ Bucket: this.name });
    try {
      return (await this.#send("get", () => this.client.send(command), command)).Status;
    } catch (error) {
      if (isNotImplemented(error)) return undefined;
      throw error;
    }
  }

  /** What hides an object now: usually one marker above one version, which takes one request. */
  async hiding(key: string): Promise<Hiding> {
    const markers: string[] = [];
    let after: Pick<ListObjectVersionsCommandInput, "KeyMarker" | "VersionIdMarker"> = {};
    for (;;) {
      // The newest comes first, but contents and markers come apart: of two, the latest says which is above; of more, nothing would.
      const MaxKeys = markers.length === 0 ? 2 : 1;
      const command = new ListObjectVersionsCommand({ Bucket: this.name, Prefix: key, MaxKeys, ...after });
      const page = await this.#send("list", () => this.client.send(command), command);
      const content = page.Versions?.find(({ Key }) => Key === key);
      const written = content && (content.LastModified?.getTime() ?? 0) / 1000;
      if (content?.IsLatest === true) return { markers: [], written, bytes: content.Size };
      const found = (page.DeleteMarkers ?? []).flatMap(({ Key, VersionId }) => (Key === key ? (VersionId ?? []) : []));
      markers.push(...found);
      if (content !== undefined || found.length === 0 || page.IsTruncated !== true) return { markers, written };
      after = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
    }
  }

  /** The versions of an object, the newest first, and then its delete markers: all of them, or it throws. */
  async versionsOf(key: string): Promise<readonly ObjectVersion[]> {
    const command = new ListObjectVersionsCommand({ Bucket: this.name, Prefix: key, MaxKeys: 1000 });
    const page = await this.#send("list", () => this.client.send(command), command);
    const { Versions = [], DeleteMarkers = [] } = page;
    const all = [...Versions, ...DeleteMarkers];
    if (page.IsTruncated === true && all.every(({ Key }) => Key === key)) throw new Error("it has more than a thousand versions");
    return [...Versions, ...DeleteMarkers.map((marker) => ({ ...marker, ETag: "" }))].flatMap(
      ({ Key, VersionId = "", ETag = "", IsLatest = false, LastModified }, i) =>
        Key === key
          ? [
              {
                versionId: VersionId,
                etag: ETag.replaceAll('"', ""),
                isMarker: i >= Versions.length,
                isLatest: IsLatest,
                modified: LastModified?.getTime() ?? 0,
              },
            ]
          : [],
    );
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.name, Key: key });
    try {
      const { ContentLength, ETag, LastModified } = await this.#send("head", () => this.client.send(command), command);
      if (ContentLength === undefined) throw new Error("an object without a length");
      const modified = Math.floor((LastModified?.getTime() ?? 0) / 1000);
      return { bytes: ContentLength, etag: (ETag ?? "").replaceAll('"', ""), modified };
    } catch (error) {
      if (isNoSuchObject(error)) return undefined;
      throw error;
    }
  }

  /** Stores an object; returns the id of its version, if it has one. Some servers take no notice of the condition. */
  async put(key: string, content: Uint8Array, condition: PutCondition = {}): Promise<string | undefined> {
    const command = new PutObjectCommand({
      Bucket: this.name,
      Key: key,
      Body: Buffer.from(content),
      ...condition,
    });
    return (await this.#send("put", () => this.client.send(command), command)).VersionId;
  }

  /** Copies an object that is still what its head says, of any size. */
  copy(from: string, to: string, head: ObjectHead): Promise<void> {
    return copyObject(
      { bucket: this.name, from, to, head, send: (command, call) => this.#send("put", call, command) },
      this.client,
    );
  }

  /** Ends an unfinished multipart upload; false when there is none. */
  async abort(key: string, uploadId: string): Promise<boolean> {
    const command = new AbortMultipartUploadCommand({ Bucket: this.name, Key: key, UploadId: uploadId });
    try {
      await this.#send("delete", () => this.client.send(command), command);
      return true;
    } catch (error) {
      if (nameOf(error) === "NoSuchUpload" || isNoSuchObject(error)) return false;
      throw error;
    }
  }

  /** Deletes up to 1,000 objects; the results are in their order. What fails as a whole throws. */
  async delete(doomed: readonly Doomed[]): Promise<readonly Deletion[]> {
    for (;;) {
      const way = this.#way;
      try {
        if (WAYS[way] === "one by one") return await Promise.all(doomed.map((one) => this.#deleteOne(one)));
        return await this.#deleteMany(doomed, WAYS[way] === "content-md5");
      } catch (error) {
        if (!isRefused(error) || way === WAYS.length - 1) throw error;
        this.#way = Math.max(this.#way, way + 1);
      }
    }
  }

  /** Deletes an object if it has this ETag; false where it has not. Some servers take no notice of the condition. */
  async deleteMatching(key: string, etag: string): Promise<boolean> {
    // Ceph 16 compares what a PUT is to match as it is, without the quotes of the standard: it may do so here.
    for (const IfMatch of etag === "" ? [undefined] : [`"${etag}"`, etag]) {
      try {
        await this.#deleteIf(key, IfMatch);
        return true;
      } catch (error) {
        if (!isPreconditionFailed(error) && !isConflict(error) && !isNoSuchObject(error)) throw error;
      }
    }
    return false;
  }

  async #deleteIf(Key: string, IfMatch: string | undefined): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.name, Key, ...(IfMatch === undefined ? {} : { IfMatch }) });
    try {
      await this.#send("delete", () => this.client.send(command), command);
    } catch (error) {
      if (IfMatch === undefined || !isNotImplemented(error)) throw error;
      await this.#deleteIf(Key, undefined);
    }
  }

  async #deleteMany(doomed: readonly Doomed[], withMd5: boolean): Promise<readonly Deletion[]> {
    const Objects = doomed.map(({ key, versionId }): ObjectIdentifier => ({
      Key: key,
      ...(versionId === undefined ? {} : { VersionId: versionId }),
    }));
    const command = new DeleteObjectsCommand({ Bucket: this.name, Delete: { Objects, Quiet: false } });
    if (withMd5) sendContentMd5(command);
    const { Deleted = [], Errors = [] } = await this.#send("delete", () => this.client.send(command), command);
    const identity = (key = "", versionId = ""): string => `${versionId}\n${key}`;
    const results = new Map<string, Deletion>();
    for (const { Key, VersionId, DeleteMarker, DeleteMarkerVersionId } of Deleted)
      results.set(identity(Key, VersionId), { deleteMarker: hidingMarker(DeleteMarker, DeleteMarkerVersionId) });
    for (const { Key, VersionId, Code = "an error without a code", Message = "" } of Errors)
      results.set(identity(Key, VersionId), {
        code: Code,
        failure: Message === "" || Message === Code ? Code : `${Code}: ${Message}`,
      });
    return doomed.map(
      ({ key, versionId }) =>
        results.get(identity(key, versionId)) ??
        // Ceph 16 leaves the version out of its answer.
        results.get(identity(key)) ?? { code: "", failure: "the server's answer says nothing of it" },
    );
  }

  async #deleteOne({ key, versionId }: Doomed): Promise<Deletion> {
    const command = new DeleteObjectCommand({ Bucket: this.name, Key: key, VersionId: versionId });
    try {
      const { DeleteMarker, VersionId } = await this.#send("delete", () => this.client.send(command), command);
      return { deleteMarker: hidingMarker(DeleteMarker, VersionId) };
    } catch (error) {
      return { code: nameOf(error), failure: causeOf(error) };
    }
  }

  /** Counts the attempts of a request and runs it within the bound. */
  #send<Input extends object, Output extends object, T>(
    kind: keyof StorageRequests,
    call: () => Promise<T>,
    command: Observable<Input, Output>,
  ): Promise<T> {
    return this.limit.run((onThrottled) => {
      observe(command, { onAttempt: () => this.requests[kind]++, onThrottled });
      return call();
    });
  }
}

/** The marker with the id `null` hides nothing that was stored under that id: it has taken its place. */
function hidingMarker(isMarker = false, id?: string): string | undefined {
  return isMarker && id !== "null" ? id : undefined;
}

/** Whether the server does not take the request in this form, and has therefore done nothing. */
function isRefused(error: unknown): boolean {
  return (
    isNotImplemented(error) ||
    ["InvalidRequest", "MissingContentMD5", "InvalidDigest", "MissingDigest", "XAmzContentChecksumMismatch"].includes(
      nameOf(error),
    )
  );
}
