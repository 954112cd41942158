import path from "node:path";
import { describe, expect, test, vi } from "vitest";
import { check } from "#regcheck/check.js";
import { detailOf } from "#regcheck/report/finding-words.js";
import { Expirations } from "#regcheck/storage/s3/expirations.js";
import type { S3Options } from "#regcheck/storage/s3/options.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { blobFile, RegistryBuilder, V2 } from "../../support/builder.js";
import { problemsOf } from "../../support/json-schema.js";
import { regcheck } from "../../support/run.js";
import { CREDENTIALS, optionsFor, startedServer, store } from "../../support/s3-bucket.js";
import type { S3Server } from "../../support/s3-server/index.js";
import { temporaryDirectory } from "../../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };
const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 3600, now: Math.floor(Date.now() / 1000), pins: [] };
/** When everything was written. */
const WRITTEN = Date.UTC(2026, 7, 10, 12) / 1000;
const REPOSITORIES = `${V2}/repositories/`;
const BLOBS = `${V2}/blobs/`;

/** A bucket with two images, one of them garbage, and an upload. */
async function filled(root = ""): Promise<S3Server> {
  const builder = new RegistryBuilder();
  const app = builder.repository("team/app");
  app.image({ layers: ["a layer"], tag: "1" });
  app.image({ layers: ["another"], config: '{"n":2}' });
  builder.tree.write(`${app.path}/_uploads/11111111-2222-4333-8444-555555555555/startedat`, "2026-08-10T12:00:00Z");
  for (const [file, { content }] of builder.tree.files) builder.tree.write(file, content, WRITTEN);
  const server = await startedServer();
  store(server, builder.tree, "md5", root);
  return server;
}

/** What a check of the bucket says of its rules. */
async function checked(server: S3Server, more: Partial<S3Options> = {}) {
  const storage = new S3Storage(optionsFor(server, more));
  try {
    const report = await check(storage, { policy: POLICY });
    expect(report.complete).toBe(true);
    const found = [...report.findings(["bucket-expires"])];
    return { found, words: found.map(detailOf), warnings: report.severities.warning, requests: report.requests };
  } finally {
    await storage.close();
  }
}

