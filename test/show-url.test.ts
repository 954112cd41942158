import { expect, test } from "vitest";
import { showUrl } from "#regcheck/show-url.js";

test.each([
  ["https://minio.example.com:9000/path", "https://minio.example.com:9000/path"],
  ["localhost:9000", "localhost:9000"],
  ["http://user:secret@host:1/", "http://…@host:1/"],
  ["http://user:se@cret@host", "http://…@host"],
  ["http://user:se/c?r#et@host", "http://…@host"],
  ["ftp://user:secret@host", "ftp://…@host"],
  ["user:secret@host", "…@host"],
  ["user:sec\nret@host", "…@host"],
  ["https://host/path?signature=secret", "https://host/path…"],
  ["s3://bucket#secret", "s3://bucket…"],
])("%j is shown as %s", (url, shown) => {
  expect(showUrl(url)).toBe(shown);
});
