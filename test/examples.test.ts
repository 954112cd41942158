import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { RegistryBuilder } from "./support/builder.js";
import { buildFixture } from "./support/fixture.js";
import { FIXTURE, regcheck } from "./support/run.js";
import { CREDENTIALS, startedServer, store } from "./support/s3-bucket.js";
import { temporaryDirectory, written } from "./support/temporary.js";

const ROOT = path.resolve(import.meta.dirname, "..");
const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };
const EXAMPLES = path.join(ROOT, "docs/examples");

function read(name: string): string {
  return fs.readFileSync(path.join(EXAMPLES, name), "utf8");
}

/** Options that name a file to write. */
const WRITTEN: ReadonlySet<string | undefined> = new Set(["--output", "--baseline"]);

/** Runs the words of an example's command on a registry, with its config, its storage and what it writes in a temporary place. */
function runExample(words: readonly string[], { directory = temporaryDirectory(), storage = FIXTURE } = {}) {
  const config = path.join(directory, "config.yml");
  fs.writeFileSync(config, JSON.stringify({ version: 0.1, storage: { filesystem: { rootdirectory: storage } } }));
  const places: Readonly<Record<string, string>> = { "/etc/distribution/config.yml": config, "/var/lib/registry": storage };
  const args = words.map((word, i) =>
    WRITTEN.has(words[i - 1]) ? path.join(directory, path.basename(word)) : (places[word] ?? word),
  );
  return { directory, run: regcheck([...args, "--grace", "0"]) };
}

describe("crontab", () => {
  const lines = read("crontab")
    .split("\n")
    .filter((line) => /^[\d*]/.test(line));

  test("has commands", () => expect(lines).toHaveLength(2));

  test.each(lines)("%s", async (line) => {
    const [, user, program, options = ""] = /^(?:\S+ +){5}(\S+) +(\S+) (.*)$/.exec(line) ?? [];
    expect({ user, program }).toEqual({ user: "root", program: "regcheck" });
    // An unescaped % would end the command and become its input.
    expect(line).not.toContain("%");
    const { directory, run } = runExample(options.split(" "));
    const { exitCode, stdout, stderr } = await run;
    const toFile = options.includes("--output");
    expect({ exitCode, stderr }).toEqual({
      exitCode: toFile ? 0 : 1,
      stderr: expect.stringMatching(toFile ? /^$/ : /^[^\n]*\n$/),
    });
    expect(toFile ? fs.readFileSync(path.join(directory, "regcheck.html"), "utf8") : stdout).toContain("DAMAGED");
  });

  test("every night mails what is new, once", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    for (const tag of ["known", "next"]) app.image({ layers: ["a layer"], tag });
    const storage = written(registry.tree);
    const directory = temporaryDirectory();
    const [, options = ""] = / regcheck (.*--fail-on-new.*)$/m.exec(read("crontab")) ?? [];
    const night = () => runExample(options.split(" "), { directory, storage }).run;
    const spoil = (tag: string) => fs.writeFileSync(path.join(storage, app.path, `_manifests/tags/${tag}/current/link`), "");
    const silence = { exitCode: 0, stdout: "", stderr: "" };
    spoil("known");
    const first = await night();
    expect(first.exitCode).toBe(1);
    expect(first.stderr).toMatch(/^regcheck: there is no \S+regcheck.ndjson yet: all findings count as new\n$/);
    expect(first.stdout).toContain("team/app:known");
    expect(await night()).toEqual(silence);
    spoil("next");
    const second = await night();
    expect(second).toMatchObject({ exitCode: 1, stderr: "" });
    expect(second.stdout).toMatch(/\n {4}team\/app:next {2}\(new\)\n/);
    expect(second.stdout).not.toContain("team/app:known");
    expect(second.stdout).not.toContain("Reclaimable");
    expect(await night()).toEqual(silence);
  });
});

test("the systemd service's command writes the report that it names", async () => {
  const [, options = ""] = /^ExecStart=\/usr\/local\/bin\/regcheck (.*)$/m.exec(read("regcheck.service")) ?? [];
  const { directory, run } = runExample(options.split(" "));
  expect(await run).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  expect(fs.readFileSync(path.join(directory, "report.html"), "utf8")).toMatch(/^<!doctype html>/);
});

interface CronJob {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: {
    readonly schedule: string;
    readonly jobTemplate: { readonly spec: { readonly template: { readonly spec: Pod } } };
  };
}

