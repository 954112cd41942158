import crypto from "node:crypto";
import { expect, test } from "vitest";
import { md5OfLink } from "#regcheck/storage/s3/link-md5.js";

test("the MD5 of links is what Node says", () => {
  const md5 = new Uint32Array(4);
  for (let i = 0; i < 1000; i++) {
    const hex = crypto.hash("sha256", String(i), "hex");
    md5OfLink(Buffer.from(`..${hex}.`), 2, md5);
    const text = Array.from(md5, (word) => word.toString(16).padStart(8, "0")).join("");
    expect(text).toBe(crypto.hash("md5", `sha256:${hex}`, "hex"));
  }
});
