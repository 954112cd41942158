import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { blobFile, RegistryBuilder } from "../support/builder.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { temporaryDirectory, written } from "../support/temporary.js";

function soundRegistry(): string {
  const registry = new RegistryBuilder();
  registry.repository("team/app").image({ layers: ["a layer"], tag: "1" });
  return written(registry.tree);
}

describe("exit codes", () => {
  test("0 for a sound registry", async () => {
    const { exitCode, stdout, stderr } = await regcheck([soundRegistry()]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/SOUND: 0 errors, 0 warnings, 0 B reclaimable\n$/);
  });

  test("1 for errors, or for what --fail-on says", async () => {
    expect((await regcheck([FIXTURE])).exitCode).toBe(1);
    expect((await regcheck([FIXTURE, "--fail-on", "never"])).exitCode).toBe(0);
    const registry = new RegistryBuilder();
    registry.repository("team/app").push("a layer that nothing needs");
    const directory = written(registry.tree);
    expect((await regcheck([directory])).exitCode).toBe(0);
    expect((await regcheck([directory, "--fail-on", "garbage"])).exitCode).toBe(1);
  });

  test("3 when something could not be read, whatever --fail-on says; the rest is still checked", async () => {
    const directory = soundRegistry();
    const link = path.join(directory, "docker/registry/v2/repositories/team/elsewhere");
    fs.symlinkSync("/etc", link);
    const { exitCode, stdout } = await regcheck([directory, "--fail-on", "never"]);
    expect(exitCode).toBe(3);
    expect(stdout).toContain("docker/registry/v2/repositories/team/elsewhere");
    expect(stdout).toContain("1 repository, 1 tag, 1 manifest");
    expect(stdout).toMatch(/INCOMPLETE: something could not be read/);
  });
});

describe("bad input is one clear line and exit code 2", () => {
  test.each<[string, string[], string]>([
    ["no such directory", ["/no/such/place"], "/no/such/place: no such directory. Expected the registry's rootdirectory"],
    ["a directory that is no registry", ["/proc/self/fd"], "not a registry's storage. Expected docker/registry/v2 below it"],
    ["an unknown option", [FIXTURE, "--delete-everything"], "Unknown argument: delete-everything"],
    ["two storages", [FIXTURE, "--config", "x.yml"], "give one of them"],
    ["a broken time span", [FIXTURE, "--grace", "soon"], "--grace soon: expected a time span such as 30m, 1h or 7d"],
    ["a broken number", [FIXTURE, "--concurrency", "many"], "--concurrency many: expected a whole number from 1 to 1024"],
    ["an empty storage, as of an unset variable", [""], "regcheck: the storage is empty\n"],
    ["an empty glob", [FIXTURE, "--repository", ""], "regcheck: --repository is empty\n"],
    ["an empty file", [FIXTURE, "--output="], "regcheck: --output is empty\n"],
    ["an empty storage of a sweep's run", ["restore", "run", "--storage", ""], "regcheck: the storage is empty\n"],
    ["a part of nothing", [FIXTURE, "--verify=0/7"], "--verify=0/7: expected a part such as 1/7"],
    ["a part that is none", [FIXTURE, "--verify=some"], "--verify=some: expected a part such as 1/7"],
    ["all and a part", [FIXTURE, "--verify", "--verify=1/7"], "--verify is given twice"],
    ["an option without its value", [FIXTURE, "--registry-url"], "Not enough arguments following: registry-url"],
    ["an unknown format", [FIXTURE, "--format", "xml"], '--format xml: expected one of "text", "json"'],
    ["two bad choices", [FIXTURE, "--format", "xml", "--fail-on", "all"], '; --fail-on all: expected one of "error"'],
    ["no config", ["--config", "/no/config.yml"], "/no/config.yml: no such file or directory"],
    ["a storage before a reference", ["explain", FIXTURE, "team/app:1"], "the storage as --storage DIRECTORY"],
    [
      "a word before a reference",
      ["explain", "fix", "team/app:1"],
      "Unknown argument: team/app:1: a command other than the check",
    ],
    [
      "a storage among tags",
      ["untag", "s3://bucket", "team/app:1"],
      "s3://bucket: a command other than the check takes the storage",
    ],
    [
      "a storage among codes",
      ["repair", "./registry", "tag-dangling"],
      "./registry: a command other than the check takes the stor",
    ],
    ["an option that a command lacks", ["untag", "a:1", "--verify", "x"], "(regcheck untag --help lists what there is)"],
    ["a command without its argument", ["explain"], "(regcheck explain --help lists what there is)"],
    ["no run to restore", ["restore", "--journal-dir", "/no/such/place"], "name a run: there is none in /no/such/place"],
    ["an output that cannot be", [FIXTURE, "--output", "/no/such/place/report"], "--output /no/such/place/report"],
  ])("%s", async (_, args, message) => {
    const { exitCode, stdout, stderr } = await regcheck(args);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^regcheck: .*\n(?!.*\n {4}at )/s);
    expect(stderr).not.toContain("at file:");
    expect(stderr).not.toContain("\\u{");
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });
});

