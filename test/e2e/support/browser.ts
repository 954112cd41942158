import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";
import { findProgram } from "./programs.js";

/** The system's Chromium; playwright downloads none. As root, as in CI, it has no sandbox of its own. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: findProgram("chromium"), args: ["--no-sandbox"] });
}
