import { once } from "node:events";
import http from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { probe } from "#regcheck/guard/probe.js";

test.each([
  [200, "read-only"],
  [204, "read-only"],
  [404, "unclear"],
  [405, "unclear"],
  [500, "unclear"],
  [503, "unclear"],
])("an answer %d that allows GET and HEAD alone is %s: only a registry that serves says what it takes", async (status, kind) => {
  const server = http.createServer((_, response) => {
    response.writeHead(status, { "docker-distribution-api-version": "registry/2.0", allow: "GET, HEAD" }).end();
  });
  server.listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const address = server.address();
  const url = typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
  expect((await probe({ url, isOwn: false }, {})).kind).toBe(kind);
});
