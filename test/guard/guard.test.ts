import { once } from "node:events";
import http from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { insist, judgeOwners, judgeShare, judgeUploads, pushedRepositories } from "#regcheck/guard/guard.js";
import { judgeWriters } from "#regcheck/guard/writers.js";
import type { WriterOptions } from "#regcheck/guard/writers.js";
import { probe as ask } from "#regcheck/guard/probe.js";
import type { ProbeAnswer, ProbeOptions } from "#regcheck/guard/probe.js";
import { ownersOf } from "#regcheck/mark/truth.js";
import type { TruthElsewhere } from "#regcheck/mark/marked.js";
import type { Witness } from "#regcheck/mark/witness.js";
import { parseRegistryConfig } from "#regcheck/registry/config.js";
import { Digest } from "#regcheck/registry/digest.js";
import { sha256 } from "../support/builder.js";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const probe = (url: string, options: ProbeOptions): Promise<ProbeAnswer> => ask({ url, isOwn: false }, options);

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(answer: Answer, host = "127.0.0.1"): Promise<string> {
  const server = http.createServer(answer).listen(0, host);
  servers.push(server);
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null
    ? `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`
    : "";
}

/** The same below a path, and nothing elsewhere. */
function below(path: string, answer: Answer): Answer {
  return (request, response) => {
    if (request.url?.startsWith(`${path}/`) !== true) return response.writeHead(404).end();
    request.url = request.url.slice(path.length);
    return answer(request, response);
  };
}

/** A port at which nobody listens. */
async function nobody(): Promise<string> {
  const url = await serve(() => {});
  const server = servers.pop();
  server?.close();
  await once(server ?? new http.Server(), "close");
  return url;
}

function registry(allow: string, more: Record<string, string> = {}): Answer {
  return (request, response) => {
    const isProbe = request.method === "OPTIONS" && request.url === "/v2/regcheck/blobs/uploads/";
    response.writeHead(isProbe ? 200 : 404, { "docker-distribution-api-version": "registry/2.0", allow, ...more }).end();
  };
}

const READ_ONLY = registry("GET, HEAD");
const WRITABLE = registry("DELETE, GET, HEAD, PATCH, POST, PUT");

function writers(change: Partial<WriterOptions>): WriterOptions {
  return { registryUrls: [], registryStopped: false, config: undefined, probe: {}, ...change };
}

describe("a probe", () => {
  test.each<[string, Answer, string]>([
    ["a read-only registry", READ_ONLY, "read-only"],
    ["a writable one", WRITABLE, "writable"],
    ["one that allows a write besides", registry("GET, HEAD, POST"), "writable"],
    [
      "a proxy that answers OPTIONS for itself",
      (_, response) => response.writeHead(204, { "access-control-allow-methods": "GET, HEAD" }).end(),
      "unclear",
    ],
    [
      "a proxy that answers with the methods of its own",
      (_, response) => response.writeHead(200, { allow: "GET, HEAD" }).end(),
      "unclear",
    ],
    [
      "a redirect to a login page",
      (_, response) => response.writeHead(302, { location: "https://login.example" }).end(),
      "unclear",
    ],
    ["a server with a fault", (_, response) => response.writeHead(502).end(), "unclear"],
    [
      "one that wants credentials",
      (_, response) => response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end(),
      "unclear",
    ],
    ["one that never answers", () => {}, "unclear"],
    ["one that hangs up", (request) => void request.socket.destroy(), "unclear"],
    ["one that allows nothing that makes sense", registry(""), "unclear"],
  ])("%s", async (_, answer, kind) => {
    expect((await probe(await serve(answer), { timeout: kind === "unclear" ? 1000 : 20_000 })).kind).toBe(kind);
  });

  test("nobody listens: refused, which is something else than unreachable", async () => {
    expect(await probe(await nobody(), {})).toEqual({ kind: "refused" });
    expect((await probe("http://no-such-host.invalid:5000", {})).kind).toBe("unclear");
  });

  test("basic credentials and a token of the environment are sent", async () => {
    const wanting =
      (authorization: string): Answer =>
      (request, response) =>
        request.headers.authorization === authorization
          ? READ_ONLY(request, response)
          : response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    const basic = await serve(wanting(`Basic ${Buffer.from("me:secret").toString("base64")}`));
    expect((await probe(basic, { username: "me", password: "secret" })).kind).toBe("read-only");
    expect((await probe(basic, { username: "me", password: "wrong" })).kind).toBe("unclear");
    const bearer = await serve(wanting("Bearer t0ken"));
    expect((await probe(bearer, { token: "t0ken" })).kind).toBe("read-only");
  });

  test.each(["", "/", "/v2", "/v2/", "/registry", "/registry/", "/registry/v2/"])("a URL that ends in %j", async (end) => {
    const answer = end.startsWith("/registry") ? below("/registry", READ_ONLY) : READ_ONLY;
    expect(await probe(`${await serve(answer)}${end}`, {})).toEqual({ kind: "read-only" });
  });

  test("a token server that the registry names is asked", async () => {
    const tokens = await serve((request, response) =>
      request.headers.authorization === `Basic ${Buffer.from("me:secret").toString("base64")}` &&
      request.url === "/token?service=registry"
        ? response.end('{"token":"fresh"}')
        : response.writeHead(403).end(),
    );
    const url = await serve((request, response) =>
      request.headers.authorization === "Bearer fresh"
        ? READ_ONLY(request, response)
        : response.writeHead(401, { "www-authenticate": `Bearer realm="${tokens}/token",service="registry"` }).end(),
    );
    expect((await probe(url, { username: "me", password: "secret" })).kind).toBe("read-only");
  });
});

