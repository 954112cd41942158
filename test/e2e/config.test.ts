import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseRegistryConfig } from "#regcheck/registry/config.js";
import { temporaryDirectory } from "../support/temporary.js";
import { RegistryClient } from "./support/client.js";
import { RealRegistry, REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";

/** Ways to say where the storage is. DIR is a directory for the test. */
const CONFIGS = {
  "a merge key": "x: &x {rootdirectory: DIR/a}\nstorage:\n  filesystem:\n    <<: *x\n    maxthreads: 100\n",
  "a merge key after the key": "x: &x {rootdirectory: DIR/a}\nstorage:\n  filesystem:\n    rootdirectory: DIR/b\n    <<: *x\n",
  "several merge keys": "x: &x {rootdirectory: DIR/a}\ny: &y {rootdirectory: DIR/b}\nstorage:\n  filesystem:\n    <<: [*y, *x]\n",
  "a section twice": "storage:\n  filesystem: {rootdirectory: DIR/a}\nstorage:\n  filesystem: {rootdirectory: DIR/b}\n",
  "a parameter twice": "storage:\n  filesystem:\n    rootdirectory: DIR/a\n    rootdirectory: DIR/b\n",
  "two documents": "storage:\n  filesystem: {rootdirectory: DIR/a}\n---\nstorage:\n  filesystem: {rootdirectory: DIR/b}\n",
  "a broken second document": "storage:\n  filesystem: {rootdirectory: DIR/a}\n---\n[\n",
  "a number": "storage:\n  filesystem:\n    rootdirectory: 4711\n",
  "an octal number": "storage:\n  filesystem:\n    rootdirectory: 0755\n",
  "a word for true": "storage:\n  filesystem:\n    rootdirectory: yes\n",
} as const;

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])(
  "the storage that registry %s takes from its config.yml",
  (version) => {
    let registry: RealRegistry | undefined;
    let directory = "";

    beforeEach(() => {
      directory = temporaryDirectory();
    });

    afterEach(async () => {
      await registry?.stop();
    });

    test("a variable that is there and empty: none that regcheck reads", async () => {
      const text = (address: string): string =>
        `version: 0.1\nlog: {level: error}\nhttp: {addr: "${address}"}\nstorage: {filesystem: {rootdirectory: ${directory}/a}}\n`;
      const environment = { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: "" };
      registry = await RealRegistry.start({ version, directory, text, environment });
      await new RegistryClient(registry.url, "team/app").startUpload();
      expect(fs.existsSync(path.join(directory, "<nil>/docker/registry/v2/repositories/team/app"))).toBe(true);
      expect(() => parseRegistryConfig(fs.readFileSync(registry?.config ?? "", "utf8"), environment)).toThrow("<nil>");
    });

    test.each(Object.entries(CONFIGS))("%s", async (_, config) => {
      const text = (address: string): string =>
        `version: 0.1\nlog: {level: error}\nhttp: {addr: "${address}"}\n${config.replaceAll("DIR", directory)}`;
      registry = await RealRegistry.start({ version, directory, text });
      await new RegistryClient(registry.url, "team/app").startUpload();
      const { storage } = parseRegistryConfig(fs.readFileSync(registry.config, "utf8"), {});
      if (storage.driver !== "filesystem") throw new Error("expected a filesystem");
      const expected = path.resolve(directory, storage.rootDirectory, "docker/registry/v2/repositories/team/app");
      expect(fs.existsSync(expected), expected).toBe(true);
    });
  },
);
