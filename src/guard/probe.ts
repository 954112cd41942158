import http from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { errorMessage } from "../errors.js";
import { codeOf } from "../system-errors.js";

/** What a registry's URL answers to the question whether it takes writes. */
export type ProbeAnswer =
  | { readonly kind: "read-only" }
  | { readonly kind: "writable" }
  /** Nobody listens there. */
  | { readonly kind: "refused" }
  /** Anything else: no proof of anything. */
  | { readonly kind: "unclear"; readonly why: string };

/** How to ask; the credentials come from the environment, never from the command line. */
export interface ProbeOptions {
  /** `REGCHECK_REGISTRY_USERNAME` and `REGCHECK_REGISTRY_PASSWORD`. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** `REGCHECK_REGISTRY_TOKEN`: a bearer token. */
  readonly token?: string | undefined;
  /** Milliseconds until an answer counts as none. */
  readonly timeout?: number;
}

/** Where to ask. */
export interface ProbeTarget {
  readonly url: string;
  /** A loopback address, which no certificate names: whoever answers there is asked. */
  readonly isOwn: boolean;
}

/** Repositories need not exist: the router answers by the form of the path (`registry/api/v2`, `registry/handlers/app.go`). */
const UPLOADS = { method: "OPTIONS", path: "/v2/regcheck/blobs/uploads/" } as const;
const READS = new Set(["GET", "HEAD", "OPTIONS"]);
const UNTRUSTED = /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(?:VERIFY|GET)\w*)$/;

/** The credentials that the environment holds. */
export function probeOptions(environment: Readonly<Record<string, string | undefined>>): ProbeOptions {
  return {
    username: environment["REGCHECK_REGISTRY_USERNAME"],
    password: environment["REGCHECK_REGISTRY_PASSWORD"],
    token: environment["REGCHECK_REGISTRY_TOKEN"],
  };
}

/**
 * Asks a registry by OPTIONS which methods it takes for a new upload: GET and HEAD only when it is read-only. No side effects. What
 * a proxy or a login page answers in the registry's place is no proof, and neither is a redirect.
 */
export async function probe(target: ProbeTarget, options: ProbeOptions): Promise<ProbeAnswer> {
  try {
    return judge(await askRegistry(target, UPLOADS, options));
  } catch (error) {
    return judgeError(error);
  }
}

/** What a registry is asked. */
export interface Question {
  readonly method: "GET" | "HEAD" | "OPTIONS";
  /** From the registry's own root on. */
  readonly path: string;
  readonly accept?: string;
}

/** Asks a registry, with the credentials that it wants as far as there are any. Throws where nobody answers in time. */
export async function askRegistry(target: ProbeTarget, question: Question, options: ProbeOptions): Promise<Answer> {
  const first = await ask(target, question, authorization(options), options);
  const challenge = first.headers["www-authenticate"];
  if (first.status !== 401 || challenge === undefined) return first;
  return ask(target, question, await answerChallenge(challenge, options), options);
}

/** What a registry answers. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Of a GET, up to what is taken of one; "" otherwise. */
  readonly body: string;
}

function judge({ status, headers }: Answer): ProbeAnswer {
  if (status >= 300 && status < 400)
    return unclear(`it redirects to ${headers.location ?? "nowhere"}: give the URL of the registry itself`);
  if (status === 401 || status === 403)
    return unclear(
      `it answers ${status}: set REGCHECK_REGISTRY_USERNAME and REGCHECK_REGISTRY_PASSWORD, or REGCHECK_REGISTRY_TOKEN`,
    );
  if (status < 200 || status >= 300) return unclear(`it answers ${status}`);
  if (headers["docker-distribution-api-version"] !== "registry/2.0")
    return unclear("it does not answer as a registry does: is there a proxy that answers for itself?");
  const { allow } = headers;
  if (allow === undefined) return unclear("it does not say which methods it allows: is there a proxy that answers for itself?");
  const methods = allow.split(",").flatMap((method) => method.trim().toUpperCase() || []);
  if (methods.some((method) => !READS.has(method))) return { kind: "writable" };
  return methods.includes("GET") ? { kind: "read-only" } : unclear(`it allows ${JSON.stringify(allow)}`);
}

