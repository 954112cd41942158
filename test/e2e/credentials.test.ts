import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { regcheck } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";
import { pushAndLetGo } from "./support/contents.js";
import { REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { startedRegistry } from "./support/started.js";

const USERNAME = "sweeper";
const PASSWORD = "correct horse";
/** As `htpasswd -B` writes the two. */
const HTPASSWD = `${USERNAME}:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n`;

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("registry %s, which asks for a password", (version) => {
  test("is proven read-only, and to serve this storage, with the environment's credentials alone; nothing shows them", async () => {
    const { registry, client } = await startedRegistry(version);
    await pushAndLetGo(client);
    const directory = temporaryDirectory();
    const htpasswd = path.join(directory, "htpasswd");
    fs.writeFileSync(htpasswd, HTPASSWD);
    const readOnly = await registry.restart({ readOnly: true, htpasswd });
    onTestFinished(() => readOnly.stop());
    const journal = path.join(directory, "journal");
    const sweep = [
      "--config",
      readOnly.config,
      "--sweep",
      "--grace",
      "0",
      "--max-delete",
      "90%",
      "--fail-on",
      "never",
      "--debug",
    ];
    const run = (environment: Readonly<Record<string, string>>, ...more: readonly string[]) =>
      regcheck([...sweep, "--quarantine", "--journal-dir", journal, ...more], environment);

    for (const environment of [{}, { REGCHECK_REGISTRY_USERNAME: USERNAME, REGCHECK_REGISTRY_PASSWORD: "wrong horse" }]) {
      const { exitCode, stdout, stderr } = await run(environment);
      expect(exitCode).toBe(4);
      expect(stderr).toContain(
        "it answers 401: set REGCHECK_REGISTRY_USERNAME and REGCHECK_REGISTRY_PASSWORD, or REGCHECK_REGISTRY_TOKEN",
      );
      expect(stdout + stderr).not.toContain("wrong horse");
    }
    const page = path.join(directory, "report.html");
    const swept = await run({ REGCHECK_REGISTRY_USERNAME: USERNAME, REGCHECK_REGISTRY_PASSWORD: PASSWORD }, "--output", page);
    expect(swept).toEqual({ exitCode: 0, stderr: "", stdout: "" });
    const [first = ""] = fs.readdirSync(journal);
    for (const file of [page, path.join(journal, first)]) expect(fs.readFileSync(file, "utf8")).not.toContain(PASSWORD);
  });
});
