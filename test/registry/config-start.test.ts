import { describe, expect, test } from "vitest";
import { startProblems } from "#regcheck/registry/config-start.js";
import { proxyStateProblem } from "#regcheck/registry/proxy-state.js";

/** Each was tried with registries 2.8 and 3.1. */
describe("what keeps a registry from starting", () => {
  const STARTS = /^$/;
  const purging = (uploadpurging: unknown) => ({ maintenance: { uploadpurging } });
  const readonly = (value: unknown) => ({ maintenance: { readonly: value } });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ["nothing special", { filesystem: {} }, STARTS],
    ["purging off", purging({ enabled: false }), STARTS],
    ["purging in full", purging({ enabled: true, age: "168h", interval: "1h30m", dryrun: false }), STARTS],
    ["purging without keys", purging({}), /lacks age, interval, dryrun/],
    ["purging without dryrun", purging({ enabled: true, age: "168h", interval: "24h" }), /lacks dryrun/],
    [
      "an age in days",
      purging({ age: "7d", interval: "24h", dryrun: false }),
      /uploadpurging\.age: expected a time such as 168h/,
    ],
    ["an age that is a number", purging({ age: 168, interval: "24h", dryrun: false }), /uploadpurging\.age/],
    ["false in quotes", purging({ enabled: "false" }), /lacks age, interval, dryrun/],
    ["purging: false", purging(false), /has to have keys/],
    ["purging: null", purging(null), /has to have keys/],
    ["readonly: {}", readonly({}), STARTS],
    ["readonly on", readonly({ enabled: true }), STARTS],
    ["readonly: true", readonly(true), /readonly has to have keys/],
    ["true in quotes", readonly({ enabled: "true" }), /readonly\.enabled: expected true or false/],
    ["delete in quotes", { delete: { enabled: "true" } }, STARTS],
    ["redirect", { redirect: { disable: true } }, STARTS],
    ["redirect without keys", { redirect: {} }, /redirect needs disable/],
    ["redirect in quotes", { redirect: { disable: "true" } }, /redirect needs disable/],
    ["a cache that nobody knows", { cache: { blobdescriptor: "memory" } }, STARTS],
    ["a cache of some size", { cache: { blobdescriptor: "inmemory", blobdescriptorsize: "100" } }, STARTS],
    ["a cache of no size", { cache: { blobdescriptor: "inmemory", blobdescriptorsize: "x" } }, /blobdescriptorsize: expected/],
    ["a size of another cache", { cache: { blobdescriptorsize: "x" } }, STARTS],
    ["cache: inmemory", { cache: "inmemory" }, /storage\.cache has to have keys/],
    ["delete: true", { delete: true }, /storage\.delete has to have keys/],
    ["delete: null", { delete: null }, STARTS],
    ["maintenance: true", { maintenance: true }, /storage\.maintenance has to have keys/],
    ["tags at a time", { tag: { concurrencylimit: 8 } }, STARTS],
    ["tags at a time, in words", { tag: { concurrencylimit: "x" } }, /concurrencylimit: expected/],
    ["tags at a time, less than none", { tag: { concurrencylimit: -1 } }, /concurrencylimit: expected/],
    ["threads", { filesystem: { maxthreads: 50 } }, STARTS],
    ["threads in quotes", { filesystem: { maxthreads: "50" } }, STARTS],
    ["threads in words", { filesystem: { maxthreads: "x" } }, /maxthreads: expected a whole number/],
    ["half a thread", { filesystem: { maxthreads: 1.5 } }, /maxthreads: expected a whole number/],
    ["a bucket", { s3: { bucket: "b", region: "eu-central-1", encrypt: "T", chunksize: "10485760" } }, STARTS],
    ["a bucket without a region", { s3: { bucket: "b" } }, /s3\.region is missing/],
    ["usedualstack: yes", { s3: { region: "eu-central-1", usedualstack: "yes" } }, /s3\.usedualstack: .* \(registry 3\.x\)$/],
    ["encrypt: yes", { s3: { region: "eu-central-1", encrypt: "yes" } }, /s3\.encrypt: expected true or false/],
    [
      "a size with a unit",
      { s3: { region: "eu-central-1", chunksize: "10MB" } },
      /s3\.chunksize: expected a number from 5242880/,
    ],
    ["a small size", { s3: { region: "eu-central-1", chunksize: 1 } }, /s3\.chunksize: expected a number from 5242880/],
    ["an archive", { s3: { region: "eu-central-1", storageclass: "GLACIER" } }, /s3\.storageclass/],
    ["a class", { s3: { region: "eu-central-1", storageclass: "STANDARD_IA" } }, STARTS],
    ["Redis without Redis", { cache: { blobdescriptor: "redis" } }, /no redis section/],
  ])("%s", (_, storage, expected) => {
    expect(startProblems(storage, false).join("\n")).toMatch(expected);
  });

  test.each<[Record<string, unknown>, RegExp]>([
    [{ remoteurl: "https://registry-1.docker.io", ttl: "168h" }, STARTS],
    [{ remoteurl: "", ttl: 100 }, STARTS],
    [{ remoteurl: "registry-1.docker.io" }, /proxy\.remoteurl: expected an address with https/],
    [{ remoteurl: "https://registry-1.docker.io", ttl: "7d" }, /proxy\.ttl: expected a time/],
  ])("proxy: %j", (proxy, expected) => {
    expect(startProblems({}, false, proxy).join("\n")).toMatch(expected);
  });

  test.each([
    ["", "it is empty"],
    ["not json", "it is no JSON"],
    ['{"a":', "it is no JSON"],
    ["[]", "it holds no JSON object"],
    ['"x"', "it holds no JSON object"],
    ['{"a":1}', "an entry of it is no JSON object"],
    ["null", undefined],
    ["{}", undefined],
    ['{"a":{"Key":"a","Expiry":"2020-01-01T00:00:00Z","EntryType":0}}', undefined],
  ])("scheduler-state.json with %j", (content, problem) => {
    expect(proxyStateProblem(content)).toBe(problem);
  });
});
