import path from "node:path";
import { parseArgs } from "node:util";
import { BENCHMARK, generateTo, MANY_TAGS } from "./generate.js";
import type { GenerateOptions } from "./generate.js";

/** `npm run generate -- DIRECTORY [--manyTags] [--repositories 10 --images 100 …]`: the fields of `GenerateOptions`. */
const usage = `usage: npm run generate -- DIRECTORY [--manyTags] [--${Object.keys(BENCHMARK).join(" N] [--")} N]`;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    manyTags: { type: "boolean" },
    repositories: { type: "string" },
    images: { type: "string" },
    layers: { type: "string" },
    baseLayers: { type: "string" },
    multiArch: { type: "string" },
    untagged: { type: "string" },
    moved: { type: "string" },
    abandoned: { type: "string" },
    damaged: { type: "string" },
    layerBytes: { type: "string" },
  },
});
const { manyTags = false, ...given } = values;
const sizes = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, Number(value)]));
const options: GenerateOptions = { ...(manyTags ? MANY_TAGS : BENCHMARK), ...sizes };
const [directory] = positionals;
if (directory === undefined || Object.values(sizes).some((size) => !(size >= 0))) {
  console.error(usage);
  process.exitCode = 2;
} else {
  const begun = Date.now();
  const files = generateTo(path.resolve(directory), options);
  console.log(`${files} files in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}