interface Pod {
  readonly restartPolicy: string;
  readonly securityContext: object;
  readonly containers: readonly [
    {
      readonly args: readonly string[];
      readonly securityContext: object;
      readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly: boolean }[];
    },
  ];
  readonly volumes: readonly { readonly name: string; readonly persistentVolumeClaim: { readonly readOnly: boolean } }[];
}

interface Job {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly securityContext: object;
        readonly containers: readonly [JobContainer];
        readonly initContainers: readonly JobContainer[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

interface JobContainer {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
    readonly subPath?: string;
  }[];
}

describe("cronjob.yaml", () => {
  const job = parse(read("cronjob.yaml")) as CronJob;
  const pod = job.spec.jobTemplate.spec.template.spec;
  const [container] = pod.containers;

  test("is a CronJob that cannot write to the storage", () => {
    expect(job).toMatchObject({ apiVersion: "batch/v1", kind: "CronJob", spec: { concurrencyPolicy: "Forbid" } });
    expect(job.spec.schedule).toMatch(/^(?:[\d*/,-]+ ){4}[\d*/,-]+$/);
    expect(["Never", "OnFailure"]).toContain(pod.restartPolicy);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true });
    expect(container.securityContext).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true });
    expect(container.volumeMounts.map(({ readOnly }) => readOnly)).toEqual([true]);
    expect(pod.volumes.map(({ persistentVolumeClaim }) => persistentVolumeClaim.readOnly)).toEqual([true]);
    expect(container.volumeMounts.map(({ name }) => name)).toEqual(pod.volumes.map(({ name }) => name));
  });

  test("checks what it mounts", async () => {
    expect(container.args[0]).toBe(container.volumeMounts[0]?.mountPath);
    expect((await runExample(container.args).run).stdout).toContain("DAMAGED");
  });
});

describe("maintenance-job.yaml", () => {
  const documents = parseAllDocuments(read("maintenance-job.yaml")).map(
    (document) => document.toJS() as { readonly kind: string },
  );
  const job = documents.find(({ kind }) => kind === "Job") as unknown as Job;
  const { containers, initContainers, volumes } = job.spec.template.spec;
  const [container] = containers;
  const variables = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));

  test("runs the script that is beside it, with variables that the script has", () => {
    const script = read("maintenance.sh");
    expect(path.basename(container.command[1] ?? "")).toBe("maintenance.sh");
    // The registry's own variables are regcheck's too.
    const others = new Set(["PATH", "REGISTRY_HTTP_ADDR"]);
    const unknown = Object.keys(variables).filter((name) => !others.has(name) && !script.includes(`$\{${name}:`));
    expect(unknown).toEqual([]);
    expect(script).toContain(`  ${variables["READ_ONLY_BY"]})`);
    const dockerfile = read("Dockerfile");
    expect(dockerfile).toContain(`ENTRYPOINT ["node", "${variables["REGCHECK"]}"]`);
  });

  test("may change the one Deployment that it names, and mounts what it uses", () => {
    const role = documents.find(({ kind }) => kind === "Role") as unknown as {
      readonly rules: readonly [{ readonly resourceNames: string[] }];
    };
    expect(variables["DEPLOYMENT"]).toBe(`registry/${role.rules[0].resourceNames[0]}`);
    const names = new Set(volumes.map(({ name }) => name));
    for (const { volumeMounts } of [...containers, ...initContainers])
      for (const { name } of volumeMounts) expect(names).toContain(name);
    for (const file of [variables["CONFIG"], container.command[1]]) expect(file).toMatch(/^\/maintenance\//);
  });

  test("sweeps the plan that plan-job.yaml makes, which can write to nothing else", async () => {
    const plan = parse(read("plan-job.yaml")) as Job;
    const { containers: planners, securityContext, volumes: planVolumes } = plan.spec.template.spec;
    const [storage, plans] = planners[0].volumeMounts;
    expect(storage).toMatchObject({ mountPath: planners[0].args[0], readOnly: true });
    const file = planners[0].args.at(-1) ?? "";
    expect(variables["PLAN"]).toBe(file.replace(plans?.mountPath ?? "", `${storage?.mountPath}/${plans?.subPath}`));
    expect(planVolumes[0]).toEqual(volumes[0]);
    expect(securityContext).toEqual(job.spec.template.spec.securityContext);
    const directory = temporaryDirectory();
    const { stdout } = await runExample([...planners[0].args.slice(0, -1), path.join(directory, "plan.ndjson")], { directory })
      .run;
    expect(stdout).toContain("The plan is in ");
  });
});

