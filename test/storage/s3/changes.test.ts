import crypto from "node:crypto";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { S3Changes } from "#regcheck/storage/s3/changes.js";
import { optionsFor, startedServer } from "../../support/s3-bucket.js";
import type { Effect, S3Server } from "../../support/s3-server/index.js";

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `docker/n${i}`);
const text = (content: Uint8Array | undefined): string | undefined => content && Buffer.from(content).toString();

async function changed(keys: readonly string[], { versioned = false, root = "" } = {}) {
  const server = await startedServer({ buckets: [{ name: "b", versioned }] });
  for (const key of keys) server.put("b", `${root}${key}`, `content of ${key}`);
  const open = (): S3Changes => {
    const changes = new S3Changes(optionsFor(server, { rootDirectory: root.replace(/\/$/, "") }), 20);
    onTestFinished(() => changes.close());
    return changes;
  };
  return { server, changes: open(), open };
}

const keysOf = (server: S3Server): string[] => [...server.objects("b").keys()];
const refused = (code: string, status = 400): Effect => ({ kind: "error", status, code });

describe("remove", () => {
  test("goes a thousand keys to a request; outcomes come in order", async () => {
    const all = names(2500);
    const { server, changes } = await changed([...all, "keep"]);
    const outcomes = await changes.remove(all);
    expect(outcomes.map(({ path }) => path)).toEqual(all);
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["done"]));
    expect(keysOf(server)).toEqual(["keep"]);
    expect(server.requests).toEqual({ DeleteObjects: 3 });
    expect(changes.requests.delete).toBe(3);
  });

  test("paths are below the root directory", async () => {
    const { server, changes } = await changed(["a"], { root: "some/root/" });
    server.put("b", "a", "another's");
    await changes.remove(["a"]);
    expect(keysOf(server)).toEqual(["a"]);
  });

  test("names of any kind", async () => {
    const keys = ["a&b<c>\"d'", "é/日本", "x y+z%41", "tail/"];
    const { server, changes } = await changed(keys);
    expect((await changes.remove(keys)).map(({ status }) => status)).toEqual(keys.map(() => "done"));
    expect(keysOf(server)).toEqual([]);
  });

  test("one key's failure is an outcome, and stops no other", async () => {
    const { server, changes } = await changed(names(3));
    server.inject({ operation: "DeleteObjects", key: "docker/n1", times: Infinity, effect: refused("AccessDenied", 403) });
    const outcomes = await changes.remove(names(3));
    expect(outcomes.map(({ status, cause }) => [status, cause])).toEqual([
      ["done", undefined],
      ["failed", expect.stringContaining("AccessDenied: access denied, these credentials need s3:DeleteObject")],
      ["done", undefined],
    ]);
    expect(keysOf(server)).toEqual(["docker/n1"]);
  });

  test.each([
    ["HeadObject", "s3:GetObject and s3:ListBucket", (changes: S3Changes) => changes.stat("link")],
    ["GetObject", "s3:GetObject", (changes: S3Changes) => changes.read("link")],
    ["GetBucketVersioning", "s3:GetBucketVersioning", (changes: S3Changes) => changes.keepsVersions()],
    ["ListObjectVersions", "s3:ListBucketVersions", (changes: S3Changes) => changes.hiding(["link"])],
    ["ListObjectsV2", "s3:ListBucket", async (changes: S3Changes) => void (await changes.list("link").next())],
  ])("%s that a policy denies needs %s", async (operation, action, call) => {
    const opened = await changed(["link"]);
    opened.server.inject({ operation, times: Infinity, effect: refused("AccessDenied", 403) });
    await expect(call(opened.changes)).rejects.toThrow(`access denied, these credentials need ${action}`);
  });

  test("what the server itself says is lacking counts: the key of the content, not the object", async () => {
    const { server, changes } = await changed(["link"]);
    const message = "User: arn:aws:iam::1:user/r is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:…";
    const effect = { kind: "error", status: 403, code: "AccessDenied", message } as const;
    server.inject({ operation: "GetObject", times: Infinity, effect });
    await expect(changes.read("link")).rejects.toThrow("access denied, these credentials need kms:Decrypt");
  });

  test("one key's failure that passes is tried again, for itself", async () => {
    const { server, changes } = await changed(names(3));
    server.inject({ operation: "DeleteObjects", key: "docker/n1", times: 2, effect: refused("InternalError", 500) });
    expect((await changes.remove(names(3))).map(({ status }) => status)).toEqual(["done", "done", "done"]);
    expect(server.log.map(({ keys }) => keys.length)).toEqual([3, 1, 1]);
  });

  test("a request that fails is a failure of all its keys, and of no others", async () => {
    const { server, changes } = await changed(names(2000));
    server.inject({ operation: "DeleteObjects", times: 1, effect: refused("AccessDenied", 403) });
    const outcomes = await changes.remove(names(2000));
    expect(outcomes.filter(({ status }) => status === "failed")).toHaveLength(1000);
    expect(keysOf(server)).toHaveLength(1000);
  });

  test("a reply that is lost after the deed is a success", async () => {
    const { server, changes } = await changed(names(2));
    server.inject({ operation: "DeleteObjects", effect: { kind: "reset", applied: true } });
    expect((await changes.remove(names(2))).map(({ status }) => status)).toEqual(["done", "done"]);
  });

  test.each(["InvalidRequest", "MissingContentMD5"])(
    "a server that insists on Content-MD5 (%s) gets it from then on",
    async (code) => {
      const { server, changes } = await changed(names(1500));
      server.inject({ operation: "DeleteObjects", times: 1, effect: refused(code) });
      expect((await changes.remove(names(1))).map(({ status }) => status)).toEqual(["done"]);
      expect((await changes.remove(names(1500).slice(1, 500))).every(({ status }) => status === "done")).toBe(true);
      expect(server.requests).toEqual({ DeleteObjects: 3 });
    },
  );

  test("a server without DeleteObjects is asked key by key", async () => {
    const { server, changes } = await changed(names(5));
    server.inject({ operation: "DeleteObjects", times: Infinity, effect: refused("NotImplemented", 501) });
    server.inject({ operation: "DeleteObject", key: "docker/n3", times: Infinity, effect: refused("AccessDenied", 403) });
    const outcomes = await changes.remove(names(5));
    expect(outcomes.map(({ status }) => status)).toEqual(["done", "done", "done", "failed", "done"]);
    expect(keysOf(server)).toEqual(["docker/n3"]);
  });
});

