import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { listRuns } from "#regcheck/journal/read-run.js";
import { V2 } from "../support/builder.js";
import { brokenRegistry } from "../support/repairing.js";
import { regcheck } from "../support/run.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import { garbageRegistry } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

/** A storage of one of the backends, for the time of a test. */
interface Place {
  /** What names it on the command line. */
  readonly storage: string;
  readonly options: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly write: (file: string, content: string) => void;
  readonly remove: (directory: string) => void;
  /** From now on, something of the registry cannot be read. */
  readonly hide: () => void;
  /** Everything that is there, to the byte, with its times; and how often something was asked for that changes something. */
  readonly state: () => unknown;
}

const BACKENDS: Readonly<Record<"filesystem" | "s3" | "versions", (tree: RegistryTree) => Promise<Place>>> = {
  async filesystem(tree) {
    const directory = written(tree);
    return {
      storage: directory,
      options: [],
      environment: {},
      write(file, content) {
        fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
        fs.writeFileSync(path.join(directory, file), content);
      },
      remove: (below) => fs.rmSync(path.join(directory, below), { recursive: true }),
      hide() {
        // A link that leads to itself, in the place of a directory: not even root can list it.
        fs.rmSync(path.join(directory, V2, "repositories/team"), { recursive: true });
        fs.symlinkSync("team", path.join(directory, V2, "repositories/team"));
      },
      state: () =>
        fs
          .readdirSync(directory, { recursive: true, encoding: "utf8" })
          .sort()
          .map((file) => {
            const { mtimeMs, ino } = fs.lstatSync(path.join(directory, file));
            const isFile = fs.lstatSync(path.join(directory, file)).isFile();
            return [file, mtimeMs, ino, isFile ? fs.readFileSync(path.join(directory, file), "latin1") : ""];
          }),
    };
  },
  s3: (tree) => bucket(tree, false),
  versions: (tree) => bucket(tree, true),
};

