import { errorMessage } from "../errors.js";

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

/** Repositories need not exist: the router answers by the form of the path (`registry/api/v2`, `registry/handlers/app.go`). */
const PATH = "/v2/regcheck/blobs/uploads/";
const READS = new Set(["GET", "HEAD", "OPTIONS"]);

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
export async function probe(registryUrl: string, options: ProbeOptions): Promise<ProbeAnswer> {
  try {
    const url = new URL(PATH, registryUrl);
    const first = await ask(url, authorization(options), options);
    const challenge = first.headers.get("www-authenticate");
    const response =
      first.status === 401 && challenge !== null ? await ask(url, await answerChallenge(challenge, options), options) : first;
    return judge(response);
  } catch (error) {
    return judgeError(error);
  }
}

function judge(response: Response): ProbeAnswer {
  const { status, headers } = response;
  if (status >= 300 && status < 400)
    return unclear(`it redirects to ${headers.get("location") ?? "nowhere"}: give the URL of the registry itself`);
  if (status === 401 || status === 403)
    return unclear(
      `it answers ${status}: set REGCHECK_REGISTRY_USERNAME and REGCHECK_REGISTRY_PASSWORD, or REGCHECK_REGISTRY_TOKEN`,
    );
  if (!response.ok) return unclear(`it answers ${status}`);
  if (headers.get("docker-distribution-api-version") !== "registry/2.0")
    return unclear("it does not answer as a registry does: is there a proxy that answers for itself?");
  const allow = headers.get("allow");
  if (allow === null) return unclear("it does not say which methods it allows: is there a proxy that answers for itself?");
  const methods = allow.split(",").flatMap((method) => method.trim().toUpperCase() || []);
  if (methods.some((method) => !READS.has(method))) return { kind: "writable" };
  return methods.includes("GET") ? { kind: "read-only" } : unclear(`it allows ${JSON.stringify(allow)}`);
}

function judgeError(error: unknown): ProbeAnswer {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return code === "ECONNREFUSED" ? { kind: "refused" } : unclear(errorMessage(cause) || String(code));
}

function unclear(why: string): ProbeAnswer {
  return { kind: "unclear", why };
}

function ask(url: URL, authorizationHeader: string | undefined, { timeout = 10_000 }: ProbeOptions): Promise<Response> {
  const headers = authorizationHeader === undefined ? {} : { authorization: authorizationHeader };
  return fetch(url, { method: "OPTIONS", redirect: "manual", headers, signal: AbortSignal.timeout(timeout) });
}

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
  const headers = options.username === undefined ? {} : { authorization: basic(options.username, options.password) };
  const response = await fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(options.timeout ?? 10_000) });
  const body: unknown = response.ok ? await response.json() : undefined;
  if (typeof body !== "object" || body === null) return undefined;
  if ("token" in body && typeof body.token === "string") return `Bearer ${body.token}`;
  return "access_token" in body && typeof body.access_token === "string" ? `Bearer ${body.access_token}` : undefined;
}
