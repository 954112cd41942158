import { describe } from "vitest";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { written } from "../../support/temporary.js";
import { storageSuite } from "../suite.js";

describe("the storage suite, on a filesystem", () => {
  storageSuite({ open: async (tree) => FilesystemStorage.open(written(tree)), keepsTimes: true, runs: 5 });
});