test.each([
  [
    "http://user:SECRET@registry:5000",
    "a password on the command line can be read by everybody here; set REGCHECK_REGISTRY_USERNAME and REGCHECK_REGISTRY_PASSWORD",
  ],
  ["user:SECRET@registry", "expected a URL such as http://registry:5000"],
])("--registry-url %s: one line, no secret", async (url, message) => {
  const { exitCode, stderr } = await regcheck([soundRegistry(), "--sweep", "--registry-url", url]);
  expect(stderr).toMatch(/^regcheck: --registry-url \S*…@registry\S*: .*\n$/);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain("SECRET");
  expect(exitCode).toBe(2);
});

describe("--config", () => {
  function config(text: string): string {
    const file = path.join(temporaryDirectory(), "config.yml");
    fs.writeFileSync(file, text);
    return file;
  }

  test("names the storage, and the registry's variables change it", async () => {
    const file = config("version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /nowhere\n");
    const { exitCode, stdout } = await regcheck(["--config", file], {
      REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: soundRegistry(),
    });
    expect({ exitCode, lines: stdout.split("\n")[1] }).toEqual({
      exitCode: 0,
      lines: "1 repository, 1 tag, 1 manifest, 2 layer links, 0 uploads",
    });
  });

  test("warns of the variable that leaves a registry writable", async () => {
    const file = config(`version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${soundRegistry()}\n`);
    const { exitCode, stderr } = await regcheck(["--config", file], { REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED: "true" });
    expect(exitCode).toBe(0);
    expect(stderr).toContain("REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED is not honoured by the registry");
  });

  test("has a relative directory, which is said", async () => {
    const { exitCode, stderr } = await regcheck([
      "--config",
      config("version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: no/such\n"),
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("names no/such: no such directory.");
    expect(stderr).toContain("It is a relative path: run regcheck in the directory in which the registry is started.");
  });

  test("is named when its directory is no registry", async () => {
    const file = config("version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /no/such/place\n");
    const { exitCode, stderr } = await regcheck(["--config", file]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringContaining(`regcheck: ${file} names /no/such/place: no such directory.`) as unknown,
    });
  });

  test.each([
    ["storage:\n  gcs: {}\n", 'the storage driver "gcs" is not supported'],
    ["storage: [\n", "broken YAML"],
    ["just text", "expected a mapping"],
    ["version: 0.1\n", "storage names no driver"],
  ])("refuses %j", async (text, message) => {
    const { exitCode, stderr } = await regcheck(["--config", config(text)]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe("--verify", () => {
  test.each<[string, (directory: string) => string[]]>([
    ["before the storage", (directory) => ["--verify", directory]],
    ["behind it", (directory) => [directory, "--verify"]],
    ["with an option behind it", (directory) => [directory, "--verify", "--grace", "0"]],
  ])("%s reads all blobs", async (_, args) => {
    const directory = soundRegistry();
    const { exitCode, stdout, stderr } = await regcheck(args(directory));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("\nverified 3 blobs, 506 B\n");
  });

  test("=PART reads a part, and says which", async () => {
    const { stdout } = await regcheck(["--verify=2/2", FIXTURE, "--fail-on", "never"]);
    expect(stdout).toMatch(/\nverified \d\d blobs, \d+ kB \(part 2 of 2\)\n/);
  });

  test("finds what a plain check does not see, which makes exit code 1", async () => {
    const registry = new RegistryBuilder();
    const layer = registry.repository("team/app").push("a layer");
    registry.repository("team/app").image({ layers: [layer], tag: "1" });
    registry.tree.write(blobFile(layer.digest), "A layer");
    const directory = written(registry.tree);
    expect((await regcheck([directory])).exitCode).toBe(0);
    const { exitCode, stdout } = await regcheck([directory, "--verify", "--quiet"]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain("blob-corrupt (1 error)");
    expect(stdout).toContain(`team/app@${layer.digest}  7 B\n      its content has the digest sha256:`);
  });
});

describe("the directory may be named anywhere on the way down", () => {
  test.each(["", "docker", "docker/registry", "docker/registry/v2", "docker/registry/v2/"])("%j", async (below) => {
    const { exitCode, stdout } = await regcheck([path.join(soundRegistry(), below)]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("1 repository");
  });
});

describe("output", () => {
  test("--quiet says nothing when all is well, and everything when it is not", async () => {
    expect(await regcheck([soundRegistry(), "--quiet"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect((await regcheck([FIXTURE, "--quiet"])).stdout).toContain("DAMAGED");
  });

  test("--output replaces the file as a whole", async () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, "report.json");
    fs.writeFileSync(file, "old");
    const { stdout } = await regcheck([FIXTURE, "--format", "json", "--output", file]);
    expect(stdout).toBe("");
    expect(JSON.parse(fs.readFileSync(file, "utf8"))).toMatchObject({ schemaVersion: "1.0" });
    expect(fs.readdirSync(directory)).toEqual(["report.json"]);
  });

  test("in a pipe there are no colours, no progress, and lines are not wrapped", async () => {
    const { stdout, stderr } = await regcheck([FIXTURE, "--grace", "0"], { COLUMNS: "40", TERM: "xterm-256color" });
    expect(stderr).toBe("");
    expect(stdout).not.toContain("\u001b");
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeGreaterThan(100);
  });

  test("--repository limits the findings, not what is live", async () => {
    const all = await regcheck([FIXTURE, "--grace", "0", "--format", "json"]);
    const some = await regcheck([FIXTURE, "--grace", "0", "--format", "json", "--repository", "team/*"]);
    interface Report {
      readonly findings: { readonly repository?: string }[];
      readonly totals: object;
      readonly repositories: { readonly name: string }[];
    }
    const [whole, part] = [JSON.parse(all.stdout) as Report, JSON.parse(some.stdout) as Report];
    expect(part.findings).toEqual(whole.findings.filter(({ repository }) => repository?.startsWith("team/")));
    expect(part.findings.length).toBeGreaterThan(0);
    expect(part.repositories.map(({ name }) => name)).toEqual(["team/api", "team/batch", "team/web"]);
    expect(part.totals).toEqual(whole.totals);
  });

  test("names from the storage cannot act on a terminal", async () => {
    const registry = new RegistryBuilder();
    const image = registry.repository("team/app").image({ tag: "1" });
    registry.repository("team/app").tag("\u001b]0;owned\u0007", image.digest);
    const { stdout } = await regcheck([written(registry.tree)]);
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toContain("team/app:\\u{1b}]0;owned\\u{7}");
  });
});

describe("an internal error", () => {
  // What a bug would do: a call that nobody expects to fail throws.
  const bug = "data:text/javascript,import fs from 'node:fs'; fs.statfsSync = () => { throw new TypeError('out of order'); };";
  const environment = { NODE_OPTIONS: `--import="${bug}"` };

  test.each([
    ["the check", [FIXTURE]],
    ["untag", ["untag", "team/web:1", "--storage", FIXTURE]],
    ["a sweep", ["--sweep", FIXTURE]],
  ])("of %s asks for --debug, which shows its stack", async (_, args) => {
    expect(await regcheck(args, environment)).toEqual({
      exitCode: 70,
      stdout: "",
      stderr: "regcheck: out of order\nregcheck: this is a bug in regcheck: please report it with the output of --debug\n",
    });
    const { exitCode, stderr } = await regcheck([...args, "--debug"], environment);
    expect(exitCode).toBe(70);
    expect(stderr).toMatch(/^regcheck: out of order\nTypeError: out of order\n {4}at .*\n.*openStorage/s);
  });
});

describe("help", () => {
  test("--version is that of package.json", async () => {
    const { version } = JSON.parse(fs.readFileSync(path.resolve(import.meta.dirname, "../../package.json"), "utf8")) as {
      version: string;
    };
    expect((await regcheck(["--version"])).stdout).toBe(`${version}\n`);
  });
});
