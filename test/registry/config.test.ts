import { describe, expect, test } from "vitest";
import { ConfigProblem, ownersInEnvironment, parseRegistryConfig } from "#regcheck/registry/config.js";
import { linksOf } from "../support/service-links.js";

const FILESYSTEM = `
version: 0.1
storage:
  filesystem:
    rootdirectory: /srv/registry
  delete:
    enabled: true
  cache:
    blobdescriptor: inmemory
  maintenance:
    uploadpurging:
      enabled: false
    readonly:
      enabled: false
http:
  addr: :5000
`;

function parse(text: string, environment: Readonly<Record<string, string>> = {}) {
  return parseRegistryConfig(text, environment);
}

describe("a registry's config.yml", () => {
  test("a filesystem, and what else matters", () => {
    expect(parse(FILESYSTEM)).toEqual({
      storage: { driver: "filesystem", rootDirectory: "/srv/registry" },
      readOnly: false,
      httpAddress: ":5000",
      httpPrefix: undefined,
      tls: false,
      owners: [],
      redis: false,
      warnings: [],
    });
  });

  test.each(["storage: filesystem", "storage: {filesystem: {}}", "storage: {filesystem: }"])(
    "%s: the registry's own default directory",
    (text) => expect(parse(text).storage).toEqual({ driver: "filesystem", rootDirectory: "/var/lib/registry" }),
  );

  // What the real registries make of these is tested in test/e2e/config.test.ts; of the empty text, they make the machine's root.
  test.each([
    ["x: &x {rootdirectory: /a}\nstorage: {filesystem: {<<: *x, maxthreads: 100}}", "/a"],
    ["storage: {filesystem: {rootdirectory: 4711}}", "4711"],
    ["storage: {filesystem: {rootdirectory: 12345678901234567890}}", "12345678901234567890"],
    ["storage: {filesystem: {rootdirectory: ''}}", "/"],
  ])("%j: the directory %s", (text, rootDirectory) =>
    expect(parse(text).storage).toEqual({ driver: "filesystem", rootDirectory }),
  );

  test("of YAML's older ways, the registry knows the words for true and false", () => {
    const text = "storage: {s3: {bucket: b, regionendpoint: s3:9000, secure: no}, maintenance: {readonly: {enabled: yes}}}";
    expect(parse(text)).toMatchObject({ readOnly: true, storage: { parameters: { endpoint: "http://s3:9000" } } });
  });

  test("s3_v2 is GitLab's driver for the same layout, with a word of its own for path style", () => {
    const of = (more: string) => parse(`storage: {s3_v2: {bucket: b, regionendpoint: "http://s3:9000"${more}}}`).storage;
    expect(of("")).toMatchObject({ driver: "s3", parameters: { bucket: "b", endpoint: "http://s3:9000", forcePathStyle: true } });
    expect(of(", pathstyle: false")).toMatchObject({ parameters: { forcePathStyle: false } });
    expect(parse("storage: {s3_v2: {bucket: b, region: eu-west-1, pathstyle: true}}").storage).toMatchObject({
      parameters: { forcePathStyle: true },
    });
  });

  test.each(["s3", "s3aws"])("the driver %s, with its parameters", (driver) => {
    const text = `storage: {${driver}: {bucket: images, region: eu-central-1, rootdirectory: /prod}, redirect: {disable: true}}`;
    expect(parse(text).storage).toMatchObject({
      driver: "s3",
      parameters: { bucket: "images", region: "eu-central-1", rootDirectory: "prod" },
    });
  });

  test("3.x: tag is no driver", () => {
    expect(parse("storage: {tag: {concurrencylimit: 5}, filesystem: {}}").storage.driver).toBe("filesystem");
  });

  test("read-only, TLS, a proxy and Redis are seen", () => {
    const text = `
storage: {filesystem: {}, maintenance: {readonly: {enabled: true}}, cache: {blobdescriptor: redis}}
http: {addr: "0.0.0.0:443", tls: {certificate: /c.pem, key: /k.pem}}
proxy: {remoteurl: https://registry.example.com}`;
    expect(parse(text)).toMatchObject({
      readOnly: true,
      tls: true,
      redis: true,
      httpAddress: "0.0.0.0:443",
      httpPrefix: undefined,
      owners: [{ kind: "proxy", evidence: "the config has proxy.remoteurl https://registry.example.com" }],
    });
    expect(parse("storage: {filesystem: , cache: {layerinfo: redis}}").redis).toBe(true);
  });

  test.each([
    ["nothing", "", "expected a mapping"],
    ["a list", "- storage", "expected a mapping"],
    ["broken YAML", "storage: {filesystem", "broken YAML"],
    ["an alias of nothing", "storage: *nothing", "broken YAML"],
    ["a merge of text", "storage: {<<: text}", "broken YAML: a merge key (<<) of what is no mapping"],
    ["no storage", "version: 0.1", "names no driver"],
    ["no driver", "storage: {delete: {enabled: true}}", "names no driver"],
    ["two drivers", "storage: {filesystem: {}, s3: {}}", "several drivers (filesystem, s3)"],
    ["no driver, as twuni's chart has it", "storage: {cache: {blobdescriptor: inmemory}}", "REGISTRY_STORAGE_S3_BUCKET"],
    ["a driver that regcheck does not read", "storage: {azure: {}}", '"azure" is not supported'],
    ["no text for a directory", "storage: {filesystem: {rootdirectory: }}", "storage.filesystem.rootdirectory is empty"],
    ["a list for a directory", "storage: {filesystem: {rootdirectory: [a]}}", "storage.filesystem.rootdirectory: expected text"],
    ["a fraction for a directory", "storage: {filesystem: {rootdirectory: 1.50}}", "storage.filesystem.rootdirectory: expected"],
    ["text for a driver's parameters", "storage: {filesystem: /a}", "storage.filesystem: expected a mapping"],
    ["a mapping for an address", "storage: filesystem\nhttp: {addr: {}}", "http.addr: expected text"],
    ["a driver that forgets all", "storage: inmemory", '"inmemory" is not supported'],
  ])("%s: one clear line", (_, text, problem) => {
    expect(() => parse(text)).toThrow(ConfigProblem);
    expect(() => parse(text)).toThrow(problem);
    expect(() => parse(text)).toThrow(/^[^\n]*$/);
  });
});

