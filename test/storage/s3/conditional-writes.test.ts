import { describe, expect, onTestFinished, test } from "vitest";
import { BucketWriter } from "#regcheck/storage/s3/bucket-writer.js";
import type { PutCondition } from "#regcheck/storage/s3/bucket-writer.js";
import { ConditionalWrites } from "#regcheck/storage/s3/conditional-writes.js";
import { optionsFor, setVersioning, startedServer } from "../../support/s3-bucket.js";
import type { BucketOptions, S3Server } from "../../support/s3-server/index.js";
import { wrapped } from "../../support/wrapped.js";

const KEY = "regcheck/lock";
const SETTLING = 40;
const CONFLICT = { kind: "error", status: 409, code: "ConditionalRequestConflict" } as const;
const REFUSED = { kind: "error", status: 412, code: "PreconditionFailed" } as const;

async function opened(bucketOptions: Partial<BucketOptions> = {}) {
  const server = await startedServer({ buckets: [{ name: "b", ...bucketOptions }] });
  const open = (): BucketWriter => {
    const bucket = new BucketWriter(optionsFor(server));
    onTestFinished(() => bucket.close());
    return bucket;
  };
  return { server, open };
}

const isConditional = (condition: PutCondition = {}): boolean => condition.IfNoneMatch !== undefined;
const writes = (bucket: BucketWriter): ConditionalWrites => new ConditionalWrites(bucket, SETTLING);
const stored = (server: S3Server): string | undefined => server.objects("b").get(KEY)?.toString();

describe("locks of others that come and go between our requests", () => {
  test.each([false, "suspended"] as const)("are never written over (versioned: %s)", async (versioned) => {
    const { server, open } = await opened({ versioned });
    const bucket = open();
    const unconditional: string[] = [];
    let held = 0;
    const busy = wrapped(bucket, {
      put: async (key, content, condition) => {
        if (!isConditional(condition)) unconditional.push(content.toString());
        // Another run has just locked.
        server.put("b", KEY, `run ${++held}`);
        return bucket.put(key, content, condition);
      },
      get: async (key, mostBytes) => {
        // It ends before we look.
        server.remove("b", KEY);
        return bucket.get(key, mostBytes);
      },
    });
    await expect(writes(busy).create(KEY, Buffer.from("ours"))).rejects.toThrow("that it does not show");
    expect(unconditional).toEqual([]);
    expect(held).toBe(4);
  });

  test("a write under way, of which the server says so, is waited for", async () => {
    const { server, open } = await opened();
    server.inject({ operation: "PutObject", times: 1, effect: CONFLICT });
    const creating = writes(open()).create(KEY, Buffer.from("ours"));
    expect(await creating).toBe("created");
    expect(stored(server)).toBe("ours");
  });

  test("one that goes on for all attempts is an error; nothing is written", async () => {
    const { server, open } = await opened();
    server.inject({ operation: "PutObject", times: Infinity, effect: CONFLICT });
    await expect(writes(open()).create(KEY, Buffer.from("ours"))).rejects.toThrow("a write under way");
    expect(stored(server)).toBeUndefined();
  });

  test("a server that refuses without any reason is not written to", async () => {
    const { server, open } = await opened({ versioned: true });
    server.inject({ operation: "PutObject", times: Infinity, effect: REFUSED });
    await expect(writes(open()).create(KEY, Buffer.from("ours"))).rejects.toThrow("that it does not show");
    expect(server.requests["PutObject"]).toBe(4);
  });

  test("a replacement waits for a write under way, and is then judged by what that left", async () => {
    const { server, open } = await opened();
    server.put("b", KEY, "old");
    server.inject({ operation: "PutObject", times: 1, effect: CONFLICT });
    expect(await writes(open()).replace(KEY, Buffer.from("old"), Buffer.from("new"))).toBe("replaced");
    const bucket = open();
    server.inject({ operation: "PutObject", times: 1, effect: CONFLICT });
    const overtaken = wrapped(bucket, {
      put: async (key, content, condition) => {
        try {
          return await bucket.put(key, content, condition);
        } catch (error) {
          server.put("b", KEY, "another's");
          throw error;
        }
      },
    });
    expect(await writes(overtaken).replace(KEY, Buffer.from("new"), Buffer.from("newer"))).toBe("changed");
    expect(stored(server)).toBe("another's");
  });
});