describe("a bucket with versions", () => {
  test.each([true, false])("is known as one: %s", async (versioned) => {
    const { changes } = await changed([], { versioned });
    expect(await changes.keepsVersions()).toBe(versioned);
  });

  test("what is removed is hidden, and comes back", async () => {
    const { server, changes } = await changed(names(3), { versioned: true });
    const outcomes = await changes.remove(names(3));
    expect(keysOf(server)).toEqual([]);
    const markers = outcomes.map(({ path, deleteMarker = "" }) => ({ path, deleteMarker }));
    expect(markers.every(({ deleteMarker }) => deleteMarker !== "")).toBe(true);
    expect((await changes.unhide(markers)).map(({ status }) => status)).toEqual(["done", "done", "done"]);
    expect(keysOf(server)).toEqual(names(3));
    expect(text(await changes.read("docker/n0"))).toBe("content of docker/n0");
  });
});

test("what hides an object: all markers above its newest content, and nothing of a key that begins with its own", async () => {
  const { server, changes } = await changed(names(1), { versioned: true });
  server.put("b", "docker/n00", "another");
  const hiding = async () => (await changes.hiding(["docker/n0"]))[0];
  const written = expect.any(Number) as unknown;
  expect(await hiding()).toEqual({ markers: [], written, bytes: 20 });
  const markers: (string | undefined)[] = [];
  for (let i = 0; i < 4; i++) markers.unshift((await changes.remove(["docker/n0"]))[0]?.deleteMarker);
  expect(await hiding()).toEqual({ markers, written });
  server.put("b", "docker/n0", "anew");
  expect(await hiding()).toEqual({ markers: [], written, bytes: 4 });
  const [last] = await changes.remove(["docker/n0"]);
  expect(await hiding()).toEqual({ markers: [last?.deleteMarker], written });
  expect(await changes.hiding(["docker/none", "docker/n"])).toEqual([
    { markers: [], written: undefined },
    { markers: [], written: undefined },
  ]);
});