/** A name such as `localhost` may have several addresses: nobody listens only if that is so at each that this machine has. */
function judgeError(error: unknown): ProbeAnswer {
  const causes: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const codes = causes.map(codeOf);
  if (codes.includes("ECONNREFUSED") && codes.every((code) => code === "ECONNREFUSED" || NO_ADDRESS.has(code ?? "")))
    return { kind: "refused" };
  const why = errorMessage(causes[0]) || String(codes[0]);
  return unclear(UNTRUSTED.test(codes[0] ?? "") ? `${why}; name the file of its CA in NODE_EXTRA_CA_CERTS` : why);
}

/** IPv6 on a machine without it. */
const NO_ADDRESS = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT", "ENETUNREACH"]);

function unclear(why: string): ProbeAnswer {
  return { kind: "unclear", why };
}

/** A registry may live below a path (`http.prefix`); people also give its URL with the API's own path. */
function endpoint(base: string, path: string): URL {
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/(?:v2\/?)?$/, "");
  return new URL(`${url.origin}${url.pathname.replace(/\/$/, "")}${path}`);
}

/** Characters of an answer that are read: a list of a few names. */
const MAX_BODY = 65_536;

function ask(
  { url, isOwn }: ProbeTarget,
  { method, path, accept }: Question,
  authorizationHeader: string | undefined,
  options: ProbeOptions,
): Promise<Answer> {
  const target = endpoint(url, path);
  const request = {
    method,
    headers: {
      ...(authorizationHeader === undefined ? {} : { authorization: authorizationHeader }),
      ...(accept === undefined ? {} : { accept }),
    },
    signal: AbortSignal.timeout(options.timeout ?? 10_000),
    rejectUnauthorized: !isOwn,
    agent: false,
    ...(isOwn && target.hostname === "localhost" ? { lookup: everyLoopback } : {}),
  };
  return new Promise((resolve, reject) => {
    const onAnswer = (response: http.IncomingMessage): void => {
      let body = "";
      const finish = (): void => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        response.destroy();
      };
      if (method !== "GET") return finish();
      response.setEncoding("utf8").on("error", reject).on("end", finish);
      response.on("data", (text: string) => {
        body += text;
        if (body.length > MAX_BODY) finish();
      });
    };
    const sent =
      target.protocol === "https:" ? https.request(target, request, onAnswer) : http.request(target, request, onAnswer);
    sent.on("error", reject).end();
  });
}

/** A registry may listen on IPv6 alone, of which the machine's own table of names often knows nothing. */
const everyLoopback: LookupFunction = (_name, _options, done) => {
  done(null, [
    { address: "127.0.0.1", family: 4 },
    { address: "::1", family: 6 },
  ]);
};

function authorization({ username, password, token }: ProbeOptions): string | undefined {
  if (token !== undefined) return `Bearer ${token}`;
  return username === undefined ? undefined : basic(username, password);
}

function basic(username: string, password = ""): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Gets a token from the server that a registry's `WWW-Authenticate: Bearer` names (`docs/spec/auth/token.md`). */
async function answerChallenge(challenge: string, options: ProbeOptions): Promise<string | undefined> {
  const parameters = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]));
  const realm = parameters.get("realm");
  if (!/^bearer /i.test(challenge) || realm === undefined || options.token !== undefined) return authorization(options);
  const url = new URL(realm);
  const service = parameters.get("service");
  if (service !== undefined) url.searchParams.set("service", service);
  const scope = parameters.get("scope");
  if (scope !== undefined) url.searchParams.set("scope", scope);
  const headers = options.username === undefined ? {} : { authorization: basic(options.username, options.password) };
  const response = await fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(options.timeout ?? 10_000) });
  const body: unknown = response.ok ? await response.json() : undefined;
  if (typeof body !== "object" || body === null) return undefined;
  if ("token" in body && typeof body.token === "string") return `Bearer ${body.token}`;
  return "access_token" in body && typeof body.access_token === "string" ? `Bearer ${body.access_token}` : undefined;
}