describe("rule 2: nobody writes", () => {
  test.each<[string, Partial<WriterOptions> & { answers?: readonly Answer[]; refusing?: number }, boolean]>([
    ["nothing is known", {}, false],
    ["one read-only registry", { answers: [READ_ONLY] }, true],
    ["two read-only replicas", { answers: [READ_ONLY, READ_ONLY] }, true],
    ["a read-only replica and a writable one", { answers: [READ_ONLY, WRITABLE] }, false],
    ["stopped, and no URL is known", { registryStopped: true }, true],
    ["stopped, and nobody listens", { registryStopped: true, refusing: 1 }, true],
    ["stopped, they say, but it answers and takes writes", { registryStopped: true, answers: [WRITABLE] }, false],
    [
      "stopped, but something unclear answers",
      { registryStopped: true, answers: [(_, response) => response.writeHead(502).end()] },
      false,
    ],
    ["nobody listens, and nobody says that it is stopped", { refusing: 1 }, false],
    ["one is read-only, one does not listen, and nobody says why", { answers: [READ_ONLY], refusing: 1 }, false],
    ["one is read-only, and the other is said to be stopped", { answers: [READ_ONLY], refusing: 1, registryStopped: true }, true],
  ])("%s", async (_, { answers = [], refusing = 0, ...options }, passed) => {
    const registryUrls = await Promise.all(answers.map((answer) => serve(answer)));
    for (let i = 0; i < refusing; i++) registryUrls.push(await nobody());
    const verdict = await judgeWriters(writers({ ...options, registryUrls }));
    expect(verdict).toMatchObject({ rule: "no-writers", passed });
    expect(verdict.remedy === undefined).toBe(passed);
  });

  test("the address of the config is asked too", async () => {
    const port = new URL(await serve(WRITABLE)).port;
    const config = parseRegistryConfig(
      `storage: {filesystem: {}, maintenance: {readonly: {enabled: true}}}\nhttp: {addr: ":${port}"}\n`,
      {},
    );
    const verdict = await judgeWriters(writers({ config, registryStopped: true }));
    expect(verdict).toMatchObject({ passed: false, evidence: `http://localhost:${port}: takes writes` });
  });

  test("at a listener on IPv6 alone, and below the config's prefix", async () => {
    const url = await serve(below("/registry", WRITABLE), "::1");
    const port = new URL(url).port;
    for (const address of [`[::]:${port}`, `:${port}`, `[::1]:${port}`, `localhost:${port}`]) {
      const yaml = `storage: {filesystem: {}, maintenance: {readonly: {enabled: true}}}\nhttp: {addr: "${address}", prefix: /registry/}\n`;
      const verdict = await judgeWriters(writers({ config: parseRegistryConfig(yaml, {}) }));
      expect(verdict, address).toMatchObject({ passed: false, evidence: expect.stringContaining("takes writes") as unknown });
    }
  });

  test("a read-only config proves nothing where nobody listens: the registry may have another port, or an older config", async () => {
    const port = new URL(await nobody()).port;
    const yaml = `storage: {filesystem: {}, maintenance: {readonly: {enabled: true}}}\nhttp: {addr: "localhost:${port}"}\n`;
    const config = parseRegistryConfig(yaml, {});
    const verdict = await judgeWriters(writers({ config }));
    expect(verdict).toMatchObject({ passed: false, remedy: expect.stringContaining("proves nothing") as unknown });
    expect((await judgeWriters(writers({ config, registryStopped: true }))).passed).toBe(true);
  });

  test.each(["addr: /run/registry.sock, net: unix", "secret: x"])(
    "a read-only config with no address to ask at (%s) proves nothing: the process may have another",
    async (http_) => {
      const yaml = `storage: {filesystem: {}, maintenance: {readonly: {enabled: true}}}\nhttp: {${http_}}\n`;
      const config = parseRegistryConfig(yaml, {});
      expect((await judgeWriters(writers({ config }))).passed).toBe(false);
      expect((await judgeWriters(writers({ config, registryStopped: true }))).passed).toBe(true);
    },
  );
});

