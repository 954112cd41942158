import fs from "node:fs";
import path from "node:path";
import { STORAGE_ID } from "#regcheck/registry/layout.js";

/** A file of a registry's storage. */
export interface TreeFile {
  readonly content: Buffer;
  /** Seconds since 1970. */
  readonly modified: number;
}

/** Long before any grace time: what is written without a time was written then (2024-01-01). */
export const LONG_AGO = 1_704_067_200;

/** A registry's storage in memory: paths relative to the root, in the layout of `docker/registry/v2`. */
export class RegistryTree {
  readonly files = new Map<string, TreeFile>();

  write(file: string, content: string | Buffer, modified = LONG_AGO): void {
    this.files.set(file, { content: Buffer.from(content), modified });
  }

  /** Removes a file, or all below a directory. */
  remove(target: string): void {
    for (const file of this.files.keys()) if (file === target || file.startsWith(`${target}/`)) this.files.delete(file);
  }

  text(file: string): string | undefined {
    return this.files.get(file)?.content.toString("latin1");
  }

  /** Files below a directory, with the rest of their path. */
  *below(directory: string): Generator<readonly [string, TreeFile]> {
    for (const [file, value] of this.files) {
      if (file.startsWith(`${directory}/`)) yield [file.slice(directory.length + 1), value];
    }
  }

  /** Writes all files below a directory, with their times. */
  writeTo(directory: string): void {
    const made = new Set<string>();
    for (const [file, { content, modified }] of this.files) {
      const target = path.join(directory, file);
      const parent = path.dirname(target);
      if (!made.has(parent)) fs.mkdirSync(parent, { recursive: true });
      made.add(parent);
      fs.writeFileSync(target, content);
      fs.utimesSync(target, modified, modified);
    }
  }

  /** Reads a directory back: what is on the disk now. */
  static readFrom(directory: string): RegistryTree {
    const tree = new RegistryTree();
    for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      // It tells this storage from another one, and stays: a random text of every directory that anything has changed.
      if (path.relative(directory, file) === STORAGE_ID) continue;
      tree.write(path.relative(directory, file), fs.readFileSync(file), Math.floor(fs.statSync(file).mtimeMs / 1000));
    }
    return tree;
  }
}