interface IndexedJob {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly completionMode?: string;
    readonly completions?: number;
    readonly parallelism?: number;
    readonly suspend?: boolean;
    readonly template: {
      readonly spec: {
        readonly securityContext: object;
        readonly containers: readonly [
          {
            readonly args: readonly string[];
            readonly env?: readonly { readonly name: string }[];
            readonly securityContext: object;
            readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
          },
        ];
        readonly volumes: readonly { readonly name: string; readonly persistentVolumeClaim: { readonly claimName: string } }[];
      };
    };
  };
}

describe("manifests-job.yaml", () => {
  const [claim, parts, merge, ...more] = parseAllDocuments(read("manifests-job.yaml")).map(
    (document) => document.toJS() as IndexedJob,
  );
  if (claim === undefined || parts === undefined || merge === undefined) throw new Error("a claim and two Jobs");
  const argsOf = (job: IndexedJob) => job.spec.template.spec.containers[0].args;

  test("is an Indexed Job of as many pods as there are parts, and a Job that joins them, on one volume", () => {
    expect(more).toEqual([]);
    expect(parts).toMatchObject({ apiVersion: "batch/v1", kind: "Job", spec: { completionMode: "Indexed", completions: 16 } });
    expect(parts.spec.parallelism).toBe(parts.spec.completions);
    expect(merge).toMatchObject({ apiVersion: "batch/v1", kind: "Job", spec: { suspend: true } });
    for (const job of [parts, merge]) {
      const pod = job.spec.template.spec;
      const [container] = pod.containers;
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true });
      expect(container.securityContext).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true });
      expect(pod.volumes.map(({ persistentVolumeClaim }) => persistentVolumeClaim.claimName)).toEqual([claim.metadata.name]);
      expect(container.volumeMounts.map(({ name }) => name)).toEqual(pod.volumes.map(({ name }) => name));
      const args = container.args;
      expect(args[args.indexOf("--cache") + 1]).toBe(container.volumeMounts[0]?.mountPath);
    }
    expect(read("manifests-job.yaml")).toContain(`job/${parts.metadata.name}\n`);
    // Kubernetes replaces $(NAME) by a variable that the container declares, without a shell.
    expect(parts.spec.template.spec.containers[0].env?.map(({ name }) => name)).toEqual(["JOB_COMPLETION_INDEX"]);
  });

  test("takes the first part and the last, none behind it, and joins none while some are missing", async () => {
    const server = await startedServer();
    store(server, buildFixture());
    const cache = temporaryDirectory();
    const completions = parts.spec.completions ?? 0;
    const run = (args: readonly string[], index = 0) => {
      const words = args.map((word) =>
        word
          .replace("$(JOB_COMPLETION_INDEX)", String(index))
          .replace("s3://registry", "s3://b")
          .replace(/^\/cache$/, cache),
      );
      return regcheck([...words, "--endpoint", server.endpoint], KEYS);
    };
    const early = await run(argsOf(merge));
    expect(early.exitCode).toBe(2);
    for (const index of [0, completions - 1]) expect(await run(argsOf(parts), index)).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await run(argsOf(parts), completions)).toMatchObject({ exitCode: 2 });
    const late = await run(argsOf(merge));
    expect(late.stderr).toContain(`there is no part 1/${completions}, 2/${completions}, `);
  });
});

describe("Dockerfile", () => {
  const instructions = read("Dockerfile")
    .split("\n")
    .filter((line) => /^[A-Z]+ /.test(line))
    .map((line) => line.split(" "));

  // What it builds is tried as it would run: test/e2e/bundle.test.ts.
  test("makes the bundle, and ends as a user without rights", () => {
    expect(instructions.find(([name]) => name === "RUN")?.join(" ")).toBe("RUN npm ci && npm run bundle");
    const user = instructions.findLastIndex(([name]) => name === "USER");
    expect(instructions[user]?.[1]).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(instructions.slice(user + 1).map(([name]) => name)).toEqual(["ENTRYPOINT", "CMD"]);
  });

  test("gives the build nothing that is made, and all that it needs", () => {
    const ignored = fs.readFileSync(path.join(ROOT, ".dockerignore"), "utf8").split("\n");
    expect(ignored).toEqual(expect.arrayContaining(["node_modules", "dist", ".git"]));
    expect(
      ignored.filter((name) => ["bin", "src", "package.json", "npm-shrinkwrap.json", "tsconfig.json"].includes(name)),
    ).toEqual([]);
  });
});
