import os from "node:os";

/**
 * Gives the process a home directory where it has none: in a container the user id may be in no list of users, and then asking for its
 * home throws (`os.homedir()`, which the AWS SDK asks as well). `/` is what container runtimes take for one.
 */
export function ensureHome(): void {
  if (home() === "") process.env["HOME"] = "/";
}

/** Empty where there is none, or `HOME` is. */
function home(): string {
  try {
    return os.homedir();
  } catch {
    return "";
  }
}
