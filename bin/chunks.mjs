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

/** What a check of a filesystem loads, with all that these import: in one file, for each costs a run a millisecond. */
const CHECK = /\/dist\/(?:cli\/(?:check-command|open-storage|write-report)|report\/text)\.js$/;

/**
 * What takes ICU's tables, and most reports have no need of: where characters end (10 ms), and patterns of what Unicode calls them, which V8
 * looks up as soon as it has read the file (20 ms).
 */
const SEGMENTER = "const segmenter = new Intl.Segmenter();";
const LAZY_SEGMENTER = "let made; const segmenter = { segment: (text) => (made ??= new Intl.Segmenter()).segment(text) };";
const PATTERN = /^const (\w+) = \/(.*\\p\{.*)\/([a-z]+);$/gm;
const LAZY_PATTERN = String.raw`const $1 = (() => {
  let made;
  const pattern = () => (made ??= new RegExp(String.raw${"`$2`"}, "$3"));
  return {
    test: (text) => pattern().test(text),
    [Symbol.match]: (text) => pattern()[Symbol.match](text),
    [Symbol.search]: (text) => pattern()[Symbol.search](text),
  };
})();`;

const lazyTables = {
  name: "lazy tables",
  transform(code, id) {
    if (!/\/(?:string-width|wrap-ansi)\/index\.js$/.test(id)) return undefined;
    if (code.includes("Intl.Segmenter") && !code.includes(SEGMENTER))
      throw new Error(`${id} does not have ${SEGMENTER} any more`);
    return { code: code.replace(SEGMENTER, LAZY_SEGMENTER).replaceAll(PATTERN, LAZY_PATTERN), map: null };
  },
};

async function pack(input, codeSplitting) {
  const built = await rolldown({ input, cwd: ROOT, platform: "node", external: isExternal, plugins: [lazyTables] });
  const dir = path.join(ROOT, "dist/program");
  await built.write({ dir, format: "esm", entryFileNames: "[name].js", comments: false, codeSplitting });
  await built.close();
}

await pack({ main: "dist/cli/main.js" }, { groups: [{ name: "check", test: CHECK }] });
await pack({ worker: "dist/storage/filesystem/worker.js" });
