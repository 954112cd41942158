import path from "node:path";
import { TYPES } from "../../support/builder.js";
import type { Descriptor } from "../../support/builder.js";
import type { RegistryClient } from "./client.js";
import type { RealRegistry } from "./registry.js";
import { makeImageDirectory, skopeoCopy } from "./skopeo.js";

/** Pushes one of everything that is legal: by skopeo in two formats, indexes, mounts, chunks, sha384 and sha512, referrers, odd names. Three repositories, ten tags. */
export async function pushAllThatIsLegal(registry: RealRegistry, client: RegistryClient, directory: string): Promise<void> {
  const image = makeImageDirectory(path.join(directory, "image"), ["a base layer", "an app"]);
  await skopeoCopy(`dir:${image}`, `docker://${registry.address}/library/app:docker`);
  await skopeoCopy(`dir:${image}`, `docker://${registry.address}/library/app:oci`, "--format", "oci");
  const amd64 = await client.image(["for amd64"]);
  await client.index([amd64, await client.image(["for arm64"])], "multi");
  await client.index([await client.index([amd64], "nested")], "outer");
  const other = client.in("team/other/deeper");
  const base = await client.push("a shared base");
  await client.image([base], "base");
  await other.image([await other.mount(base, "team/app"), "and more"], "list");
  const algorithms = ["sha512", "sha384"] as const;
  const named = algorithms.map((algorithm) => client.push(`a layer by its ${algorithm} digest`, TYPES.layer, algorithm));
  // The same content by two names is one blob with three links.
  named.push(client.push("a layer by its sha512 digest", TYPES.layer, "sha384"));
  await client.image(await Promise.all(named), "_layers");
  await client.image([await client.pushInChunks(["a layer ", "in three ", "chunks"])], "chunks");
  await client.image(["the SBOM"], undefined, await client.image(["an image with an SBOM"], "current"));
}

/** Pushes images and makes garbage of some, in all ways that need no damage. Returns a manifest that lost its tag, but not its revision. */
export async function pushAndLetGo(client: RegistryClient): Promise<Descriptor> {
  const other = client.in("team/other");
  const shared = await client.push("a layer that two repositories share");
  const gone = await client.image([shared, "deleted"], "gone");
  await other.image([await other.mount(shared, "team/app"), "kept"], "kept");
  const index = await client.index(
    [await client.image(["a child for amd64"]), await client.image(["a child for arm64"])],
    "multi",
  );
  const untagged = await client.image(["untagged, but a revision"], "moved");
  await client.copy(index.digest, "moved");
  await client.push("a layer that no image uses");
  await client.deleteManifest(gone.digest);
  await other.deleteManifest((await other.index([await other.image(["a child of a deleted index"])], "gone")).digest);
  return untagged;
}
