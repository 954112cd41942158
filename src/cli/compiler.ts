import v8 from "node:v8";

/** The newest Node whose compiler is known to have the options; a newer one may say on stderr that it does not. */
const NEWEST_KNOWN = 26;

/**
 * Most of what a check runs runs for a second or two, in each of some threads, and is compiled in each: V8 spends a quarter of the
 * processor time on that, a third of it on functions that it has put into others. With less of that all is a tenth faster.
 */
export function compileLess(): void {
  if (Number.parseInt(process.versions.node, 10) <= NEWEST_KNOWN)
    v8.setFlagsFromString("--max-inlined-bytecode-size-cumulative=200");
}