describe("a lifecycle rule of the bucket", () => {
  test("that deletes everything is a warning, with the first date, whether manifests are read or known", async () => {
    const server = await filled();
    server.expire("b", [{ id: "older than 90 days", prefix: "", days: 90 }]);
    const cache = temporaryDirectory();
    const said = 'the rule "older than 90 days" deletes it on 2026-11-09; the server named the rule in';
    const cold = await checked(server, { cache });
    expect(cold).toMatchObject({ warnings: 1, found: [{ rule: "older than 90 days" }], words: [`${said} 4 answers`] });
    const warm = await checked(server, { cache });
    expect(warm.requests).toMatchObject({ get: 0, head: 2 });
    expect(warm).toMatchObject({ warnings: 1, found: [{ rule: "older than 90 days" }], words: [`${said} 2 answers`] });
  });

  test("is in the report, and no new finding the next night, when another object shows it", async () => {
    const server = await filled();
    server.expire("b", [{ id: "\u001B[31m<b>", prefix: "", days: 90 }]);
    const [cache, baseline] = [temporaryDirectory(), path.join(temporaryDirectory(), "baseline.ndjson")];
    const run = (...args: readonly string[]) =>
      regcheck(["s3://b", "--endpoint", server.endpoint, "--cache", cache, "--fail-on", "warning", ...args], KEYS);
    expect((await run("--baseline", baseline, "--update-baseline")).exitCode).toBe(1);
    const { exitCode, stdout } = await run("--baseline", baseline, "--fail-on-new", "--format", "json");
    expect(exitCode).toBe(0);
    const report = JSON.parse(stdout) as { readonly findings: readonly { readonly code: string; readonly rule?: string }[] };
    expect(problemsOf(report)).toBe("No errors");
    expect(report.findings.filter(({ code }) => code === "bucket-expires")).toMatchObject([{ rule: "\u001B[31m<b>" }]);
    const html = await run("--format", "html");
    expect(html.stdout).toContain("bucket-expires");
    expect(html.stdout).not.toContain("[31m<b>");
  });

  test.each([
    ["blobs", BLOBS, /^docker\/registry\/v2\/blobs\//],
    ["links", REPOSITORIES, /^docker\/registry\/v2\/repositories\/team\/app\/_manifests\/revisions\//],
  ])("for %s alone is found with nothing read", async (_, prefix, shown) => {
    const server = await filled();
    const cache = temporaryDirectory();
    await checked(server, { cache });
    server.expire("b", [{ id: "some", prefix, days: 1 }]);
    const { found, requests } = await checked(server, { cache });
    expect(requests).toMatchObject({ get: 0 });
    expect(found).toMatchObject([{ rule: "some", path: expect.stringMatching(shown) as string }]);
  });

  test("is one of several, below a root directory: a finding for each", async () => {
    const server = await filled("root/");
    server.expire(
      "b",
      [BLOBS, REPOSITORIES].map((prefix, i) => ({ id: `rule ${i}`, prefix: `root/${prefix}`, days: 30 })),
    );
    const { found } = await checked(server, { rootDirectory: "root" });
    expect(new Set(found.map(({ rule }) => rule))).toEqual(new Set(["rule 0", "rule 1"]));
  });

  test("for uploads, the quarantine or somebody else's keys is none of ours", async () => {
    const server = await filled();
    server.put("b", "regcheck/quarantine/x", "");
    server.put("b", "other/x", "");
    const prefixes = ["other/", "regcheck/", `${REPOSITORIES}team/app/_uploads/`];
    server.expire(
      "b",
      prefixes.map((prefix) => ({ id: prefix, prefix, days: 1 })),
    );
    expect((await checked(server)).found).toEqual([]);
  });

  test("that may not be asked for, or was asked of something that is gone, is no fault", async () => {
    const server = await filled();
    server.expire("b", [{ id: "old", prefix: "", days: 90 }]);
    const cache = temporaryDirectory();
    await checked(server, { cache });
    const denied = server.inject({
      operation: "HeadObject",
      times: 2,
      effect: { kind: "error", status: 403, code: "AccessDenied" },
    });
    expect(await checked(server, { cache })).toMatchObject({ warnings: 0, found: [] });
    expect(denied.hits()).toBe(2);
    server.inject({ operation: "HeadObject", times: 2, effect: { kind: "error", status: 404, code: "NotFound" } });
    expect(await checked(server, { cache })).toMatchObject({ warnings: 0, found: [] });
    server.expire("b", [{ id: "", prefix: "", days: 1, header: "NotImplemented" }]);
    expect(await checked(server)).toMatchObject({ warnings: 0, found: [] });
  });

  test("is not asked for where there is nothing that a pull needs", async () => {
    const server = await startedServer();
    server.put("b", blobFile(`sha256:${"a".repeat(64)}`), "nobody's", { modified: new Date(WRITTEN * 1000) });
    expect((await checked(server)).requests).toMatchObject({ head: 0 });
  });

  test("is asked for beside the listing of uploads: neither waits for the other", async () => {
    const server = await filled();
    const storage = new S3Storage(optionsFor(server));
    const uploads = storage.multipartUploads.bind(storage);
    storage.multipartUploads = async () => {
      await vi.waitUntil(() => server.requests["HeadObject"] === 2);
      return uploads();
    };
    expect((await check(storage, { policy: POLICY })).complete).toBe(true);
    await storage.close();
  });
});

describe("the header", () => {
  const blob = blobFile(`sha256:${"a".repeat(64)}`);
  const date = 'expiry-date="Fri, 25 Dec 2026 00:00:00 GMT"';
  const at = Date.UTC(2026, 11, 25) / 1000;
  const noted = (...headers: readonly string[]) => {
    const expirations = new Expirations();
    for (const header of headers) expirations.note(blob, header);
    return expirations.all();
  };

  test.each<[string, string | undefined]>([
    [`${date}, rule-id="old"`, "old"],
    [`rule-id="old", ${date}`, "old"],
    [`${date}, rule-id="a%20b%2Fc"`, "a b/c"],
    [`${date}, rule-id="50%"`, "50%"],
    [`${date}, rule-id="say "x""`, 'say "x"'],
    [`${date}, rule-id=""`, ""],
    [`${date}, rule-id=old`, undefined],
    [date, undefined],
  ])("%s", (header, rule) => {
    expect(noted(header)).toEqual([{ rule, at, path: blob, answers: 1 }]);
  });

  test.each(["", "NotImplemented", 'rule-id="old"', 'expiry-date="soon", rule-id="old"', 'expiry-date="', "expiry-date=1"])(
    "%j says nothing",
    (header) => {
      expect(noted(header)).toEqual([]);
    },
  );

  test("is summed up by rule, of no more rules than a bucket may have", () => {
    const later = 'expiry-date="Sat, 26 Dec 2026 00:00:00 GMT"';
    expect(noted(`${later}, rule-id="a"`, `${date}, rule-id="a"`, `${later}, rule-id="a"`)).toEqual([
      { rule: "a", at, path: blob, answers: 3 },
    ]);
    expect(noted(...Array.from({ length: 1500 }, (_, i) => `${date}, rule-id="${i}"`))).toHaveLength(1000);
  });

  test.each([
    [`${REPOSITORIES}app/_manifests/tags/1/current/link`, 1],
    [`${REPOSITORIES}app/_layers/sha256/${"a".repeat(64)}/link`, 1],
    [`${REPOSITORIES}app/_manifests/tags/1/index/sha256/${"a".repeat(64)}/link`, 0],
    [`${REPOSITORIES}app/_uploads/1/startedat`, 0],
    [`${BLOBS}sha256/stray`, 0],
    [`${REPOSITORIES}app/stray`, 0],
    ["regcheck/quarantine/x", 0],
    ["scheduler-state.json", 0],
  ])("of %s counts %i times", (file, count) => {
    const expirations = new Expirations();
    expirations.note(file, date);
    expect(expirations.all()).toHaveLength(count);
  });
});
