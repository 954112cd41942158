import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { OperatorError } from "#regcheck/errors.js";
import type { StorageChanges } from "#regcheck/storage/changes.js";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import type { Storage } from "#regcheck/storage/storage.js";
import { sweep } from "#regcheck/sweep.js";
import { RegistryBuilder } from "../support/builder.js";
import type { Descriptor } from "../support/builder.js";
import { pullAll } from "../support/pullable.js";
import { LONG_AGO, RegistryTree } from "../support/registry-tree.js";
import { sweepOptions } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";
import { wrapped } from "../support/wrapped.js";

/**
 * Somebody writes though the operator says that nobody does. What is guaranteed then:
 *
 * - Until the roots are read again, just before the first delete: the sweep is refused, or what was written is whole afterwards.
 * - From then on, for as long as the probes take to notice: whatever was pullable when the sweep began is pullable afterwards, and so is
 *   what is new in all its parts, for nothing that came after the listing is a candidate. Only what makes use of garbage can
 *   break: a push that found a layer of it in place and did not send it, a tag for a manifest that had none. No collector beside a
 *   registry can tell that moment from the next; that nobody has it is what the proof of read-only is for.
 */
const UNTIL_READ_AGAIN = [
  "before the mark",
  "after the blobs were listed",
  "after the repositories were listed",
  "before the roots are read again",
] as const;
const FROM_THEN_ON = ["after the roots were read again", "between batches"] as const;
type Phase = (typeof UNTIL_READ_AGAIN)[number] | (typeof FROM_THEN_ON)[number];

const NOW = LONG_AGO + 30 * 24 * 3600;

/** A registry with an image in use, and one that lost its tag but for its layers and manifest. */
function scene() {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  const layer = app.push("a layer of garbage");
  const image = app.image({ layers: [layer], config: "a config of garbage" });
  app.image({ layers: ["in use"], config: "in use too", tag: "live" });
  app.index([app.image({ layers: ["amd64"], config: "config of amd64" })], "multi");
  app.deleteManifest(app.image({ layers: ["dangling"], config: "config of dangling", tag: "dangling" }));
  registry.repository("team/other").image({ layers: ["of another"], config: "config of another", tag: "1" });
  return { registry, garbage: { layer, image } };
}
type Garbage = ReturnType<typeof scene>["garbage"];

interface Action {
  readonly what: string;
  readonly reusesGarbage: boolean;
  readonly act: (registry: RegistryBuilder, garbage: Garbage) => void;
}

const ACTIONS: readonly Action[] = [
  {
    what: "a push of something new",
    reusesGarbage: false,
    act: (registry) => void registry.repository("team/app").image({ layers: ["new"], config: "new too", tag: "pushed" }),
  },
  {
    what: "a push to a new repository",
    reusesGarbage: false,
    act: (registry) => void registry.repository("team/new").image({ layers: ["new"], config: "new too", tag: "pushed" }),
  },
  {
    what: "a push that found a layer in place",
    reusesGarbage: true,
    act: (registry, { layer }) => {
      registry.repository("team/app").image({ layers: [layer], config: "new", tag: "pushed" });
    },
  },
  {
    what: "a tag for a manifest that had none",
    reusesGarbage: true,
    act: (registry, { image }) => registry.repository("team/app").tag("again", image.digest),
  },
  {
    what: "a tag that moves to a manifest that had none",
    reusesGarbage: true,
    act: (registry, { image }) => registry.repository("team/app").tag("live", image.digest),
  },
  {
    what: "a mount into another repository",
    reusesGarbage: true,
    act: (registry, { layer }) => {
      const other = registry.repository("team/other");
      other.image({ layers: [other.mount(layer)], config: "new", tag: "mounted" });
    },
  },
  {
    what: "a manifest deleted",
    reusesGarbage: false,
    act: (registry) => {
      const digest = registry.tree.text(`${registry.repository("team/other").path}/_manifests/tags/1/current/link`) ?? "";
      registry.repository("team/other").deleteManifest({ digest } as Descriptor);
    },
  },
  { what: "a tag deleted", reusesGarbage: false, act: (registry) => registry.repository("team/other").untag("1") },
  {
    what: "an upload begun",
    reusesGarbage: false,
    act: (registry) => registry.repository("team/app").upload("b6a1d2f4-3f58-4b6f-8c80-0a1b2c3d4e5f", "2024-01-31T00:00:00Z"),
  },
];

