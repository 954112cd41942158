import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { listRuns } from "#regcheck/journal/read-run.js";
import { blobFile, RegistryBuilder, V2 } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import type { S3Server } from "../support/s3-server/index.js";
import { treeOf } from "../support/sweeping-s3.js";
import { sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };
const TAG = `${V2}/repositories/team/app/_manifests/tags/t/current/link`;

/** A registry in a directory or in a bucket, seen alike. */
interface Place {
  readonly location: string;
  readonly more: readonly string[];
  readonly read: (file: string) => string | undefined;
  readonly write: (file: string, content: string) => void;
  readonly quarantined: () => readonly string[];
}

function onDisk(registry: RegistryBuilder): Place {
  const location = written(registry.tree);
  const at = (file: string): string => path.join(location, file);
  return {
    location,
    more: [],
    read: (file) => (fs.existsSync(at(file)) ? fs.readFileSync(at(file), "utf8") : undefined),
    write: (file, content) => {
      fs.mkdirSync(path.dirname(at(file)), { recursive: true });
      fs.writeFileSync(at(file), content);
    },
    quarantined: () =>
      fs.existsSync(at("regcheck")) ? fs.readdirSync(at("regcheck"), { recursive: true, encoding: "utf8" }).sort() : [],
  };
}

async function inBucket(registry: RegistryBuilder, versioned = false): Promise<Place> {
  const server: S3Server = await startedServer({ buckets: [{ name: "b", versioned }] });
  store(server, registry.tree);
  return {
    location: "s3://b",
    more: ["--endpoint", server.endpoint],
    read: (file) => treeOf(server).files.get(file)?.content.toString(),
    write: (file, content) => {
      server.put("b", file, content);
    },
    quarantined: () => [...treeOf(server).files.keys()].filter((file) => file.startsWith("regcheck/")),
  };
}

const PLACES: readonly [string, (registry: RegistryBuilder) => Place | Promise<Place>, readonly string[]][] = [
  ["a directory", onDisk, ["--quarantine"]],
  ["a directory, without a quarantine", onDisk, []],
  ["a bucket", (registry) => inBucket(registry), ["--quarantine"]],
  ["a bucket that keeps versions", (registry) => inBucket(registry, true), ["--quarantine"]],
];

function app() {
  const registry = new RegistryBuilder();
  const repository = registry.repository("team/app");
  repository.image({ layers: ["kept"], tag: "kept" });
  return { registry, repository, image: repository.image({ layers: ["one"], config: "one", tag: "t" }) };
}

/** What is done there by the command line, with journals of its own. */
function operator({ location, more }: Place) {
  const journal = temporaryDirectory();
  const run = async (...args: string[]) => {
    const done = await regcheck([...args, "--journal-dir", journal, ...more], KEYS);
    return { ...done, runId: listRuns(journal).at(-1) ?? "" };
  };
  return {
    untag: (tag: string, ...args: readonly string[]) =>
      run("untag", `team/app:${tag}`, "--storage", location, "--registry-stopped", ...args),
    sweep: (...args: readonly string[]) => regcheck([...sweepEverything(location, journal, ...args), ...more], KEYS),
    restore: (runId: string, ...args: readonly string[]) =>
      run("restore", runId, "--storage", location, "--format", "json", ...args),
    runId: () => listRuns(journal).at(-1) ?? "",
  };
}

interface Told {
  readonly restored: number;
  readonly warnings: readonly { readonly path: string; readonly cause: string }[];
  readonly problems: readonly { readonly path: string; readonly cause: string }[];
}

const told = (stdout: string) => JSON.parse(stdout) as Told;