describe("a server that takes a delete marker for an object", () => {
  const marked = async (contents: readonly string[] = ["gone"]) => {
    const { server, open } = await opened({ versioned: true, takesMarkersForObjects: true });
    for (const content of contents) server.put("b", KEY, content);
    server.remove("b", KEY);
    return { server, open };
  };

  test.each([[[]], [["gone"]], [["older", "gone"]]])("over the marker of %j an object is created", async (contents) => {
    const { server, open } = await marked(contents);
    expect(await writes(open()).create(KEY, Buffer.from("ours"))).toBe("created");
    expect(stored(server)).toBe("ours");
    expect(await writes(open()).create(KEY, Buffer.from("late"))).toBe("exists");
    server.remove("b", KEY);
    expect(await writes(open()).create(KEY, Buffer.from("the next one's"))).toBe("created");
  });

  test("of many at once, one has it, and it is what is there", async () => {
    const { server, open } = await marked();
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, i) => writes(open()).create(KEY, Buffer.from(`process ${i}`))),
    );
    expect(results.filter((result) => result === "created")).toHaveLength(1);
    expect(stored(server)).toBe(`process ${results.indexOf("created")}`);
  });

  test("who comes late, between our look and our write, loses nothing that is held", async () => {
    const { server, open } = await marked();
    const bucket = open();
    const late = wrapped(bucket, {
      put: async (key, content, condition) => {
        if (!isConditional(condition)) server.put("b", KEY, "held by another");
        return bucket.put(key, content, condition);
      },
    });
    expect(await writes(late).create(KEY, Buffer.from("ours"))).toBe("exists");
    expect(stored(server)).toBe("held by another");
  });
});

describe("a server that takes a delete marker for an object, and keeps versions no longer", () => {
  const suspended = async (versioned: BucketOptions["versioned"] = "suspended") => {
    const { server, open } = await opened({ versioned, takesMarkersForObjects: true });
    return { server, open, suspend: () => setVersioning(server, "Suspended") };
  };

  test("an object is created where one was deleted, again and again", async () => {
    const { server, open } = await suspended();
    for (let run = 0; run < 3; run++) {
      expect(await writes(open()).create(KEY, Buffer.from(`run ${run}`))).toBe("created");
      expect(await writes(open()).create(KEY, Buffer.from("late"))).toBe("exists");
      expect(stored(server)).toBe(`run ${run}`);
      server.remove("b", KEY);
    }
  });

  test.each([false, true])("nothing of the time when it kept them comes to light (deleted then: %s)", async (isDeletedThen) => {
    const { server, open, suspend } = await suspended(true);
    server.put("b", KEY, "of that time");
    if (isDeletedThen) server.remove("b", KEY);
    await suspend();
    if (!isDeletedThen) server.remove("b", KEY);
    const bucket = open();
    const seen = new Set<string | undefined>();
    const watched = wrapped(bucket, {
      put: async (key, content, condition) => {
        seen.add(stored(server));
        return bucket.put(key, content, condition);
      },
    });
    expect(await writes(watched).create(KEY, Buffer.from("ours"))).toBe("created");
    expect([...seen]).toEqual([undefined]);
    expect(stored(server)).toBe("ours");
  });

  test("of many at once, one has it, and it is what is there", async () => {
    const { server, open } = await suspended();
    server.remove("b", KEY);
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, i) => writes(open()).create(KEY, Buffer.from(`process ${i}`))),
    );
    expect(results.filter((result) => result === "created")).toHaveLength(1);
    expect(stored(server)).toBe(`process ${results.indexOf("created")}`);
  });

  test("who comes late, between our last look and our write, is not written over unseen", async () => {
    const { server, open } = await suspended();
    server.remove("b", KEY);
    const bucket = open();
    const late = wrapped(bucket, {
      put: async (key, content, condition) => {
        const id = await bucket.put(key, content, condition);
        if (!isConditional(condition)) server.put("b", KEY, "another's");
        return id;
      },
    });
    expect(await writes(late).create(KEY, Buffer.from("ours"))).toBe("exists");
    expect(stored(server)).toBe("another's");
  });
});
