import fs from "node:fs";
import path from "node:path";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { RegistryTree } from "../../support/registry-tree.js";
import { temporaryDirectory } from "../../support/temporary.js";
import { changesSuite } from "../changes-suite.js";

changesSuite(async (objects) => {
  const root = fs.realpathSync(temporaryDirectory());
  for (const [file, content] of Object.entries(objects)) {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), content);
  }
  return {
    changes: new FilesystemChanges(root),
    objects: () =>
      Object.fromEntries(Array.from(RegistryTree.readFrom(root).files, ([file, { content }]) => [file, content.toString()])),
    // Root reads whatever the mode is; a file in a directory's place stops it as well.
    break: (directory) => {
      fs.rmSync(path.join(root, directory), { recursive: true });
      fs.writeFileSync(path.join(root, directory), "");
    },
  };
});
