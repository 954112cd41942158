import { execFile } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readTranscript, shapeOf, withOutputs } from "../support/transcript.js";
import { RegistryClient } from "./support/client.js";
import { findProgram } from "./support/programs.js";
import { freePort, REGISTRIES, writableConfig } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const DOCUMENT = path.join(ROOT, "docs/walkthrough.md");
/** With `UPDATE_DOCS=1` the document gets the outputs of registry 3.1. */
const UPDATE = process.env["UPDATE_DOCS"] === "1";
const TAGS = { "team/app": ["1.0", "1.1", "nightly"], "team/web": ["2.0", "latest"] } as const;

/** What looks like a compressed layer, the same in every run. */
function layer(name: string, megabytes: number): Buffer {
  return crypto
    .createHash("shake256", { outputLength: megabytes * 1_000_000 })
    .update(name)
    .digest();
}

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("docs/walkthrough.md with registry %s", (version) => {
  let directory = "";
  let address = "";

  /** The document's names, and what they are here. */
  const here = (text: string): string =>
    text
      .replaceAll("/var/lib/registry", path.join(directory, "storage"))
      .replaceAll("/etc/distribution/config.yml", path.join(directory, "config.yml"))
      .replaceAll("localhost:5000", address);
  const there = (text: string): string =>
    text
      .replaceAll(path.join(directory, "storage"), "/var/lib/registry")
      .replaceAll(path.join(directory, "config.yml"), "/etc/distribution/config.yml")
      // Only the test gives it: see `regcheck` below.
      .replaceAll(" --name registry-1", "")
      .replaceAll(` --journal-dir ${path.join(directory, "journal")}`, "")
      .replaceAll(path.join(directory, "journal"), "/var/lib/regcheck")
      .replaceAll(address, "localhost:5000");

  const shell = (command: string): Promise<string> =>
    new Promise((resolve) => {
      const env = { PATH: `${directory}/bin:${process.env["PATH"] ?? ""}`, HOME: directory, TZ: "UTC", LANG: "C.UTF-8" };
      execFile("bash", ["-c", `exec 2>&1; ${command}`], { cwd: directory, env, maxBuffer: 1e8 }, (_, stdout) => resolve(stdout));
    });

  beforeEach(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-walkthrough-"));
    address = `127.0.0.1:${await freePort()}`;
    fs.mkdirSync(path.join(directory, "bin"));
    fs.writeFileSync(path.join(directory, "config.yml"), writableConfig(path.join(directory, "storage"), address));
    const script = (name: string, text: string): void =>
      fs.writeFileSync(path.join(directory, "bin", name), `#!/bin/bash\n${text}`, { mode: 0o755 });
    script("systemctl", systemctl(directory, address, findProgram(REGISTRIES[version])));
    const main = path.join(ROOT, "dist/cli/main.js");
    // Root's journals go to /var/lib, which is no place for a test.
    script(
      "regcheck",
      `case " $* " in *" --sweep "*|*" purge "*) set -- "$@" --journal-dir "${directory}/journal";; esac\n[ $# -eq 0 ] || case $1 in restore|purge) ;; *) set -- "$@" --name registry-1;; esac\nexec "${process.execPath}" "${main}" "$@"\n`,
    );
    await shell("systemctl restart registry");
    await fill(`http://${address}`);
    // All of it is older than the grace time.
    await shell(`find storage -exec touch -d '20 days ago' {} +`);
  });

  afterEach(async () => {
    await shell("systemctl stop registry");
    fs.rmSync(directory, { recursive: true });
  });

  test("does what it says: the space is free, and every tag pulls what it did", async () => {
    const document = fs.readFileSync(DOCUMENT, "utf8");
    const steps = readTranscript(document);
    expect(steps).toHaveLength(7);
    const pullable = await pullAll(`http://${address}`);
    const outputs: string[] = [];
    for (const { command } of steps) outputs.push(there(await shell(here(command))));
    if (UPDATE && version === "3.1") fs.writeFileSync(DOCUMENT, withOutputs(document, outputs));
    const expected = readTranscript(fs.readFileSync(DOCUMENT, "utf8"));
    for (const [i, { command, output }] of expected.entries()) expect(shapeOf(outputs[i] ?? ""), command).toBe(shapeOf(output));
    expect(await pullAll(`http://${address}`)).toEqual(pullable);
    expect(sizeOf(outputs[6] ?? "")).toBeLessThan(sizeOf(outputs[0] ?? "") / 2);
    const client = new RegistryClient(`http://${address}`, "team/app");
    await client.image([await client.push(layer("nightly 1", 12)), "pushed again"], "again");
    expect(await client.pull("again")).toHaveLength(4);
  });
});

/** A nightly tag that has moved three times, and a release that was deleted by its digest. */
async function fill(url: string): Promise<void> {
  const app = new RegistryClient(url, "team/app");
  const base = await app.push(layer("base", 5));
  for (const tag of ["1.0", "1.1"]) await app.image([base, await app.push(layer(`app ${tag}`, 3))], tag);
  for (let night = 0; night < 3; night++) await app.image([base, await app.push(layer(`nightly ${night}`, 12))], "nightly");
  const web = app.in("team/web");
  await web.mount(base, "team/app");
  for (const tag of ["2.0", "latest"]) await web.image([base, await web.push(layer(`web ${tag}`, 2))], tag);
  const old = await web.image([base, await web.push(layer("web 1.0", 9))], "1.0");
  await web.deleteManifest(old.digest);
}

async function pullAll(url: string): Promise<Record<string, string[]>> {
  const pulled: Record<string, string[]> = {};
  for (const [repository, tags] of Object.entries(TAGS)) {
    const client = new RegistryClient(url, repository);
    for (const tag of tags) pulled[`${repository}:${tag}`] = await client.pull(tag);
  }
  return pulled;
}

/** Megabytes, as `du -sh` prints them. */
function sizeOf(output: string): number {
  return Number(/^([\d.]+)M\t/m.exec(output)?.[1]);
}

/** What the service manager does with the registry, without one. */
function systemctl(directory: string, address: string, registry: string): string {
  return `cd "${directory}"
if [ -e pid ]; then kill -9 "$(cat pid)"; rm pid; fi
[ "$1" = stop ] && exit
OTEL_TRACES_EXPORTER=none setsid "${registry}" serve config.yml > registry.log 2>&1 < /dev/null &
echo $! > pid
for _ in $(seq 1200); do curl --silent --fail --output /dev/null "http://${address}/v2/" && exit; sleep 0.05; done
exit 1
`;
}
