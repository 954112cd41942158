// The last step of `npm run build`: dist/program, which the installed command runs, out of the modules that the compiler has made. Node
// takes a millisecond and more for each module that it loads, in every thread: here these are a few files, and one for a thread that reads.
import path from "node:path";
import { rolldown } from "rolldown";

const ROOT = path.resolve(import.meta.dirname, "..");
/** Packages that every run loads, and what they load. All others are loaded from where npm has put them, by the commands that need them. */
const EVERY_RUN = [
  ["yargs", "cliui", "escalade", "get-caller-file", "y18n", "yargs-parser", "yocto-spinner", "yoctocolors"],
  ["wrap-ansi", "ansi-regex", "ansi-styles", "emoji-regex", "get-east-asian-width", "string-width", "strip-ansi"],
].flat();

const isExternal = (id) => !/^[./]/.test(id) && !EVERY_RUN.includes(id.split("/")[0]);

async function pack(input) {
  const built = await rolldown({ input, cwd: ROOT, platform: "node", external: isExternal });
  await built.write({ dir: path.join(ROOT, "dist/program"), format: "esm", entryFileNames: "[name].js" });
  await built.close();
}

await pack({ main: "dist/cli/main.js" });
await pack({ worker: "dist/storage/filesystem/worker.js" });