async function bucket(tree: RegistryTree, versioned: boolean): Promise<Place> {
  const server = await startedServer({ buckets: [{ name: "b", versioned }] });
  store(server, tree);
  return {
    storage: "s3://b",
    options: ["--endpoint", server.endpoint, "--region", "us-east-1"],
    environment: { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey },
    write: (file, content) => server.put("b", file, content),
    remove(directory) {
      for (const key of server.objects("b").keys()) if (key.startsWith(`${directory}/`)) server.remove("b", key);
    },
    hide() {
      const effect = { kind: "error", status: 403, code: "AccessDenied" } as const;
      server.inject({ operation: "GetObject", key: /\/blobs\//, times: Infinity, effect });
    },
    state: () => {
      const asked = Object.entries(server.requests).filter(([operation]) => !/^(?:Get|Head|List)/.test(operation));
      return [[...server.objects("b")], [...server.uploads("b")], asked];
    },
  };
}

/** What a command is run with, besides the words of a case. */
interface Given extends Place {
  readonly journal: string;
  /** `--storage` with its value. */
  readonly named: readonly string[];
  readonly run: (...args: readonly string[]) => ReturnType<typeof regcheck>;
}

/** A command: what must be before it, and its words. */
interface Command {
  readonly tree: () => RegistryTree;
  readonly prepare?: (given: Given) => Promise<unknown>;
  readonly words: (given: Given) => readonly string[];
}

const STOPPED = "--registry-stopped";
const POLICY = ["--delete-untagged", "--drop-dangling-tags", "--purge-uploads", "--prune-empty", "--fail-on", "never"];
const sweepOf = ({ storage, journal }: Given): string[] => [storage, "--sweep", ...POLICY, "--journal-dir", journal];
const runOf = ({ journal }: Given): string => listRuns(journal).at(-1) ?? "";
const recorded = ({ named, journal }: Given): string[] => [...named, "--journal-dir", journal];
const all = ["--max-delete", "100%"];
const quarantined = (given: Given) => given.run(...sweepOf(given), ...all, STOPPED, "--quarantine");
const REPAIRS = ["layer-link-missing", "layer-link-invalid", "revision-link-missing"];
const planOf = ({ journal }: Given): string => path.join(journal, "plan");
const policyOf = ({ journal }: Given): string => path.join(journal, "policy.yaml");
const OWNER = { host: "elsewhere", pid: 1, startedAt: "2026-01-31T03:00:00.000Z", command: "sweep" };

const COMMANDS = {
  sweep: { tree: garbageRegistry, words: (given) => [...sweepOf(given), ...all] },
  "sweep into the quarantine": { tree: garbageRegistry, words: (given) => [...sweepOf(given), ...all, "--quarantine"] },
  "sweep of a plan": {
    tree: garbageRegistry,
    prepare: (given) => given.run(...sweepOf(given), ...all, "--dry-run", "--plan-output", planOf(given)),
    words: (given) => [...sweepOf(given), ...all, "--plan", planOf(given)],
  },
  untag: { tree: garbageRegistry, words: (given) => ["untag", "team/app-0:latest", ...recorded(given)] },
  "untag by a glob": { tree: garbageRegistry, words: (given) => ["untag", "team/*:m*", "--apply", ...recorded(given)] },
  "untag by a policy": {
    tree: garbageRegistry,
    prepare: async (given) => {
      const policies = ["{name: all, action: {type: Delete}, condition: {tags: [multi]}}"];
      policies.push("{name: kept, action: {type: Keep}, condition: {tags: [latest]}}");
      fs.writeFileSync(policyOf(given), policies.map((policy) => `- ${policy}\n`).join(""));
    },
    words: (given) => ["untag", "--policy", policyOf(given), "--apply", ...recorded(given)],
  },
  repair: { tree: brokenRegistry, words: (given) => ["repair", ...REPAIRS, "--apply", ...recorded(given)] },
  "restore of a sweep": {
    tree: garbageRegistry,
    prepare: quarantined,
    words: (given) => ["restore", runOf(given), ...recorded(given)],
  },
  "restore of an untag": {
    tree: garbageRegistry,
    prepare: (given) => given.run("untag", "team/app-0:latest", STOPPED, ...recorded(given)),
    words: (given) => ["restore", runOf(given), ...recorded(given)],
  },
  "restore of a repair": {
    tree: brokenRegistry,
    prepare: (given) => given.run("repair", ...REPAIRS, "--apply", STOPPED, ...recorded(given)),
    words: (given) => ["restore", runOf(given), ...recorded(given)],
  },
  purge: { tree: garbageRegistry, prepare: quarantined, words: (given) => ["purge", runOf(given), ...recorded(given)] },
  "purge by age": {
    tree: garbageRegistry,
    prepare: quarantined,
    words: (given) => ["purge", "--older-than", "0", ...recorded(given)],
  },
  unlock: {
    tree: garbageRegistry,
    prepare: async ({ write }) => write("regcheck/lock", JSON.stringify(OWNER)),
    words: ({ storage }) => ["unlock", storage],
  },
} satisfies Record<string, Command>;
type CommandName = keyof typeof COMMANDS;

/** What is wrong: it is done to the storage after the command's preparation, and adds words to its command line. */
type Case = (given: Given) => readonly string[] | void;

const UPLOAD = `${V2}/repositories/team/app-0/_uploads/0f7c1c8e-6f0e-4f5e-9c39-5d3a4d3f8a11`;
const stopped =
  (change: (given: Given) => readonly string[] | void = () => {}): Case =>
  (given) => [STOPPED, ...(change(given) ?? [])];

const CASES = {
  "all pass, nobody writes": stopped(),
  "all pass": () => {},
  "no-writers": () => {},
  "one-at-a-time": stopped(({ write }) => write("regcheck/lock", JSON.stringify(OWNER))),
  "one-at-a-time, without a word on writers": ({ write }) => write("regcheck/lock", JSON.stringify(OWNER)),
  "a running process": stopped(({ write }) =>
    write("regcheck/lock", JSON.stringify({ ...OWNER, pid: process.pid, host: hostName() })),
  ),
  "no-active-uploads": stopped(({ write }) => write(`${UPLOAD}/startedat`, new Date().toISOString())),
  "no-database": stopped(({ write }) => write("docker/registry/lockfiles/database-in-use", "")),
  "no-proxy": stopped(({ write }) => write("scheduler-state.json", "{}")),
  "scan-complete": stopped(({ hide }) => hide()),
  "scan-complete and no-writers": ({ hide }) => hide(),
  "has-repositories": stopped(({ remove }) => remove(`${V2}/repositories`)),
  "max-delete": stopped(() => ["--max-delete", "1%"]),
  "can-be-recorded: the journal": stopped(() => ["--journal-dir", "/dev/null/journal"]),
  "can-be-recorded: the quarantine": stopped(({ write }) => write("regcheck/quarantine", "")),
  "max-untag": stopped(() => ["--max-untag", "1%"]),
  "keep-policies-used": stopped((given) =>
    fs.appendFileSync(policyOf(given), "- {name: slip, action: {type: Keep}, condition: {tags: [slip]}}\n"),
  ),
  "last-tags": stopped((given) => {
    fs.writeFileSync(policyOf(given), "- {name: all, action: {type: Delete}, condition: {tags: ['**']}}\n");
    return ["--max-untag", "100%"];
  }),
  "a quarantine that has lost something": ({ remove, journal }) =>
    remove(`regcheck/quarantine/${listRuns(journal)[0] ?? ""}/docker/registry/v2/blobs`),
  "a repository that is gone": stopped(({ remove }) => remove(`${V2}/repositories/team/app-0/_manifests`)),
} satisfies Record<string, Case>;
type CaseName = keyof typeof CASES;

function hostName(): string {
  return fs.readFileSync("/proc/sys/kernel/hostname", "utf8").trim();
}

type Row = readonly [CommandName, CaseName, number];
const rows = (commands: readonly CommandName[], name: CaseName, exitCode: number): Row[] =>
  commands.map((command) => [command, name, exitCode]);

/** What depends on how a storage is listed, locked and written to. */
const EVERYWHERE: readonly Row[] = [
  ...rows(["sweep into the quarantine", "untag", "repair", "restore of a repair"], "all pass, nobody writes", 0),
  ...rows(["restore of a sweep", "restore of an untag", "purge by age"], "all pass", 0),
  ...rows(["sweep", "repair", "purge", "restore of a sweep"], "one-at-a-time", 4),
  ...rows(["untag by a policy"], "scan-complete", 3),
];

const TABLE: readonly Row[] = [
  ...EVERYWHERE,
  ...rows(["sweep", "sweep of a plan", "untag by a glob", "untag by a policy", "unlock"], "all pass, nobody writes", 0),
  ...rows(["purge"], "all pass", 0),
  ...rows(["sweep", "untag", "untag by a glob", "untag by a policy", "repair", "restore of a repair", "unlock"], "no-writers", 4),
  ...rows(["sweep", "repair"], "scan-complete", 3),
  ...rows(["untag", "untag by a policy", "restore of a repair", "purge by age"], "one-at-a-time", 4),
  ...rows(["restore of an untag"], "one-at-a-time, without a word on writers", 4),
  ...rows(["unlock"], "a running process", 4),
  ...rows(["sweep", "untag", "untag by a policy", "repair"], "no-active-uploads", 4),
  ...rows(["sweep", "untag"], "no-database", 4),
  ...rows(["untag by a policy", "repair"], "no-proxy", 4),
  // What is asked first refuses first.
  ...rows(["sweep", "repair"], "scan-complete and no-writers", 4),
  ...rows(["sweep", "untag by a policy"], "has-repositories", 4),
  ...rows(["sweep", "sweep of a plan"], "max-delete", 4),
  ...rows(["sweep", "untag", "untag by a policy", "repair"], "can-be-recorded: the journal", 4),
  ...rows(["sweep into the quarantine"], "can-be-recorded: the quarantine", 4),
  ...rows(["untag by a policy"], "max-untag", 4),
  ...rows(["untag by a policy"], "keep-policies-used", 4),
  ...rows(["untag by a policy"], "last-tags", 4),
  ...rows(["restore of a sweep"], "a quarantine that has lost something", 5),
  ...rows(["untag"], "a repository that is gone", 2),
];

describe.each([
  ["filesystem", TABLE],
  ["s3", EVERYWHERE],
  ["versions", EVERYWHERE.filter(([command, what]) => /sweep/.test(command) && what !== "one-at-a-time")],
] as const)("on %s, a dry run has the exit code of the run, and leaves everything as it is", (backend, table) => {
  test.each(table)("%s: %s, %i", async (name, what, exitCode) => {
    const command: Command = COMMANDS[name];
    const place = await BACKENDS[backend](command.tree());
    const journal = temporaryDirectory();
    const run = (...args: readonly string[]) => regcheck([...args, ...place.options], place.environment);
    const given: Given = { ...place, journal, named: ["--storage", place.storage], run };
    await command.prepare?.(given);
    const change: Case = CASES[what];
    const more = change(given) ?? [];
    // What takes nothing away from the registry asks for no word on who writes.
    const isFree = name.startsWith("purge") || name === "restore of a sweep" || name === "restore of an untag";
    const words = overridden(command.words(given), isFree ? more.filter((word) => word !== STOPPED) : more);
    const before = [place.state(), fs.readdirSync(journal)];
    const dry = await run(...words, "--dry-run", "--format", "json");
    // What people read has the same in other words: where it is refused is enough.
    const isRead = backend === "filesystem" && exitCode === 4;
    const said = isRead ? await run(...words, "--dry-run") : dry;
    expect([place.state(), fs.readdirSync(journal)]).toEqual(before);
    const real = await run(...words);
    expect({ dry: dry.exitCode, said: said.exitCode, real: real.exitCode, why: real.stderr }).toEqual({
      dry: exitCode,
      said: exitCode,
      real: exitCode,
      why: expect.any(String) as unknown,
    });
    // A command line that cannot be has no report.
    const told = exitCode === 2 ? { exitCode } : (JSON.parse(dry.stdout) as object);
    expect(told).toMatchObject({ exitCode });
    const rule = exitCode === 4 ? refusedBy(what) : "";
    expect(dry.stdout).toContain(exitCode === 4 ? `"refusedBy": "${rule}"` : "");
    expect(said.stdout).toMatch(isRead ? new RegExp(`REFUSES {2}${rule}: `) : "");
  });
});

/** The rule that a case is named after. */
function refusedBy(what: CaseName): string {
  if (what === "a running process") return "one-at-a-time";
  if (what === "one-at-a-time, without a word on writers") return "one-at-a-time";
  return what === "scan-complete and no-writers" ? "no-writers" : (what.split(":")[0] ?? "");
}

/** A case's word takes the place of the command's: an option may be given once. */
function overridden(words: readonly string[], more: readonly string[]): string[] {
  const at = words.indexOf(more.find((word) => word !== STOPPED && word.startsWith("--")) ?? "");
  return [...(at < 0 ? words : words.toSpliced(at, 2)), ...more];
}
