import fs from "node:fs";
import path from "node:path";
import { RegistryBuilder } from "./builder.js";
import type { RepositoryBuilder } from "./builder.js";
import { temporaryDirectory } from "./temporary.js";

const DAY = 86_400;

/** A registry whose tags were pushed so many days ago. */
export class AgedRegistry {
  readonly builder = new RegistryBuilder();
  readonly #now = Math.floor(Date.now() / 1000);

  /** What is pushed by `push` is as old as that. */
  pushed<T>(days: number, push: (registry: RegistryBuilder) => T): T {
    this.builder.now = this.#now - days * DAY;
    return push(this.builder);
  }

  /** Images of one layer each, by tag: how many days ago they were pushed. */
  images(repository: string, tags: Readonly<Record<string, number>>): RepositoryBuilder {
    for (const [tag, days] of Object.entries(tags))
      this.pushed(days, (registry) =>
        registry.repository(repository).image({ layers: [`${repository} ${tag}`], config: tag, tag }),
      );
    return this.builder.repository(repository);
  }
}

/** A policy file, for the time of the test. */
export function policyFile(text: string): string {
  const file = path.join(temporaryDirectory(), "policy.yaml");
  fs.writeFileSync(file, text);
  return file;
}