describe("move", () => {
  const move = { from: "docker/n0", to: "docker/quarantine/run/n0" };

  test("copies, compares, and removes the originals in one request", async () => {
    const { server, changes } = await changed(names(20));
    const outcomes = await changes.move(names(20).map((from) => ({ from, to: `away/${from}` })));
    expect(outcomes.map(({ path, status }) => [path, status])).toEqual(names(20).map((path) => [path, "done"]));
    expect(keysOf(server).sort()).toEqual(
      names(20)
        .map((name) => `away/${name}`)
        .sort(),
    );
    expect(text(await changes.read("away/docker/n7"))).toBe("content of docker/n7");
    expect(server.requests).toMatchObject({ CopyObject: 20, DeleteObjects: 1 });
  });

  test("overwrites nothing", async () => {
    const { server, changes } = await changed(names(1));
    server.put("b", move.to, "something else");
    expect(await changes.move([move])).toEqual([
      { path: move.from, status: "failed", found: "other", cause: `there is something else at ${move.to} already` },
    ]);
    expect(text(server.objects("b").get(move.from))).toBe("content of docker/n0");
    expect(text(server.objects("b").get(move.to))).toBe("something else");
  });

  test("what is gone is absent", async () => {
    const { changes } = await changed([]);
    expect(await changes.move([move])).toEqual([{ path: move.from, status: "absent" }]);
  });

  test("the original stays while the copy is not certain", async () => {
    const { server, changes } = await changed(names(1));
    server.inject({ operation: "CopyObject", times: Infinity, effect: { kind: "error-in-200", code: "InternalError" } });
    expect((await changes.move([move]))[0]).toMatchObject({ status: "failed" });
    expect(keysOf(server)).toEqual([move.from]);
  });

  test("stopped between copy and delete, it can be done again", async () => {
    const { server, changes, open } = await changed(names(1));
    const fault = server.inject({ operation: "DeleteObjects", times: Infinity, effect: refused("AccessDenied", 403) });
    expect((await changes.move([move]))[0]).toMatchObject({ status: "failed" });
    expect(keysOf(server)).toEqual([move.from, move.to]);
    fault.remove();
    expect((await open().move([move]))[0]).toMatchObject({ status: "done" });
    expect(keysOf(server)).toEqual([move.to]);
  });

  test("names of any kind", async () => {
    const from = "docker/x y+z%41/é&?#";
    const { server, changes } = await changed([from]);
    expect((await changes.move([{ from, to: `away/${from}` }]))[0]).toMatchObject({ status: "done" });
    expect(keysOf(server)).toEqual([`away/${from}`]);
  });
});

describe("move of a link into the registry, while somebody writes it", () => {
  const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
  const to = "docker/registry/v2/repositories/app/_manifests/tags/latest/current/link";
  const move = { from: `regcheck/quarantine/run/${to}`, to };

  /** The link in the quarantine, and somebody who writes it when the server is asked for an operation on one of the keys. */
  async function raced(operation: string, key: string, conditions: "known" | "unknown") {
    const { server, changes } = await changed([]);
    server.put("b", move.from, digest("a"));
    if (conditions === "unknown")
      server.inject({ operation: "PutObject", key: move.from, times: Infinity, effect: refused("NotImplemented", 501) });
    const fault = server.inject({ operation, key, effect: { kind: "stall", ms: 100 } });
    const [[outcome]] = await Promise.all([
      changes.move([move]),
      vi
        .waitFor(() => expect(fault.hits()).toBe(1), { interval: 5, timeout: 30_000 })
        .then(() => server.put("b", to, digest("b"))),
    ]);
    return { outcome, tag: text(server.objects("b").get(to)), kept: text(server.objects("b").get(move.from)) };
  }

  test.each([
    ["GetObject", move.from, "known"],
    ["PutObject", to, "known"],
    ["GetObject", to, "unknown"],
  ] as const)("%s of %s, conditions being %s: what he wrote stays, and the link where it was", async (operation, key, are) => {
    expect(await raced(operation, key, are)).toEqual({
      outcome: { path: move.from, status: "failed", found: "other", cause: `there is something else at ${to} already` },
      tag: digest("b"),
      kept: digest("a"),
    });
  });

  test("one that holds the digest of its path is copied; one that does not is as it was, if nobody else wrote it", async () => {
    const { server, changes } = await changed([]);
    const paths = ["c", "d"].map(
      (digit) => `docker/registry/v2/repositories/app/_layers/${digest(digit).replace(":", "/")}/link`,
    );
    const moves = paths.map((path) => ({ from: `regcheck/quarantine/run/${path}`, to: path }));
    for (const { from } of moves) server.put("b", from, digest("c"));
    expect((await changes.move(moves)).map(({ status, found }) => [status, found])).toEqual([
      ["done", undefined],
      ["done", undefined],
    ]);
    expect(Object.fromEntries([...server.objects("b")].map(([key, content]) => [key, text(content)]))).toEqual(
      Object.fromEntries(paths.map((path) => [path, digest("c")])),
    );
    expect(server.log.flatMap(({ operation, key }) => (operation === "CopyObject" ? [key] : []))).toEqual([paths[0]]);
  });

  test("a reply that is lost after the deed is ours all the same", async () => {
    const { server, changes } = await changed([]);
    server.put("b", move.from, digest("a"));
    server.inject({ operation: "PutObject", key: to, effect: { kind: "reset", applied: true } });
    expect((await changes.move([move]))[0]).toMatchObject({ status: "done" });
    expect([...server.objects("b").keys()]).toEqual([to]);
  });

  test("a server that takes a delete marker for an object, and refuses: it is written all the same", async () => {
    const { server, changes } = await changed([]);
    server.put("b", move.from, digest("a"));
    server.inject({ operation: "PutObject", key: to, times: 2, effect: refused("PreconditionFailed", 412) });
    expect((await changes.move([move]))[0]).toMatchObject({ status: "done" });
    expect(text(server.objects("b").get(to))).toBe(digest("a"));
  });
});