describe("the other rules", () => {
  const markers = { hasBlobs: true, hasRepositories: true, proxyState: false, database: false };

  const refusing = (owners: readonly TruthElsewhere[]): readonly string[] =>
    judgeOwners(owners).flatMap(({ rule, passed }) => (passed ? [] : rule));

  test("a pull-through cache, by its config or by its file", () => {
    const config = parseRegistryConfig("storage: {filesystem: {}}\nproxy: {remoteurl: https://registry.example}\n", {});
    expect(refusing(ownersOf(markers, []))).toEqual([]);
    expect(refusing(ownersOf({ ...markers, proxyState: true }, []))).toEqual(["no-proxy"]);
    expect(refusing(ownersOf(markers, config.owners))).toEqual(["no-proxy"]);
  });

  test("a database", () => {
    expect(refusing(ownersOf({ ...markers, database: true }, []))).toEqual(["no-database"]);
    const harbor = { kind: "harbor", evidence: "the config has something of Harbor's" } as const;
    expect(refusing(ownersOf({ ...markers, proxyState: true }, [harbor]))).toEqual(["no-proxy", "no-database"]);
  });

  test("too much at once, with what to say to allow it", () => {
    const report = { totals: { blobs: 200 } } as Parameters<typeof judgeShare>[0];
    expect(judgeShare(report, 100, 0.5).passed).toBe(true);
    expect(judgeShare(report, 101, 0.5)).toMatchObject({
      passed: false,
      remedy: expect.stringMatching(/ --max-delete 51%\.$/) as unknown,
    });
  });
});

test("a refusal is whole sentences, whatever a rule has to say", () => {
  const verdict = { rule: "max-delete", passed: false, evidence: "too many" } as const;
  const refused = "sweep refused by the rule max-delete: too many.";
  expect(() => insist(verdict)).toThrow(`${refused} Nothing was removed.`);
  expect(() => insist({ ...verdict, remedy: "Allow it." })).toThrow(`${refused} Allow it. Nothing was removed.`);
});

describe("an upload that is younger than the grace time", () => {
  const upload = {
    code: "upload-active",
    path: "the/upload",
    repository: "team/app",
    cause: { kind: "upload-age", seconds: -3600, isMultipart: false },
  } as const;
  const marked = { findings: [upload], repositories: [] };

  test("refuses where nobody was asked, and it is said that it can be removed: it may never be older", () => {
    expect(judgeUploads(marked, { isProven: false })).toMatchObject({
      passed: false,
      remedy: expect.stringMatching(/--registry-url .* dated in the future, remove its directory\.$/) as unknown,
    });
  });

  test("is what somebody has left where it is proven that nobody can push", () => {
    expect(judgeUploads(marked, { isProven: true })).toMatchObject({
      passed: true,
      evidence: "1 upload younger than the grace time: the/upload; nobody can go on with it now, and it stays",
    });
    expect([...pushedRepositories(marked)]).toEqual(["team/app"]);
  });
});

