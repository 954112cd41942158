import crypto from "node:crypto";
import type { DeleteObjectsCommand } from "@aws-sdk/client-s3";

/** DeleteObjects of the present SDK carries a CRC32; servers from before it insist on the MD5 of the body (RFC 1864). */
export function sendContentMd5(command: DeleteObjectsCommand): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args;
      if (isWithBody(request)) {
        for (const header of Object.keys(request.headers))
          if (/^x-amz-(?:sdk-)?checksum-/.test(header)) delete request.headers[header];
        request.headers["content-md5"] = crypto.hash("md5", request.body, "base64");
      }
      return next(args);
    },
    { step: "build", priority: "low", name: "contentMd5" },
  );
}

function isWithBody(request: unknown): request is { headers: Record<string, string>; readonly body: string | Uint8Array } {
  if (typeof request !== "object" || request === null || !("headers" in request) || !("body" in request)) return false;
  return typeof request.body === "string" || request.body instanceof Uint8Array;
}
