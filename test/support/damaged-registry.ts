import fs from "node:fs";
import path from "node:path";
import { blobFile, RegistryBuilder, RepositoryBuilder, sha256, V2 } from "./builder.js";
import { written } from "./temporary.js";

const UNNEEDED = sha256("a layer that nothing needs");

/** A registry with a tag whose link is empty, and a layer that nobody needs; and what makes more or less of that. */
export function damagedRegistry() {
  const registry = new RegistryBuilder();
  registry.repository("team/app").image({ layers: ["a layer"], tag: "sound" });
  const web = registry.repository("team/web");
  web.push("a layer that nothing needs");
  web.image({ tag: "1" });
  const directory = written(registry.tree);
  const spoil = (tag: string): void => {
    const link = path.join(directory, V2, `repositories/team/app/_manifests/tags/${tag}/current/link`);
    fs.mkdirSync(path.dirname(link), { recursive: true });
    fs.writeFileSync(link, "");
  };
  const clean = (): void => {
    for (const file of [path.dirname(blobFile(UNNEEDED)), `${web.path}/_layers/${RepositoryBuilder.directory(UNNEEDED)}`])
      fs.rmSync(path.join(directory, file), { recursive: true });
  };
  spoil("old");
  return { directory, spoil, clean };
}
