import fs from "node:fs";
import { onTestFinished, vi } from "vitest";

/** Until the test ends each `lstatSync` of this thread takes so many milliseconds, of which a processor is `busy` for some, as it seems. */
export function callsTake({ milliseconds, busy }: { readonly milliseconds: number; readonly busy: number }): void {
  const { lstatSync, readFileSync } = fs;
  let now = 1000;
  let ran = 1;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  vi.spyOn(fs, "readFileSync").mockImplementation(((file: string, encoding: BufferEncoding) =>
    file === "/proc/thread-self/schedstat" ? `${ran * 1e6} 0 1` : readFileSync(file, encoding)) as typeof fs.readFileSync);
  vi.spyOn(fs, "lstatSync").mockImplementation((...args: Parameters<typeof fs.lstatSync>) => {
    now += milliseconds;
    ran += busy;
    return lstatSync(...args);
  });
  onTestFinished(() => void vi.restoreAllMocks());
}
