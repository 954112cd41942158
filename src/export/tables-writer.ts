import path from "node:path";
import { makeDirectory } from "../make-directory.js";
import { TableWriter } from "./table-writer.js";
import type { WrittenTable } from "./table-writer.js";
import { TABLES } from "./tables.js";
import type { TableName } from "./tables.js";

type Writers = { readonly [Name in TableName]: TableWriter<(typeof TABLES)[Name]> };

/** A writer for each table, in a folder of its own below the export's, which is made. */
export function openTables(directory: string): Writers {
  makeDirectory(directory);
  const open = <Name extends TableName>(name: Name): TableWriter<(typeof TABLES)[Name]> =>
    new TableWriter(path.join(directory, name), TABLES[name]);
  return {
    blobs: open("blobs"),
    repositories: open("repositories"),
    revisions: open("revisions"),
    layer_links: open("layer_links"),
    tags: open("tags"),
    tag_history: open("tag_history"),
    manifests: open("manifests"),
    manifest_references: open("manifest_references"),
    uploads: open("uploads"),
    pins: open("pins"),
    findings: open("findings"),
  };
}
export type { Writers as Tables };

/** Finishes all tables, and says what is in each. */
export function finishTables(tables: Writers): Record<TableName, WrittenTable> {
  return {
    blobs: tables.blobs.finish(),
    repositories: tables.repositories.finish(),
    revisions: tables.revisions.finish(),
    layer_links: tables.layer_links.finish(),
    tags: tables.tags.finish(),
    tag_history: tables.tag_history.finish(),
    manifests: tables.manifests.finish(),
    manifest_references: tables.manifest_references.finish(),
    uploads: tables.uploads.finish(),
    pins: tables.pins.finish(),
    findings: tables.findings.finish(),
  };
}
