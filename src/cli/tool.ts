import { createRequire } from "node:module";

const manifest: unknown = createRequire(import.meta.url)("../../package.json");

/** Name and version of this program, as package.json has them. */
export const TOOL = { name: "regcheck", version: versionOf(manifest) };

function versionOf(json: unknown): string {
  return typeof json === "object" && json !== null && "version" in json && typeof json.version === "string"
    ? json.version
    : "unknown";
}