/** Does to a directory what a registry would do. */
function write(directory: string, garbage: Garbage, { act }: Action): void {
  const registry = new RegistryBuilder();
  const before = RegistryTree.readFrom(directory);
  for (const [file, { content, modified }] of before.files) registry.tree.write(file, content, modified);
  registry.now = NOW - 1;
  act(registry, garbage);
  for (const file of before.files.keys()) if (!registry.tree.files.has(file)) fs.rmSync(path.join(directory, file));
  const changed = new RegistryTree();
  for (const [file, entry] of registry.tree.files)
    if (before.files.get(file)?.content.equals(entry.content) !== true) changed.write(file, entry.content, entry.modified);
  changed.writeTo(directory);
}

/** A sweep during which `act` is called once, at the phase. Returns whether it was refused. */
async function sweepWhile(directory: string, phase: Phase, act: () => void): Promise<"refused" | "done"> {
  const storage = FilesystemStorage.open(directory, { concurrency: 1 });
  const changes = new FilesystemChanges(fs.realpathSync(directory));
  let listings = 0;
  let removals = 0;
  const at = (now: Phase): void => {
    if (now === phase) act();
  };
  const watched = wrapped<Storage>(storage, {
    async *blobs() {
      at("before the mark");
      yield* storage.blobs();
      at("after the blobs were listed");
    },
    async *repositories() {
      const isSecond = listings++ > 0;
      if (isSecond) at("before the roots are read again");
      yield* storage.repositories();
      at(isSecond ? "after the roots were read again" : "after the repositories were listed");
    },
  });
  const count = (paths: readonly string[]): void => {
    if (!paths[0]?.startsWith("regcheck/") && removals++ === 2) at("between batches");
  };
  const watchedChanges = wrapped<StorageChanges>(changes, {
    remove: async (paths, order) => {
      count(paths);
      return changes.remove(paths, order);
    },
    removeWithDirectories: async (paths) => {
      count(paths);
      return changes.removeWithDirectories(paths);
    },
  });
  try {
    const { result } = await sweep({ storage: watched, changes: watchedChanges }, sweepOptions(temporaryDirectory()));
    expect(result.stopped).toBeUndefined();
    return "done";
  } catch (error) {
    if (error instanceof OperatorError && error.exitCode === 4) return "refused";
    throw error;
  } finally {
    await storage.close();
  }
}

const pullsOf = (directory: string) =>
  new Map([...pullAll(RegistryTree.readFrom(directory))].filter(([, content]) => content !== undefined));

async function attempt(phase: Phase, action: Action) {
  const { registry, garbage } = scene();
  const directory = written(registry.tree);
  const before = pullsOf(directory);
  let then = new Map<string, readonly string[] | undefined>();
  const outcome = await sweepWhile(directory, phase, () => {
    write(directory, garbage, action);
    then = pullsOf(directory);
  });
  return { outcome, before, written: then, after: pullsOf(directory) };
}

describe.each(UNTIL_READ_AGAIN)("a writer in secret, %s", (phase) => {
  test.each(ACTIONS)("$what: refused, or all that can be pulled then can be pulled afterwards", async (action) => {
    const { outcome, written: then, after } = await attempt(phase, action);
    expect(then.size).toBeGreaterThan(0);
    expect(after).toEqual(then);
    if (phase === "after the repositories were listed" || phase === "before the roots are read again")
      // oxlint-disable-next-line vitest/no-conditional-expect
      expect(outcome).toBe("refused");
  });
});

describe.each(FROM_THEN_ON)("a writer in secret, %s", (phase) => {
  test.each(ACTIONS.filter(({ reusesGarbage }) => !reusesGarbage))(
    "$what: all that can be pulled then can be pulled afterwards",
    async (action) => {
      const { outcome, written: then, after } = await attempt(phase, action);
      expect(outcome).toBe("done");
      expect(after).toEqual(then);
    },
  );

  test.each(ACTIONS.filter(({ reusesGarbage }) => reusesGarbage))("$what: nothing else breaks", async (action) => {
    const { before, written: then, after } = await attempt(phase, action);
    const untouched = [...before].filter(([name, content]) => String(then.get(name)) === String(content));
    expect(untouched.length).toBeGreaterThan(1);
    for (const [name, content] of untouched) expect(after.get(name), name).toEqual(content);
  });
});
