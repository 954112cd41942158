import fs from "node:fs";
import path from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportTables } from "#regcheck/export.js";
import type { Exported } from "#regcheck/export.js";
import { Digest } from "#regcheck/registry/digest.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { arbitraryRegistry, GRACE, NOW } from "../support/arbitrary-registry.js";
import { buildFixture } from "../support/fixture.js";
import { MARK_CASES } from "../support/mark-cases.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { MARK_SQL, markInReport, markInSql, withoutJudgedSizes } from "../support/sql-mark.js";
import { connectForSmallTables, loadTables } from "../support/tables.js";
import { makeTemporaryDirectory } from "../support/temporary.js";

/** Each makes the mark wrong in one small way, which must show on some registry. */
const MUTATIONS: readonly (readonly [what: string, from: string, to: string])[] = [
  ["young revision links are no roots", "where not r.mismatched and r.modified > p.cutoff", "where false"],
  ["a subject keeps no referrers", "referrers f join live l on l.digest = f.subject", "referrers f join live l on false"],
  ["untagged revisions are roots", "true, false, true, false from linked", "true, true, true, true from linked"],
  ["damage holds nothing", "where r.held or l.as_is", "where l.as_is"],
  ["pins keep nothing", "from members k join pinned p on", "from members k join pinned p on false and"],
  ["held layer links are garbage", "where stored and not young and not held", "where stored and not young"],
  ["a foreign layer is missed", "not (role = 'foreign-layer' and (not stored or not linked))", "true"],
  ["shared blobs have an owner", "case when count(*) = 1 then min(repository) end", "min(repository)"],
  ["links by name are no links", "(n.digest is null or m.digest is null)", "true"],
  [
    "children of an index keep nothing",
    "where f.role <> 'subject'\n\n-- @table lost_references",
    "where f.role not in ('subject', 'child')\n\n-- @table lost_references",
  ],
  [
    "lost tags name nothing",
    "join lost_tags t on t.repository = h.repository and t.tag = h.tag\n)",
    "join lost_tags t on false\n)",
  ],
  ["a tag's link is right whatever its history says", "or (count(h.digest) > 0", "or (false"],
  [
    "the history of lost tags is garbage",
    "where o.tag is null and t.digest <> h.digest and f.digest",
    "where t.digest <> h.digest and f.digest",
  ],
  ["layer links find no manifests", "case when l.digest is not null then 1 when not t.droppable", "case when not t.droppable"],
  ["a dropped tag takes what a lasting one keeps", "and k.given and k.kind < 3", "and k.given"],
  ["young tags are dropped", "not coalesce(t.modified > p.cutoff, false) and max", "max"],
  ["tags of what is pinned are dropped", "and max(q.digest) is null as droppable", "as droppable"],
  ["young blobs keep no referrers", "union select b.digest from blobs b cross join policy p where b.modified > p.cutoff\n", ""],
  ["young manifests without a link keep nothing", "where b.modified > p.cutoff and b.size <= 4194304", "where false"],
  [
    "what is linked keeps nothing elsewhere",
    ") d group by d.digest\n\n-- @loop anywhere",
    ") d where not exists (select 1 from linked r where r.digest = d.digest)\ngroup by d.digest\n\n-- @loop anywhere",
  ],
  ["what is lost of a revision may be anything", "where not linked and role <> 'mention'", "where role <> 'mention'"],
  ["what a layer mentions is a manifest", "(m.problem is null or u.named)\n  left", "true\n  left"],
  ["what a layer mentions is needed", "(m.problem is null or u.named)\nleft", "true\nleft"],
  [
    "dropped tags keep what they name",
    "r.with_drop_dangling_tags and m.kind <> 3) as with_drop_dangling_tags, bool_or(r.with_both and m.kind <> 3)",
    "r.with_drop_dangling_tags) as with_drop_dangling_tags, bool_or(r.with_both)",
  ],
  [
    "an index keeps what a dropped tag names",
    "k.kept, l.as_is, l.with_delete_untagged, l.with_drop_dangling_tags and not k.droppable, l.with_both and not k.droppable",
    "k.kept, l.as_is, l.with_delete_untagged, l.with_drop_dangling_tags, l.with_both",
  ],
  [
    "a manifest keeps a referrer elsewhere that a dropped tag names",
    "l.with_both and not f.droppable\n  from referrers f join live",
    "l.with_both\n  from referrers f join live",
  ],
  [
    "a layer keeps a referrer elsewhere that a dropped tag names",
    "l.with_both and not f.droppable\n  from referrers f join named",
    "l.with_both\n  from referrers f join named",
  ],
  ["a tag's own entry is history", "where o.tag is null and t.digest <> h.digest and (r.", "where o.tag is null and (r."],
  [
    "a tag's own entry dangles",
    "where o.tag is null and t.digest <> h.digest and f.digest is null",
    "where o.tag is null and f.digest is null",
  ],
  ["aliases contradict", "having count(*) = 1\n", "having count(*) >= 1\n"],
  ["image IDs pin nothing", "c join pinned p on p.digest", "c join pinned p on false and p.digest"],
  [
    "image IDs have one name",
    "union all select n.repository, n.manifest, a.target from named n",
    "union all select n.repository, n.manifest, a.digest from named n",
  ],
  ["pins keep no link", "from sound_layers l join pins p on", "from sound_layers l join pins p on false and"],
  ["the history of dropped tags keeps what it names", "d.digest is null, false from former f", "true, false from former f"],
  [
    "a repository's own subject has no life elsewhere",
    "where b.digest is not null or exists (select 1 from linked s where s.digest = x.subject)",
    "where not exists (select 1 from linked s where s.repository = x.repository and s.digest = x.subject) and b.digest is not null",
  ],
  ["a subject that is lost is no subject", " or exists (select 1 from linked s where s.digest = x.subject)", ""],
  ["pins have one name", "from pins p join meanings m on", "from pins p join meanings m on false and"],
  [
    "pins by another name pin an image everywhere",
    "select m.repository, m.target from pins p",
    "select nullif('', ''), m.target from pins p",
  ],
  ["swapped aliases mean nothing else", "b.digest = n.digest and b.size = t.size", "b.digest = n.digest and false"],
  ["aliases mean anything", "b.digest = n.digest and b.size = t.size", "b.digest = n.digest"],
  [
    "what swapped aliases mean is no manifest",
    "left join meanings a on a.repository = p.repository and a.digest = f.digest",
    "left join aliases a on a.repository = p.repository and a.digest = f.digest",
  ],
  [
    "what swapped aliases mean keeps nothing",
    "from named n join meanings a on a.repository = n.repository and a.digest = n.digest\njoin members k",
    "from named n join aliases a on a.repository = n.repository and a.digest = n.digest\njoin members k",
  ],
  ["aliases without a size are sound", "coalesce(n.size <> n.stored_size, true)", "coalesce(n.size <> n.stored_size, false)"],
  [
    "what 3.x does not find is found",
    "where m.kind = 1\nunion all\nselect 'referrer",
    "where false\nunion all\nselect 'referrer",
  ],
  ["young links keep no blob", "union all select target, true, true, true, true, false from links where young", ""],
  [
    "young links keep no referrers",
    "where r.held or l.modified > p.cutoff\nunion select l.digest from sound",
    "where r.held\nunion select l.digest from sound",
  ],
  ["young links are garbage", "where stored and not young and not held", "where stored and not held"],
  ["young links dangle", "where not stored and not young and not", "where not stored and not"],
  [
    "young damaged links keep no referrers",
    "from damaged_layers l join repositories r on r.repository = l.repository cross join policy p where r.held or l.modified > p.cutoff",
    "from damaged_layers l join repositories r on r.repository = l.repository cross join policy p where r.held",
  ],
  ["young damaged links keep no blob", "where not r.held and d.modified > p.cutoff", "where false"],
  ["young blobs are garbage", " and b.modified <= p.cutoff and not a.kept", " and not a.kept"],
  [
    "lost aliases keep nothing",
    "from lost_references n join marks k on k.repository = n.repository and k.digest = n.manifest\ngroup by k.repository",
    "from lost_references n join marks k on false\ngroup by k.repository",
  ],
  [
    "subjects by another name are nothing here",
    "join meanings a on a.repository = m.repository and a.digest = f.digest where m.kind <> 1",
    "join meanings a on false where m.kind <> 1",
  ],
  ["other repositories tell no subjects", "join meanings a on a.digest = l.digest", "join meanings a on false"],
  ["subjects have no size", "join blobs b on b.size = l.size where l.nowhere", "join blobs b on false where l.nowhere"],
  [
    "a size tells of subjects where a link does",
    "join blobs b on b.size = l.size where l.nowhere",
    "join blobs b on b.size = l.size",
  ],
  ["a subject that nothing tells is gone", "from lost_subjects where nowhere and size is null", "from lost_subjects where false"],
  [
    "a subject's link is garbage",
    "join aliases a on a.repository = k.repository and a.digest = f.digest",
    "join aliases a on false and a.digest = f.digest",
  ],
  [
    "a subject of a size is gone",
    "and not exists (select 1 from subjects s join members m on m.digest = s.subject where s.repository = r.repository and s.manifest = r.digest)",
    "and true",
  ],
  ["a dead revision means what is linked", "where q.digest is not null or b.modified > p.cutoff", "where true"],
  ["lost aliases are in no damaged link", " union select repository, digest from damaged_layers\n  ) x", "\n  ) x"],
];