describe("create", () => {
  const content = Buffer.from("host a, process 1");

  test("makes an object only where there is none", async () => {
    const { server, changes } = await changed([]);
    expect(await changes.create("lock", content)).toBe("created");
    expect(await changes.create("lock", Buffer.from("host b"))).toBe("exists");
    expect(text(server.objects("b").get("lock"))).toBe("host a, process 1");
  });

  test("of many at once, one has it", async () => {
    const { server, open } = await changed([]);
    const all = Array.from({ length: 8 }, (_, i) => open().create("lock", Buffer.from(`process ${i}`)));
    const results = await Promise.all(all);
    expect(results.filter((result) => result === "created")).toHaveLength(1);
    expect(text(server.objects("b").get("lock"))).toBe(`process ${results.indexOf("created")}`);
  });

  test("a reply that is lost after the deed is ours all the same", async () => {
    const { server, changes } = await changed([]);
    server.inject({ operation: "PutObject", effect: { kind: "reset", applied: true } });
    expect(await changes.create("lock", content)).toBe("created");
  });

  test("a server that knows no conditions: who wrote last has it", async () => {
    const { server, open } = await changed([]);
    server.inject({ operation: "PutObject", times: 2, effect: refused("NotImplemented", 501) });
    const results = await Promise.all([open().create("lock", Buffer.from("one")), open().create("lock", Buffer.from("other"))]);
    expect(results.filter((result) => result === "created")).toHaveLength(1);
  });

  test("a server that takes a delete marker for an object: it is created all the same, by one of many", async () => {
    const { server, open } = await changed([]);
    const opened = [open(), open(), open()];
    // As versitygw answers: no condition is met, whatever it is asked.
    server.inject({ operation: "PutObject", times: 6, effect: refused("PreconditionFailed", 412) });
    const results = await Promise.all(opened.map((changes, i) => changes.create("lock", Buffer.from(`process ${i}`))));
    expect(results.filter((result) => result === "created")).toHaveLength(1);
  });

  test("a lock that another one holds when ours is refused, and that is gone when we look, is tried for again", async () => {
    const { server, changes } = await changed([]);
    server.inject({ operation: "PutObject", effect: refused("PreconditionFailed", 412) });
    expect(await changes.create("lock", content)).toBe("created");
    expect(text(server.objects("b").get("lock"))).toBe(text(content));
  });

  test("what the storage refuses is an error that names the path, without a secret", async () => {
    const { server, changes } = await changed([]);
    server.inject({ operation: "PutObject", times: Infinity, effect: refused("AccessDenied", 403) });
    await expect(changes.create("lock", content)).rejects.toThrow(
      "s3://b: lock cannot be written: AccessDenied: access denied, these credentials need s3:PutObject",
    );
  });
});

