import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { S3Error, notImplemented } from "./reply.js";

type Headers = Readonly<Record<string, string>>;

/** The content that a request carries, and its headers with what came in the trailer. */
export interface Content {
  readonly body: Buffer;
  readonly headers: Headers;
}

/**
 * Takes the content out of a request body and verifies it against every digest that was sent with it.
 * Signatures of single chunks are not verified; a checksum of a kind that we can't compute is refused.
 */
export function contentOf(raw: Buffer, headers: Headers): Content {
  const hash = headers["x-amz-content-sha256"] ?? "";
  const isChunked = hash.startsWith("STREAMING-") || /\baws-chunked\b/.test(headers["content-encoding"] ?? "");
  const content = isChunked ? decodeChunks(raw, headers) : { body: raw, headers };
  const { body } = content;
  if (/^[0-9a-f]{64}$/.test(hash) && hash !== digest("sha256", body, "hex")) {
    throw new S3Error(
      400,
      "XAmzContentSHA256Mismatch",
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  }
  const md5 = headers["content-md5"];
  if (md5 !== undefined && md5 !== digest("md5", body, "base64")) {
    throw new S3Error(400, "BadDigest", "The Content-MD5 you specified did not match what we received.");
  }
  for (const [name, value] of Object.entries(content.headers)) {
    const algorithm = /^x-amz-checksum-(?!algorithm|mode|type)(.+)$/.exec(name)?.[1];
    if (algorithm !== undefined && value !== checksum(algorithm, body)) {
      throw new S3Error(400, "BadDigest", `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`);
    }
  }
  return content;
}

function checksum(algorithm: string, body: Buffer): string {
  if (algorithm === "sha1" || algorithm === "sha256") return digest(algorithm, body, "base64");
  if (algorithm !== "crc32") throw notImplemented(`the checksum ${algorithm}`);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString("base64");
}

function decodeChunks(raw: Buffer, headers: Headers): Content {
  const chunks: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const lineEnd = raw.indexOf("\r\n", offset);
    const size = Number.parseInt(/^[0-9a-f]+/i.exec(raw.toString("latin1", offset, lineEnd))?.[0] ?? "", 16);
    if (lineEnd < 0 || Number.isNaN(size)) throw incomplete("a chunk has no size");
    offset = lineEnd + 2;
    if (size === 0) break;
    const chunk = raw.subarray(offset, offset + size);
    offset += size + 2;
    if (raw.toString("latin1", offset - 2, offset) !== "\r\n") throw incomplete("a chunk has no end");
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const length = headers["x-amz-decoded-content-length"];
  if (length !== undefined && Number(length) !== body.length) throw incomplete(`${body.length} of ${length} bytes came`);
  const trailer = raw
    .toString("latin1", offset)
    .split("\r\n")
    .flatMap((line) => {
      const match = /^([^:]+):\s*(.*)$/.exec(line);
      return match === null ? [] : [[(match[1] ?? "").toLowerCase(), match[2] ?? ""] as const];
    });
  return { body, headers: { ...headers, ...Object.fromEntries(trailer) } };
}

function incomplete(why: string): S3Error {
  return new S3Error(400, "IncompleteBody", `The request body terminated unexpectedly: ${why}`);
}

function digest(algorithm: string, body: Buffer, encoding: "hex" | "base64"): string {
  return createHash(algorithm).update(body).digest(encoding);
}
