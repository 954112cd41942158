import { describe, expect, test } from "vitest";
import { ownersInEnvironment, parseRegistryConfig } from "#regcheck/registry/config.js";

function ownersOf(more: string, environment: Readonly<Record<string, string>> = {}) {
  return parseRegistryConfig(`storage: {filesystem: {}}\n${more}\n`, environment).owners.map(({ kind }) => kind);
}

describe("who decides what is live, by a registry's config", () => {
  test.each([
    ["GitLab's database", "database: {enabled: true, host: db}", "gitlab"],
    ["its preferred database", "database: {enabled: prefer}", "gitlab"],
    ["the same as text", 'database: {enabled: "true"}', "gitlab"],
    ["a database of which nothing is said: preferred, since GitLab 19", "database: {host: db}", "gitlab"],
    ["GitLab's tokens, and no word of a database", "auth: {token: {issuer: gitlab-issuer}}", "gitlab"],
    ["the same of its packages", "auth: {token: {issuer: omnibus-gitlab-issuer}}", "gitlab"],
    ["Harbor's realm", "auth: {htpasswd: {realm: harbor-registry-basic-realm, path: /etc/registry/passwd}}", "harbor"],
    ["Harbor's issuer", "auth: {token: {issuer: harbor-token-issuer, realm: https://h/service/token}}", "harbor"],
    ["Harbor's service", "auth: {token: {issuer: x, service: harbor-registry}}", "harbor"],
    ["Harbor's endpoint", "notifications: {endpoints: [{name: other}, {name: harbor, url: http://core}]}", "harbor"],
    ["OpenShift's middleware", "middleware: {repository: [{name: openshift}]}", "openshift"],
    ["OpenShift's section", "openshift: {version: 1.0}", "openshift"],
    ["OpenShift's authentication", "auth: {openshift: {}}", "openshift"],
    ["a pull-through cache", "proxy: {remoteurl: https://registry-1.docker.io}", "proxy"],
  ])("%s", (_, more, kind) => {
    expect(ownersOf(more)).toEqual([kind]);
  });

  test.each([
    ["nothing", ""],
    ["no database", "database: {enabled: false}\nauth: {token: {issuer: gitlab-issuer}}"],
    ["no database, as text", 'database: {enabled: "false"}'],
    ["no database, in YAML's older words", "database: {enabled: off}"],
    ["another realm and endpoint", "auth: {htpasswd: {realm: basic-realm}}\nnotifications: {endpoints: [{name: harbour}]}"],
    ["another middleware", "middleware: {storage: [{name: cloudfront}]}"],
    ["a proxy of nothing", "proxy: {remoteurl: ''}"],
    ["sections that are none", "auth: none\nnotifications: {endpoints: harbor}\nmiddleware: []\nproxy:"],
  ])("%s: the storage decides", (_, more) => {
    expect(ownersOf(more)).toEqual([]);
  });

  test("several at once, each with what says so and no secret", () => {
    const text = "storage: filesystem\ndatabase: {enabled: true}\nproxy: {remoteurl: 'https://me:secret@up.example'}\n";
    expect(parseRegistryConfig(text, {}).owners).toEqual([
      { kind: "gitlab", evidence: "the config has database.enabled: true" },
      { kind: "proxy", evidence: "the config has proxy.remoteurl https://…@up.example" },
    ]);
  });
});

describe("by the registry's variables", () => {
  const OFF = "database: {enabled: false}";

  test.each<[Record<string, string>, string[]]>([
    [{ REGISTRY_DATABASE_ENABLED: "true" }, ["gitlab"]],
    [{ REGISTRY_DATABASE_ENABLED: "prefer" }, ["gitlab"]],
    [{ REGISTRY_DATABASE: "{enabled: true}" }, ["gitlab"]],
    [{ REGISTRY_DATABASE_ENABLED: "[" }, ["gitlab"]],
    [{ REGISTRY_DATABASE_ENABLED: "false" }, []],
    [{ REGISTRY_AUTH: "htpasswd", REGISTRY_AUTH_HTPASSWD_REALM: "harbor-registry-basic-realm" }, ["harbor"]],
    [{ REGISTRY_AUTH_TOKEN_ISSUER: "harbor-token-issuer" }, ["harbor"]],
    [{ REGISTRY_NOTIFICATIONS_ENDPOINTS: "[{name: harbor}]" }, ["harbor"]],
    [{ REGISTRY_OPENSHIFT_SERVER_ADDR: "registry:5000" }, ["openshift"]],
    [{ REGISTRY_PROXY_REMOTEURL: "https://registry-1.docker.io" }, ["proxy"]],
    [{ REGISTRY_HTTP_ADDR: ":5000", REGISTRY_STORAGE_S3_BUCKET: "[", PATH: "{" }, []],
  ])("%j", (environment, kinds) => {
    expect(ownersInEnvironment(environment).map(({ kind }) => kind)).toEqual(kinds);
    const { REGISTRY_STORAGE_S3_BUCKET: _, ...usable } = environment;
    expect(ownersOf(OFF, usable)).toEqual(kinds);
  });

  test("a variable turns a config's database off as the registry does, and leaves a list as it is", () => {
    expect(ownersOf("database: {enabled: true}", { REGISTRY_DATABASE_ENABLED: "false" })).toEqual([]);
    const harbor = "notifications: {endpoints: [{name: harbor}]}";
    expect(ownersOf(harbor, { REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL: "http://core" })).toEqual(["harbor"]);
  });
});
