// `npm run bundle`: the whole program as one file that runs from any folder, dist/bundle/regcheck.mjs. What only a bucket needs (the AWS
// SDK is more than half of it all) is in a second file beside it, which is loaded where it is needed and may be left out elsewhere.
import fs from "node:fs";
import path from "node:path";
import { rolldown } from "rolldown";

const ROOT = path.resolve(import.meta.dirname, "..");
const OUTPUT = path.join(ROOT, "dist/bundle");
const MAIN = "regcheck.mjs";
const BUCKET = "regcheck-s3.mjs";
const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8"));

const source = (name) => path.join(ROOT, "src", name);
/** Modules of the bucket's file that the rest loads, by the name that they have in it. */
const bucketModules = new Map();

/** The program's own file is its worker's too: a thread that reads a filesystem starts it again. */
const START = `
  import { isMainThread } from "node:worker_threads";
  export * from ${JSON.stringify(source("errors.ts"))};
  if (isMainThread) import(${JSON.stringify(source("cli/main.ts"))});
  else import(${JSON.stringify(source("storage/filesystem/worker.ts"))});
`;

/** What a module says of the files around it, in one file. Each must be found: a bundle that asks for others would fail elsewhere. */
const REPLACED = [
  { in: "storage/filesystem/pool-thread.ts", what: 'new URL("./worker.js", import.meta.url)', by: "new URL(import.meta.url)" },
  { in: "cli/tool.ts", what: 'createRequire(import.meta.url)("../../package.json")', by: JSON.stringify({ version }) },
];

const mainPlugin = {
  name: "main",
  resolveId: (id) => (id === "start" ? id : id === `./${BUCKET}` ? { id, external: true } : undefined),
  load: (id) => (id === "start" ? START : undefined),
  transform(code, id) {
    let text = code;
    for (const { in: file, what, by } of REPLACED.filter((one) => id === source(one.in))) {
      if (!text.includes(what)) throw new Error(`${file} does not have ${what} any more`);
      text = text.replace(what, by);
    }
    return text.replaceAll(/import\("([^"]*\/storage\/s3\/([\w/-]+))\.js"\)/g, (_, file, name) => {
      const key = name.replaceAll(/\W/g, "_");
      bucketModules.set(key, path.resolve(path.dirname(id), `${file}.ts`));
      if (!text.includes("UsageError")) throw new Error(`${id} has no UsageError for a bundle without ${BUCKET}`);
      return `import("./${BUCKET}").then(({ ${key} }) => ${key}, (error) => {
        throw new UsageError("${BUCKET}, which a bucket needs beside ${MAIN}, cannot be loaded: " + error.message);
      })`;
    });
  },
};

const bucketPlugin = {
  name: "bucket",
  resolveId(id, importer) {
    if (id === "start") return id;
    // Errors are told apart by their class: both files must have the same one.
    const isShared = importer !== undefined && path.resolve(path.dirname(importer), id) === source("errors.js");
    return isShared ? { id: `./${MAIN}`, external: true } : undefined;
  },
  load: (id) =>
    id === "start"
      ? [...bucketModules].map(([key, file]) => `export * as ${key} from ${JSON.stringify(file)};`).join("\n")
      : undefined,
};

async function bundle(file, plugin) {
  const built = await rolldown({
    input: { start: "start" },
    cwd: ROOT,
    platform: "node",
    plugins: [plugin],
    makeAbsoluteExternalsRelative: false,
  });
  const banner = file === MAIN ? "#!/usr/bin/env node" : "";
  const output = {
    dir: OUTPUT,
    entryFileNames: file,
    format: "esm",
    minify: true,
    codeSplitting: false,
    strictExecutionOrder: true,
    banner,
  };
  const { output: files } = await built.write(output);
  await built.close();
  if (files.length !== 1) throw new Error(`${file} came out as ${files.length} files`);
  const ofBuckets = files[0].moduleIds.filter((id) => /node_modules\/@(?:aws-sdk|smithy)\/|src\/storage\/s3\//.test(id));
  if (file === MAIN && ofBuckets.length > 0)
    throw new Error(`${MAIN} has what only a bucket needs: load it by import(). ${ofBuckets.join(" ")}`);
}

fs.rmSync(OUTPUT, { recursive: true, force: true });
await bundle(MAIN, mainPlugin);
await bundle(BUCKET, bucketPlugin);
fs.chmodSync(path.join(OUTPUT, MAIN), 0o755);
