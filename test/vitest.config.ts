import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Run hundreds of times what is killed, or of which one call is made to fail, or hundreds of commands: they take minutes. */
const FAULTS = [
  "test/*/*crash.test.ts",
  "test/sweep/*faults.test.ts",
  "test/storage/*/faults.test.ts",
  "test/cli/inventory.test.ts",
  "test/cli/dry-run.test.ts",
  "test/cli/telling.test.ts",
  "test/storage/s3/inventory/*.test.ts",
  "test/sql/*.property.test.ts",
  "test/cli/{baseline,bytes,completion,ended,everyday,explain,explain-policy,export,globs,lock,lost-journal,manifests,pins,plan,repair,runs,s3,same-path,truth,undo,unreadable-journals,untag,untag-policy}.test.ts",
  "test/storage/s3/{conditional-writes,gone,manifest-cache,parts/parts,requests,strays,verify}.test.ts",
  "test/sweep/s3-requests.test.ts",
  "test/undo/{purge,settle,suspended}.test.ts",
  "test/untag/put-back.test.ts",
  "test/storage/filesystem/emptied-links.test.ts",
  "test/mark/{size,strays}.test.ts",
  "test/examples.test.ts",
  "test/cli/write-report.test.ts",
  "test/report/streaming.test.ts",
];

/**
 * `unit` and `faults` need nothing but Node; `e2e` needs the real servers and fails without them.
 * Both test what `npm run build` made in dist/: what ships is what is tested, worker threads included.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          root,
          setupFiles: ["test/support/seed.ts"],
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", ...FAULTS],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // By default one processor is left idle, which is half of two.
          maxWorkers: "100%",
        },
      },
      {
        test: {
          name: "faults",
          root,
          setupFiles: ["test/support/seed.ts"],
          include: FAULTS,
          exclude: ["test/e2e/**"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: "100%",
        },
      },
      {
        test: {
          name: "e2e",
          root,
          setupFiles: ["test/support/seed.ts"],
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