interface Case {
  readonly out: string;
  readonly exported: Exported;
}

describe("a mutation of docs/sql/mark.sql is noticed", () => {
  const parent = makeTemporaryDirectory();
  const cases: Case[] = [];
  let connection: DuckDBConnection | undefined;

  beforeAll(async () => {
    connection = await connectForSmallTables();
    const random = fc.sample(arbitraryRegistry, { seed: 14, numRuns: 30 });
    const trees: { tree: RegistryTree; pins?: readonly string[] }[] = [{ tree: buildFixture() }, ...MARK_CASES, ...random];
    for (const [i, { tree, pins = [] }] of trees.entries()) {
      const root = path.join(parent, `registry-${i}`);
      const out = path.join(parent, `out-${i}`);
      fs.mkdirSync(path.join(root, "docker/registry/v2"), { recursive: true });
      tree.writeTo(root);
      const storage = FilesystemStorage.open(root, { concurrency: 1 });
      const exported = await exportTables(storage, out, {
        policy: {
          deleteUntagged: i % 2 === 1,
          dropDanglingTags: i % 3 === 1,
          grace: i > MARK_CASES.length && i % 4 === 1 ? 0 : GRACE,
          now: NOW,
          pins: pins.flatMap((pin) => Digest.parse(pin) ?? []),
        },
        tool: { name: "regcheck", version: "0" },
      });
      await storage.close();
      cases.push({ out, exported });
    }
  }, 300_000);
  afterAll(() => fs.rmSync(parent, { recursive: true }));

  async function differs(sql: string): Promise<boolean> {
    if (connection === undefined) throw new Error("there is no connection");
    for (const { out, exported } of cases) {
      await loadTables(connection, out);
      const { report, file } = exported;
      const found = withoutJudgedSizes(await markInSql(connection, file, sql), report);
      if (JSON.stringify(found) !== JSON.stringify(markInReport(report))) return true;
    }
    return false;
  }

  test.each(MUTATIONS)(
    "%s",
    async (_, from, to) => {
      expect(MARK_SQL).toContain(from);
      expect(await differs(MARK_SQL.replaceAll(from, to))).toBe(true);
    },
    300_000,
  );

  test("none is noticed where there is none", async () => expect(await differs(MARK_SQL)).toBe(false), 300_000);
});