describe.each(PLACES)("in %s", (_, open, how) => {
  test("an empty link of a tag is nobody's wish: the one that was removed takes its place", async () => {
    const damage = "";
    const { registry, image } = app();
    const place = await open(registry);
    const { untag, restore } = operator(place);
    const { runId, exitCode } = await untag("t", ...how);
    expect(exitCode).toBe(0);
    place.write(TAG, damage);
    const dry = await restore(runId, "--dry-run");
    expect(place.read(TAG)).toBe(damage);
    const done = await restore(runId);
    expect(place.read(TAG)).toBe(image.digest);
    for (const { stdout, exitCode: code } of [dry, done])
      expect({ code, ...told(stdout) }).toMatchObject({
        code: 0,
        problems: [],
        warnings: [{ path: TAG, cause: expect.stringMatching(/^it is back in the place of a damaged one: the link/) as unknown }],
      });
    expect(place.quarantined().filter((file) => file.endsWith("link"))).toEqual([]);
    expect(told((await restore(runId)).stdout)).toMatchObject({ restored: 0, warnings: [], problems: [] });
  });

  test("of two untags of one tag, the newer comes back first; what the older named is told", async () => {
    const { registry, repository, image } = app();
    const newer = repository.image({ layers: ["two"], config: "two" });
    const place = await open(registry);
    const { untag, restore } = operator(place);
    const push = ({ digest }: { readonly digest: string }): void => {
      place.write(TAG, digest);
      place.write(TAG.replace("current", `index/${digest.replace(":", "/")}`), digest);
    };
    const { runId: first } = await untag("t", ...how);
    push(newer);
    const { runId: second, exitCode } = await untag("t", ...how);
    expect({ exitCode, isOther: first !== second }).toEqual({ exitCode: 0, isOther: true });
    for (const more of [["--dry-run"], []]) {
      const refused = await restore(first, ...more);
      expect(refused.exitCode).toBe(5);
      expect(told(refused.stdout).problems).toEqual([
        { path: TAG, cause: expect.stringMatching(/removed.* again after this run.*restore that one first/) as unknown },
      ]);
    }
    expect(place.read(TAG)).toBeUndefined();
    expect(await restore(second)).toMatchObject({ exitCode: 0 });
    expect(place.read(TAG)).toBe(newer.digest);
    const { stdout, exitCode: code } = await restore(first);
    expect({ code, ...told(stdout) }).toMatchObject({
      code: 0,
      problems: [],
      warnings: [{ path: TAG, cause: expect.stringContaining(`it named ${image.digest}`) as unknown }],
    });
    expect(place.read(TAG)).toBe(newer.digest);
    expect(place.quarantined().filter((file) => file.endsWith("link"))).toEqual([]);
  });

  test.skipIf(how.length === 0).each(["_manifests/revisions", "_layers"])(
    "a damaged link of %s gives way to the one that a sweep took",
    async (section) => {
      const { registry, repository } = app();
      const untagged = repository.image({ layers: ["x"], config: "x" });
      const layer = repository.push("x");
      const place = await open(registry);
      const { sweep, restore, runId } = operator(place);
      expect(await sweep(...how)).toMatchObject({ exitCode: 0 });
      const digest = section === "_layers" ? layer.digest : untagged.digest;
      const link = `${V2}/repositories/team/app/${section}/${digest.replace(":", "/")}/link`;
      expect(place.read(link)).toBeUndefined();
      // One that holds another digest than its path is damaged as well.
      place.write(link, section === "_layers" ? "" : `sha256:${"0".repeat(63)}`);
      const { stdout, exitCode } = await restore(runId());
      expect({ exitCode, problems: told(stdout).problems }).toEqual({ exitCode: 0, problems: [] });
      expect(place.read(link)).toBe(digest);
    },
  );

  test.skipIf(how.length === 0)("an empty blob in the place of a sound one is a problem, and the sound one is kept", async () => {
    const { registry, repository } = app();
    const untagged = repository.image({ layers: ["x"], config: "x" });
    const place = await open(registry);
    const { sweep, restore, runId } = operator(place);
    await sweep(...how);
    const file = blobFile(untagged.digest);
    place.write(file, "");
    for (const more of [["--dry-run"], []]) {
      const { stdout, exitCode } = await restore(runId(), ...more);
      expect(exitCode).toBe(5);
      expect(told(stdout).problems.map((problem) => problem.path)).toContain(file);
    }
    expect(place.read(file)).toBe("");
  });
});

test("a host without the journals knows a later run in a bucket by its quarantine, and tells what an image lacks", async () => {
  const { registry, repository } = app();
  const images = ["m1", "m2"].map((tag) => repository.image({ layers: ["base", tag], config: tag, tag }));
  const place = await inBucket(registry);
  const { untag, sweep, runId } = operator(place);
  const runs: string[] = [];
  for (const tag of ["m1", "m2"]) {
    expect(await untag(tag)).toMatchObject({ exitCode: 0 });
    expect(await sweep("--quarantine")).toMatchObject({ exitCode: 0 });
    runs.push(runId());
  }
  const { stdout, exitCode } = await operator(place).restore(runs[0] ?? "");
  expect({ exitCode, ...told(stdout) }).toMatchObject({
    exitCode: 0,
    warnings: [
      {
        path: expect.stringContaining(images[0]?.digest.slice(7) ?? "") as unknown,
        cause: expect.stringMatching(/which is not there: if a later run/) as unknown,
      },
    ],
  });
});