describe("replace", () => {
  const [old, fresh, empty] = [Buffer.from("content of link"), Buffer.from("new"), Buffer.alloc(0)];

  test("takes the place of what is expected there, and of nothing else", async () => {
    const { server, changes } = await changed(["link"], { root: "root/" });
    expect(await changes.replace("link", Buffer.from("content of lin"), fresh)).toBe("changed");
    expect(await changes.replace("none", old, fresh)).toBe("absent");
    expect(await changes.replace("link", old, fresh)).toBe("replaced");
    expect([...server.objects("b")].map(([key, content]) => [key, text(content)])).toEqual([["root/link", "new"]]);
  });

  test("an empty object, and back again", async () => {
    const { server, changes } = await changed([]);
    server.put("b", "link", "");
    expect(await changes.replace("link", empty, fresh)).toBe("replaced");
    expect(await changes.replace("link", fresh, empty)).toBe("replaced");
    expect(text(server.objects("b").get("link"))).toBe("");
  });

  test("of two that replace the same, one has it", async () => {
    const { server, open } = await changed(["link"]);
    const contents = ["one", "other"];
    const results = await Promise.all(contents.map((content) => open().replace("link", old, Buffer.from(content))));
    expect(results.toSorted()).toEqual(["changed", "replaced"]);
    expect(text(server.objects("b").get("link"))).toBe(contents[results.indexOf("replaced")]);
  });

  test("a reply that is lost after the deed is ours all the same", async () => {
    const { server, changes } = await changed(["link"]);
    server.inject({ operation: "PutObject", effect: { kind: "reset", applied: true } });
    expect(await changes.replace("link", old, fresh)).toBe("replaced");
  });

  test("a server that knows no conditions is written to without", async () => {
    const { server, changes } = await changed(["link"]);
    server.inject({ operation: "PutObject", times: 1, effect: refused("NotImplemented", 501) });
    expect(await changes.replace("link", old, fresh)).toBe("replaced");
    expect(text(server.objects("b").get("link"))).toBe("new");
  });

  test("what the storage refuses is an error that names the path", async () => {
    const { server, changes } = await changed(["link"]);
    server.inject({ operation: "PutObject", times: Infinity, effect: refused("AccessDenied", 403) });
    await expect(changes.replace("link", old, fresh)).rejects.toThrow("s3://b: link cannot be written: AccessDenied");
    expect(text(server.objects("b").get("link"))).toBe("content of link");
  });
});

describe("read and list", () => {
  test("what is there, and what is not", async () => {
    const { changes } = await changed(["a/b"], { root: "root/" });
    expect(text(await changes.read("a/b"))).toBe("content of a/b");
    expect(await changes.read("a/c")).toBeUndefined();
  });

  test("the digest of what is there, even if the connection breaks on the way", async () => {
    const { server, changes } = await changed([]);
    const content = Buffer.alloc(3_000_000, "a layer");
    server.put("b", "layer", content);
    server.inject({ operation: "GetObject", key: "layer", effect: { kind: "short-body", framing: "cut", bytes: 1_000_000 } });
    expect(await changes.digest("layer", "sha256")).toBe(crypto.hash("sha256", content));
    expect(await changes.digest("layer", "sha512")).toBe(crypto.hash("sha512", content));
    expect(await changes.digest("none", "sha256")).toBeUndefined();
  });

  test("all below a directory, over pages, and nothing beside it", async () => {
    const { changes } = await changed([...names(1500), "dock", "docker-2/x"], { root: "root/" });
    const listed: string[] = [];
    for await (const { path, bytes } of changes.list("docker")) {
      expect(bytes).toBe(`content of ${path}`.length);
      listed.push(path);
    }
    expect(listed).toEqual(names(1500).sort());
  });

  test("a listing that breaks off is an error, not an end", async () => {
    const { server, changes } = await changed(names(1500));
    server.inject({ operation: "ListObjectsV2", skip: 1, times: Infinity, effect: refused("AccessDenied", 403) });
    const listing = async (): Promise<void> => {
      for await (const { bytes } of changes.list("docker")) expect(bytes).toBeGreaterThan(0);
    };
    await expect(listing()).rejects.toThrow("docker cannot be listed: AccessDenied");
  });
});

test("abortMultipartUploads ends those that are there", async () => {
  const { server, changes } = await changed([]);
  const uploadId = server.startUpload("b", "docker/up");
  const outcomes = await changes.abortMultipartUploads([
    { path: "docker/up", uploadId },
    { path: "docker/gone", uploadId: "gone" },
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["done", "absent"]);
  expect(server.uploads("b").size).toBe(0);
});