describe("REGISTRY_* in the environment", () => {
  test("a parameter", () => {
    const environment = { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: "/mnt/images", REGISTRY_HTTP_ADDR: "127.0.0.1:5001" };
    expect(parse(FILESYSTEM, environment)).toMatchObject({
      storage: { rootDirectory: "/mnt/images" },
      httpAddress: "127.0.0.1:5001",
      httpPrefix: undefined,
    });
  });

  test("another driver, named before its parameters", () => {
    const environment = { REGISTRY_STORAGE_S3_BUCKET: "images", REGISTRY_STORAGE: "s3", REGISTRY_STORAGE_S3_REGION: "eu-west-1" };
    expect(parse(FILESYSTEM, environment).storage).toMatchObject({
      driver: "s3",
      parameters: { bucket: "images", region: "eu-west-1" },
    });
  });

  test("a driver's parameter without the driver: two drivers, which the registry refuses too", () => {
    expect(() => parse(FILESYSTEM, { REGISTRY_STORAGE_S3_BUCKET: "images" })).toThrow("several drivers");
  });

  test.each([
    { REGISTRY_STORAGE_MAINTENANCE_READONLY: '{"enabled":true}' },
    { REGISTRY_STORAGE_MAINTENANCE_READONLY: "enabled: true" },
    { REGISTRY_STORAGE_MAINTENANCE: '{"readonly":{"enabled":true}}' },
  ])("read-only by %j", (environment) => {
    expect(parse(FILESYSTEM, environment)).toMatchObject({ readOnly: true, warnings: [] });
  });

  test("the trap: READONLY_ENABLED leaves a registry writable, and says so (D#1736)", () => {
    const { readOnly, warnings } = parse(FILESYSTEM, { REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED: "true" });
    expect(readOnly).toBe(false);
    expect(warnings).toEqual([expect.stringContaining("REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED is not honoured")]);
  });

  test("nor does it undo a read-only config", () => {
    const readOnly = FILESYSTEM.replace("readonly:\n      enabled: false", "readonly:\n      enabled: true");
    expect(parse(readOnly, { REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED: "false" }).readOnly).toBe(true);
  });

  test("what is not the registry's is left alone", () => {
    expect(parse(FILESYSTEM, { REGISTRYSTORAGE: "s3", HTTP_ADDR: ":1", REGISTRY_AUTH_HTPASSWD_REALM: "[", PATH: "{" })).toEqual(
      parse(FILESYSTEM),
    );
  });

  test.each(["", " ", "# none", "---", "~"])("what is there and empty, as %j, is null: no default", (value) => {
    const rootDirectory = { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: value };
    for (const text of [FILESYSTEM, "storage: filesystem"])
      expect(() => parse(text, rootDirectory)).toThrow("storage.filesystem.rootdirectory is empty: the registry stores in <nil>");
    expect(() => parse(FILESYSTEM, { REGISTRY_STORAGE: value })).toThrow("names no driver");
    expect(parse(FILESYSTEM, { REGISTRY_STORAGE_FILESYSTEM: value }).storage).toEqual({
      driver: "filesystem",
      rootDirectory: "/var/lib/registry",
    });
    expect(parse(FILESYSTEM, { REGISTRY_HTTP_ADDR: value, REGISTRY_HTTP: value }).httpAddress).toBeUndefined();
    expect(parse(FILESYSTEM, { REGISTRY_STORAGE_MAINTENANCE_READONLY: value }).warnings).toEqual([
      expect.stringContaining("storage.maintenance.readonly has to have keys"),
    ]);
  });

  describe("that Kubernetes sets for a Service", () => {
    // What the real registries make of these is tested in test/e2e/config-start.test.ts.
    test.each(["REGISTRY", "DATABASE", "DATABASE_PRIMARY", "HTTP", "LOG", "NOTIFICATIONS", "OPENSHIFT", "PROXY", "REDIS"])(
      "means nothing where it is named after %s, which the registry passes over",
      (name) => {
        const links = linksOf(name === "REGISTRY" ? name : `REGISTRY_${name}`);
        expect(parse(FILESYSTEM, links)).toEqual(parse(FILESYSTEM));
        expect(ownersInEnvironment(links)).toEqual([]);
      },
    );

    test("is no Redis", () => {
      const text = "storage: {filesystem: {}, cache: {blobdescriptor: redis}}";
      expect(parse(text, linksOf("REGISTRY_REDIS")).warnings).toEqual([expect.stringContaining("there is no redis section")]);
      expect(parse(text, { REGISTRY_REDIS_ADDR: "redis:6379" }).warnings).toEqual([]);
    });

    test("keeps the registry from starting where it is named after storage, auth or middleware", () => {
      expect(() => parse(FILESYSTEM, linksOf("REGISTRY_STORAGE"))).toThrow(
        "REGISTRY_STORAGE_PORT in the environment is of a Service of Kubernetes that is named registry-storage, and the registry does not start with it: set enableServiceLinks: false in the pod, or rename the Service",
      );
      for (const name of ["auth", "middleware"]) {
        const links = linksOf(`REGISTRY_${name.toUpperCase()}`);
        const { warnings, ...rest } = parse(FILESYSTEM, links);
        expect({ ...rest, warnings: [] }).toEqual(parse(FILESYSTEM));
        expect(warnings).toEqual([expect.stringContaining(`is named registry-${name}, and the registry does not start with it`)]);
        expect(ownersInEnvironment(links)).toEqual([]);
      }
    });

    test("is told from the settings of the same name", () => {
      const kinds = (environment: Record<string, string>) => ownersInEnvironment(environment).map(({ kind }) => kind);
      expect(kinds({ REGISTRY_DATABASE_PORT: "5432" })).toEqual(["gitlab"]);
      expect(kinds({ ...linksOf("REGISTRY_DATABASE"), REGISTRY_DATABASE_HOST: "db" })).toEqual(["gitlab"]);
      expect(kinds({ ...linksOf("REGISTRY_DATABASE"), REGISTRY_DATABASE_ENABLED: "true" })).toEqual(["gitlab"]);
      expect(kinds({ REGISTRY_AUTH_TOKEN_SERVICE: "harbor-registry" })).toEqual(["harbor"]);
    });
  });

  test("a value that is no YAML is named without being shown: it may be a secret", () => {
    const secret = { REGISTRY_STORAGE_S3_SECRETKEY: "*hunter2", REGISTRY_STORAGE: "s3" };
    expect(() => parse(FILESYSTEM, secret)).toThrow(ConfigProblem);
    expect(() => parse(FILESYSTEM, secret)).toThrow("REGISTRY_STORAGE_S3_SECRETKEY");
    expect(() => parse(FILESYSTEM, secret)).not.toThrow("hunter2");
  });
});
