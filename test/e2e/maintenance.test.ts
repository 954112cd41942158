import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RegistryClient } from "./support/client.js";
import { findProgram } from "./support/programs.js";
import { jobVariables, KUBECTL, SERVICE } from "./support/maintenance-window.js";
import { freePort, REGISTRIES, writableConfig } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const SCRIPT = path.join(ROOT, "docs/examples/maintenance.sh");
const MAIN = path.join(ROOT, "dist/cli/main.js");

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("docs/examples/maintenance.sh with registry %s", (version) => {
  let directory = "";
  let url = "";
  let client: RegistryClient;

  const file = (name: string): string => path.join(directory, name);
  const environment = (more: Readonly<Record<string, string>>): Record<string, string> => ({
    PATH: `${directory}:${process.env["PATH"] ?? ""}`,
    HOME: directory,
    LANG: "C.UTF-8",
    REGISTRY: findProgram(REGISTRIES[version]),
    CONFIG: file("config.yml"),
    REGISTRY_URL: url,
    PLAN: file("plan.ndjson"),
    ENV_FILE: file("env"),
    DEPLOYMENT: "ci/registry",
    RESTART: `${file("service")} restart`,
    STOP: `${file("service")} stop`,
    START: `${file("service")} start`,
    REGCHECK: file("regcheck"),
    ...more,
  });

  const run = (program: string, args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    new Promise<{ exitCode: unknown; stderr: string; stdout: string }>((resolve) => {
      execFile(program, [...args], { env: environment(more), cwd: directory }, (error, stdout, stderr) =>
        resolve({ exitCode: error === null ? 0 : error.code, stderr, stdout }),
      );
    });

  const script = (name: string, text: string): void => fs.writeFileSync(file(name), text, { mode: 0o755 });

  beforeEach(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-maintenance-"));
    const address = `127.0.0.1:${await freePort()}`;
    url = `http://${address}`;
    fs.writeFileSync(file("config.yml"), writableConfig(file("storage"), address));
    script("service", SERVICE);
    script("kubectl", KUBECTL);
    // Root's journals go to /var/lib, which is no place for a test.
    script("regcheck", `#!/bin/bash\nexec "${process.execPath}" "${MAIN}" "$@" --journal-dir "${file("journal")}"\n`);
    await run(file("service"), ["start"]);
    client = new RegistryClient(url, "team/app");
    await vi.waitUntil(
      () =>
        fetch(`${url}/v2/`).then(
          ({ ok }) => ok,
          () => false,
        ),
      { timeout: 60_000 },
    );
    for (let night = 0; night < 30; night++) await client.image([`base`, `night ${night}`], "nightly");
    await client.image(["base", "release"], "1.0");
    await run("find", [file("storage"), "-exec", "touch", "-d", "20 days ago", "{}", "+"]);
    const plan = [MAIN, "--config", file("config.yml"), "--delete-untagged", "--max-delete", "100%"];
    // The registry takes pushes: a sweep would be refused now, which is an exit code of its own; the plan is written.
    const planning = run(process.execPath, [...plan, "--dry-run", "--plan-output", file("plan.ndjson"), "--registry-stopped"]);
    await planning.catch(() => {});
    if (!fs.readFileSync(file("plan.ndjson"), "utf8").includes('"kind":"blob"')) throw new Error("there is nothing to sweep");
  });

  afterEach(async () => {
    await run(file("service"), ["stop"]);
    fs.rmSync(directory, { recursive: true });
  });

  const SWEEP = ["--delete-untagged", "--max-delete", "100%"];
  const blobs = (): number =>
    fs.readdirSync(file("storage/docker/registry/v2/blobs"), { recursive: true }).filter((name) => String(name).endsWith("data"))
      .length;

  /** A registry is in use again: a push goes through, and is pulled. */
  async function expectPushes(): Promise<void> {
    await client.image(["base", "pushed after the window"], "after");
    expect(await client.pull("after")).toHaveLength(4);
    expect(fs.existsSync(file("config.yml.writable"))).toBe(false);
    expect(fs.readFileSync(file("config.yml"), "utf8")).toContain("readonly:\n      enabled: false");
    expect(fs.readFileSync(file("env"), "utf8").trim()).toBe("");
  }

  test.each(["config", "environment", "stop", "kubernetes"])(
    "by %s: sweeps the plan, verifies, and takes pushes again",
    async (by) => {
      const before = blobs();
      const { exitCode, stderr } = await run(SCRIPT, SWEEP, { READ_ONLY_BY: by });
      expect(stderr).toMatch(/^maintenance: 2 tags before\n/);
      expect(stderr).toMatch(
        /\nmaintenance: pushes were refused for \d+ s\nmaintenance: every tag that answered before answers now; regcheck purge \S+ --config \S+ frees/,
      );
      expect(exitCode).toBe(0);
      expect(blobs()).toBeLessThan(before / 2);
      expect(await client.pull("nightly")).toHaveLength(4);
      await expectPushes();
    },
  );

  describe.runIf(version === "3.1")("whatever the registry", () => {
    test("a tag that does not answer any more: all is put back", async () => {
      // A sweep that takes a tag is none that regcheck makes: this one calls an untag a sweep.
      script(
        "sweeper",
        `#!/bin/bash
case " $* " in
  *" --sweep "*)
    while [ $# -gt 0 ]; do [ "$1" = --output ] && output=$2; shift; done
    "${file("regcheck")}" untag team/app:1.0 --quarantine --config "$CONFIG" --registry-url "$REGISTRY_URL" || exit
    run=$(basename "$(ls "${file("journal")}"/*.ndjson)" .ndjson)
    printf '{\\n    "runId": "%s",\\n}\\n' "$run" > "$output" ;;
  *) exec "${file("regcheck")}" "$@" ;;
esac
`,
      );
      const { exitCode, stderr } = await run(SCRIPT, SWEEP, { READ_ONLY_BY: "config", REGCHECK: file("sweeper") });
      expect(stderr).toMatch(
        /\nmaintenance: these do not answer any more: team\/app:1\.0 200\nmaintenance: run \S+ was put back\n$/,
      );
      expect(exitCode).toBe(1);
      expect(await client.pull("1.0")).toHaveLength(4);
      await expectPushes();
    });

    test("tags that cannot be listed after the sweep: all is put back; a config that is a symbolic link stays one", async () => {
      fs.renameSync(file("config.yml"), file("real.yml"));
      fs.symlinkSync("real.yml", file("config.yml"));
      const before = blobs();
      script("sweeper", `#!/bin/bash\n"${file("regcheck")}" "$@" || exit\ntouch "${file("swept")}"\n`);
      // The script has three arguments for node where it lists tags, and four where it waits for the registry.
      script("node", `#!/bin/bash\n[ ! -e "${file("swept")}" ] || [ $# -ne 3 ] || exit 1\nexec "${process.execPath}" "$@"\n`);
      const { exitCode, stderr } = await run(SCRIPT, SWEEP, { READ_ONLY_BY: "config", REGCHECK: file("sweeper") });
      expect(stderr).toMatch(/\nmaintenance: run \S+ was put back\n$/);
      expect(exitCode).toBe(1);
      expect(blobs()).toBe(before);
      expect(fs.lstatSync(file("config.yml")).isSymbolicLink()).toBe(true);
      await expectPushes();
    });

    test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
      "%s in the middle of the sweep: it comes to a safe point, then pushes go on",
      async (signal) => {
        // The signal always meets it in the middle: it moves nothing more until the script has passed the signal on.
        script(
          "slow",
          `#!/bin/bash
node --import "${file("slow.mjs")}" "${MAIN}" "$@" --journal-dir "${file("journal")}" &
trap 'kill -TERM $!; touch "${file("signalled")}"' TERM
wait $! && exit
wait $!
`,
        );
        fs.writeFileSync(
          file("slow.mjs"),
          `import fs from "node:fs";
const link = fs.linkSync;
let moves = 0;
fs.linkSync = (from, to) => {
  if (from.includes("/docker/registry/v2/") && ++moves === 5) {
    fs.writeFileSync("${file("paused")}", "");
    while (!fs.existsSync("${file("signalled")}")) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  link(from, to);
};
`,
        );
        const child = spawn(SCRIPT, SWEEP, {
          env: environment({ READ_ONLY_BY: "config", REGCHECK: file("slow") }),
          stdio: ["ignore", "ignore", "pipe"],
        });
        const closed = once(child, "close");
        let stderr = "";
        child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
        await vi.waitUntil(() => fs.existsSync(file("paused")) || child.exitCode !== null, { timeout: 60_000, interval: 20 });
        child.kill(signal);
        const [exitCode] = (await closed) as [number | null];
        expect({ exitCode, stderr }).toMatchObject({ exitCode: { SIGTERM: 143, SIGINT: 130, SIGHUP: 129 }[signal] });
        expect(stderr).toContain("maintenance: pushes were refused for ");
        expect(fs.existsSync(file("storage/regcheck/lock"))).toBe(false);
        for (const tag of ["nightly", "1.0"]) expect(await client.pull(tag)).toHaveLength(4);
        await expectPushes();
      },
    );

    const atTheEnd = (then: string): string => `#!/bin/bash
cd "$(dirname "$0")"
[ ! -e closed ] || ${then}
touch closed
exec ./service restart
`;
    test.each([
      ["config", "restart", "a restart that fails", atTheEnd("exit 1")],
      ["environment", "restart", "a restart that does nothing", atTheEnd("exit 0")],
      ["kubernetes", "kubectl", "a rollout that fails", KUBECTL.replace(": > env && ./service restart", "exit 1")],
    ])("by %s, with %s being %s at the end: it says that the registry is still read-only", async (by, name, _, text) => {
      script(name, text);
      const broken = { READ_ONLY_BY: by, RESTART: file("restart"), START_TIMEOUT: "15" };
      const { exitCode, stderr } = await run(SCRIPT, SWEEP, broken);
      expect(stderr).toContain("maintenance: THE REGISTRY IS STILL READ-ONLY OR DOWN: mend that by hand\n");
      expect(stderr).not.toContain("pushes were refused for");
      expect(exitCode).toBe(70);
      if (by === "kubernetes") return;
      const next = await run(SCRIPT, SWEEP, { READ_ONLY_BY: by });
      expect(next.stderr).toContain(" is left of a run that was killed: move it back");
    });

    test("as maintenance-job.yaml runs it: in a pod where nobody listens at the address of the config", async () => {
      const env = jobVariables();
      const of = (name: string): string => env.get(name) ?? "";
      expect(of("REGISTRY_URL")).toBe(`http://${of("REGISTRY_HTTP_ADDR")}`);
      const address = new URL(url).host;
      fs.writeFileSync(file("pod.yml"), writableConfig(file("storage"), `:${await freePort()}`));
      const pod = { READ_ONLY_BY: of("READ_ONLY_BY"), CONFIG: file("pod.yml"), REGISTRY_HTTP_ADDR: address };
      const { exitCode, stderr } = await run(SCRIPT, SWEEP, pod);
      expect(stderr).toContain("maintenance: every tag that answered before answers now");
      expect(exitCode).toBe(0);
      await expectPushes();
    });

    test("regcheck killed in the middle: pushes go on", async () => {
      script("killed", `#!/bin/bash\nkill -9 $$\n`);
      const { exitCode, stderr } = await run(SCRIPT, SWEEP, { READ_ONLY_BY: "environment", REGCHECK: file("killed") });
      expect(stderr).toContain("maintenance: nothing was swept\nmaintenance: pushes were refused for");
      expect(exitCode).toBe(137);
      await expectPushes();
    });

    test("a config without readonly is refused before anything is changed, and so is what a killed run left", async () => {
      const config = fs.readFileSync(file("config.yml"), "utf8");
      fs.writeFileSync(file("config.yml"), config.replace(/ {4}readonly:\n.*\n/, ""));
      const refused = await run(SCRIPT, SWEEP, { READ_ONLY_BY: "config" });
      expect(refused.exitCode).toBe(2);
      expect(refused.stderr).toContain("has no storage.maintenance.readonly with 'enabled: false'");
      fs.writeFileSync(file("config.yml"), config);
      fs.writeFileSync(file("config.yml.writable"), config);
      const leftover = await run(SCRIPT, SWEEP, { READ_ONLY_BY: "config" });
      expect(leftover.exitCode).toBe(2);
      expect(leftover.stderr).toContain("is left of a run that was killed: move it back");
      fs.rmSync(file("config.yml.writable"));
      await expectPushes();
    });
  });
});
