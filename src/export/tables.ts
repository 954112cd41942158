/**
 * The tables of an export, each declared once: `docs/sql/README.md` describes the columns, `export.schema.json` names the tables, and
 * tests hold both against this.
 *
 * Column types: **digest**, **group** (a digest that rows share which follow one another) and **text** are UTF-8 text, **bytes** is a 64-bit and **count** a 32-bit number, **time** is a moment in UTC
 * (given in seconds since 1970). A question mark says that a value may be missing.
 */
export const TABLES = {
  blobs: { digest: "digest", size: "bytes", modified: "time" },
  repositories: {
    repository: "text",
    held: "flag",
    tags: "count",
    revisions: "count",
    layer_links: "count",
    bytes: "bytes",
    exclusive_bytes: "bytes",
    reclaimable_bytes: "bytes",
    held_bytes: "bytes",
    findings: "count",
  },
  revisions: { repository: "text", digest: "digest", target: "digest?", modified: "time?" },
  layer_links: { repository: "text", digest: "digest", target: "digest?", modified: "time?" },
  tags: { repository: "text", tag: "text", digest: "digest?", valid_name: "flag", modified: "time?" },
  tag_history: { repository: "text", tag: "text", digest: "digest" },
  manifests: { digest: "digest", problem: "text?" },
  manifest_references: {
    manifest: "group",
    position: "count",
    role: "text",
    digest: "digest",
    size: "bytes?",
    is_manifest: "flag",
  },
  uploads: { repository: "text", id: "text", started: "time?", bytes: "bytes", modified: "time" },
  pins: { digest: "digest" },
  findings: {
    code: "text",
    severity: "text",
    new: "flag?",
    repository: "text?",
    tag: "text?",
    digest: "text?",
    path: "text",
    bytes: "bytes?",
    recoverable: "flag?",
    upload_id: "text?",
    message: "text",
  },
} as const satisfies Record<string, Columns>;

/** The columns of a table, in their order. */
export type Columns = Readonly<Record<string, ColumnType | `${ColumnType}?`>>;
export type ColumnType = "digest" | "group" | "text" | "bytes" | "count" | "time" | "flag";
export type TableName = keyof typeof TABLES;

/** Digests come as ASCII, see `DigestText`; numbers are whole; times are seconds since 1970. */
interface Values {
  readonly digest: Uint8Array;
  readonly group: Uint8Array;
  readonly text: string;
  readonly bytes: number;
  readonly count: number;
  readonly time: number;
  readonly flag: boolean;
}

/** A row of a table. */
export type Row<C extends Columns> = {
  readonly [Name in keyof C]: C[Name] extends `${infer T extends ColumnType}?`
    ? Values[T] | undefined
    : C[Name] extends ColumnType
      ? Values[C[Name]]
      : never;
};
