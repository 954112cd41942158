import { showUrl } from "../show-url.js";
import { scalarText } from "./scalar-text.js";
import { isSection, section } from "./section.js";
import type { Section } from "./section.js";

/** What else than the storage decides which images there are: the links tell nothing of what is live. */
export type OwnerKind = "gitlab" | "harbor" | "openshift" | "proxy";

/** Something that decides what is live, and what says so. */
export interface Owner {
  readonly kind: OwnerKind;
  /** Without secrets. */
  readonly evidence: string;
}

/** Sections of a config that say who decides. */
export const OWNER_SECTIONS = ["auth", "database", "middleware", "notifications", "openshift", "proxy"] as const;

/** Reads from a registry's config, parsed and with its variables applied, who decides what is live. */
export function ownersIn(config: Section): readonly Owner[] {
  const evidence: Readonly<Record<OwnerKind, string | undefined>> = {
    gitlab: gitlabIn(config),
    harbor: harborIn(config),
    openshift: openshiftIn(config),
    proxy: proxyIn(config),
  };
  return KINDS.flatMap((kind) => {
    const says = evidence[kind];
    return says === undefined ? [] : { kind, evidence: `the config has ${says}` };
  });
}

const KINDS = ["gitlab", "harbor", "openshift", "proxy"] as const satisfies readonly OwnerKind[];

/** Issuers of the tokens that GitLab's registry takes: of its chart, and of its packages. */
const GITLAB_ISSUERS: ReadonlySet<unknown> = new Set(["gitlab-issuer", "omnibus-gitlab-issuer"]);

/**
 * GitLab's registry alone knows `database:`. Its lock files, by which a storage says so itself, are written at a start only; and since GitLab 19
 * what says nothing means `prefer`, which is a database for every new registry (gitlab-org/gitlab#600955).
 */
function gitlabIn(config: Section): string | undefined {
  const { enabled } = section(config["database"]);
  if (enabled === false || enabled === "false") return undefined;
  if (enabled !== undefined && enabled !== null) return `database.enabled: ${scalar(enabled)}`;
  if (isSection(config["database"])) return "database: without enabled: false";
  const issuer = section(section(config["auth"])["token"])["issuer"];
  return GITLAB_ISSUERS.has(issuer) ? `auth.token.issuer: ${scalar(issuer)}, and no database.enabled: false` : undefined;
}

/** By what its installer and its chart write, in versions with basic authentication (2.x) and with tokens (1.x). */
function harborIn(config: Section): string | undefined {
  const auth = section(config["auth"]);
  const { issuer, service } = section(auth["token"]);
  if (section(auth["htpasswd"])["realm"] === "harbor-registry-basic-realm")
    return "auth.htpasswd.realm: harbor-registry-basic-realm";
  if (issuer === "harbor-token-issuer") return "auth.token.issuer: harbor-token-issuer";
  if (service === "harbor-registry") return "auth.token.service: harbor-registry";
  const { endpoints } = section(config["notifications"]);
  return named(endpoints, "harbor") ? "a notification endpoint named harbor" : undefined;
}

function openshiftIn(config: Section): string | undefined {
  if ("openshift" in config) return "a section openshift:";
  if ("openshift" in section(config["auth"])) return "auth.openshift";
  const middleware = section(config["middleware"]);
  const kind = ["registry", "repository", "storage"].find((one) => named(middleware[one], "openshift"));
  return kind === undefined ? undefined : `the middleware openshift for ${kind}`;
}

function proxyIn(config: Section): string | undefined {
  const { remoteurl } = section(config["proxy"]);
  return remoteurl === undefined || remoteurl === null || remoteurl === ""
    ? undefined
    : `proxy.remoteurl ${showUrl(scalar(remoteurl))}`;
}

/** Whether a list has an entry of this name. */
function named(list: unknown, name: string): boolean {
  return Array.isArray(list) && list.some((entry: unknown) => section(entry)["name"] === name);
}

function scalar(value: unknown): string {
  return scalarText(value) ?? "…";
}