describe("a read-only registry shows that it serves this storage", () => {
  const digest = (content: string): Digest => {
    const parsed = Digest.parse(sha256(content));
    if (parsed === undefined) throw new Error("no digest");
    return parsed;
  };
  const tag = (repository: string, reference: string, content: string): Witness => {
    return { repository, kind: "manifest", reference, digest: digest(content), modified: 0 };
  };
  const APP = tag("team/app", "1", "app");
  const BLOB: Witness = { ...APP, kind: "blob", reference: digest("layer").toString(), digest: digest("layer") };

  /** A read-only registry with these answers to HEAD, by path; 404 for all else. */
  const having =
    (answers: Readonly<Record<string, readonly [status: number, digest?: Digest]>>): Answer =>
    (request, response) => {
      if (request.method === "OPTIONS") return READ_ONLY(request, response);
      const [status, is] = answers[request.url ?? ""] ?? [404];
      response.writeHead(status, is === undefined ? {} : { "docker-content-digest": is.toString() });
      return response.end(status === 200 && request.method === "GET" ? '{"repositories":[]}' : undefined);
    };
  const judge = async (answer: Answer, witnesses: readonly Witness[], repositories = witnesses.length, below_ = "") => {
    const url = `${await serve(answer)}${below_}`;
    return judgeWriters(writers({ registryUrls: [url] }), async () => ({ witnesses, repositories }));
  };
  const OTHER = tag("team/other", "2", "other");
  const APP_PATH = "/v2/team/app/manifests/1";
  const OTHER_PATH = "/v2/team/other/manifests/2";

  test.each<[string, Answer, readonly Witness[], string]>([
    ["it has the tag", having({ [APP_PATH]: [200, APP.digest] }), [APP], ""],
    [
      "one answers with a fault of its own, another matches",
      having({ [APP_PATH]: [500], [OTHER_PATH]: [200, OTHER.digest] }),
      [APP, OTHER],
      "",
    ],
    ["it has the blob", having({ [`/v2/team/app/blobs/${BLOB.reference}`]: [200, BLOB.digest] }), [BLOB], ""],
    ["it sends clients to the bucket for the blob", having({ [`/v2/team/app/blobs/${BLOB.reference}`]: [307] }), [BLOB], ""],
    ["a wrong port: it lacks the tag", having({}), [APP], "it does not have team/app:1"],
    [
      "a copy of an older state: it lacks one of two",
      having({ [OTHER_PATH]: [200, OTHER.digest] }),
      [APP, OTHER],
      "it does not have team/app:1",
    ],
    [
      "another image under the same tag",
      having({ [APP_PATH]: [200, OTHER.digest] }),
      [APP],
      `team/app:1 is ${OTHER.digest.toString()} there`,
    ],
    ["faults alone", having({ [APP_PATH]: [500] }), [APP], "it answers 500 for team/app:1"],
    ["no digest in the answer", having({ [APP_PATH]: [200] }), [APP], "it answers 200 for team/app:1"],
    [
      "what may not be pulled",
      having({ [APP_PATH]: [403, APP.digest] }),
      [APP],
      "it answers 403 for team/app:1: set REGCHECK_REGISTRY_USERNAME",
    ],
    [
      "it hangs up",
      (request, response) => (request.method === "OPTIONS" ? READ_ONLY(request, response) : void request.socket.destroy()),
      [APP],
      "socket hang up",
    ],
  ])("%s", async (_, answer, witnesses, why) => {
    const { passed, isProven, evidence } = await judge(answer, witnesses);
    expect({ passed, isProven }).toEqual({ passed: why === "", isProven: why === "" });
    expect(evidence).toContain(why === "" ? ", each on this storage" : "cannot tell that it serves this storage");
    expect(evidence).toContain(why);
  });

  test("an empty storage is served by an empty registry, and one without anything sound by none", async () => {
    expect((await judge(having({ "/v2/_catalog?n=2": [200] }), [])).passed).toBe(true);
    expect((await judge(having({ "/v2/_catalog?n=2": [200] }), [], 1)).evidence).toContain("no sound manifest or blob");
    const full: Answer = (request, response) =>
      request.method === "OPTIONS" ? READ_ONLY(request, response) : response.end('{"repositories":["team/app"]}');
    expect((await judge(full, [])).evidence).toContain("this storage has no repository, and it has team/app");
    expect((await judge(having({}), [])).passed).toBe(false);
  });

  test("below a prefix, and with the token that it wants for the repository", async () => {
    const tokens = await serve((request, response) =>
      response.end(JSON.stringify({ token: new URL(request.url ?? "", "http://x").searchParams.get("scope") ?? "none" })),
    );
    const answer = below("/registry", (request, response) => {
      const scope = request.method === "OPTIONS" ? "none" : "repository:team/app:pull";
      const wanted = scope === "none" ? "" : `,scope="${scope}"`;
      if (request.headers.authorization !== `Bearer ${scope}`)
        return response
          .writeHead(401, { "www-authenticate": `Bearer realm="${tokens}/token",service="registry"${wanted}` })
          .end();
      return having({ [APP_PATH]: [200, APP.digest] })(request, response);
    });
    expect((await judge(answer, [APP], 1, "/registry/")).passed).toBe(true);
  });

  test("each of several, and none that is stopped", async () => {
    const [own, other] = [await serve(having({ [APP_PATH]: [200, APP.digest] })), await serve(having({}))];
    const exhibits = async () => ({ witnesses: [APP], repositories: 1 });
    const both = await judgeWriters(writers({ registryUrls: [own, other] }), exhibits);
    expect(both).toMatchObject({
      passed: false,
      evidence: `cannot tell that it serves this storage: ${other}: it does not have team/app:1`,
    });
    const stopped = await judgeWriters(writers({ registryUrls: [own, await nobody()], registryStopped: true }), exhibits);
    expect(stopped).toMatchObject({ passed: true, isProven: true });
    expect(await judgeWriters(writers({ registryStopped: true }), exhibits)).toMatchObject({ passed: true, isProven: false });
  });
});
