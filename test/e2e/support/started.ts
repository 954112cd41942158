import { onTestFinished } from "vitest";
import { temporaryDirectory } from "../../support/temporary.js";
import { RegistryClient } from "./client.js";
import { RealRegistry } from "./registry.js";
import type { RegistryVersion } from "./registry.js";

/** A registry on an empty filesystem, and a client of its repository `team/app`; both are gone after the test. */
export async function startedRegistry(version: RegistryVersion): Promise<{ registry: RealRegistry; client: RegistryClient }> {
  const registry = await RealRegistry.start({ version, directory: temporaryDirectory() });
  onTestFinished(() => registry.stop());
  return { registry, client: new RegistryClient(registry.url, "team/app") };
}
