import os from "node:os";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { defaultJournalDirectory } from "#regcheck/journal/journal.js";

const OWN = path.join(os.homedir(), ".local/state/regcheck");

test.each([
  [{ XDG_STATE_HOME: "/state" }, "/state/regcheck"],
  [{ XDG_STATE_HOME: "" }, OWN],
  [{ XDG_STATE_HOME: "state" }, OWN],
  [{}, OWN],
])("journals lie below XDG_STATE_HOME where that is absolute: %j", (environment, expected) => {
  vi.spyOn(process, "getuid").mockReturnValue(1000);
  expect(defaultJournalDirectory(environment)).toBe(expected);
  vi.restoreAllMocks();
});
