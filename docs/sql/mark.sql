-- The mark of a registry, for every policy at once: what is live, what is garbage, and what a pull would miss. SQL that DuckDB and Spark run as
-- it is; README.md says what Trino and Athena need.
--
-- In: the tables of an export, and  policy(cutoff): what was written after that is young, and stays with all that it reaches.
-- A step "@table NAME" makes a table of its query. "@loop NAME" makes it again from itself, until nothing changes.
-- Before it is run, {selected} is replaced by the policy that the findings are for: as_is, with_delete_untagged, with_drop_dangling_tags or
-- with_both; and {untagged} by the same where that deletes untagged manifests, else by with_delete_untagged. mark.py does all of this.
--
-- The result is right where export.json says "complete": true. What could not be read may need anything.

-- @table linked  What a repository has a revision link for. Of a damaged link, what it names by its path and by its content.
select repository, digest, modified from revisions
union all
select repository, target, modified from revisions where target <> digest

-- @table sound_layers  Layer links in order: their content is the digest of their path, or the sha256 blob behind a sha512 name.
select repository, digest, target, modified from layer_links
where target = digest or (digest like 'sha512:%' and target like 'sha256:%')

-- @table damaged_layers  What the other layer links name, by path or by content.
select repository, digest, modified from layer_links
where target is null or not (target = digest or (digest like 'sha512:%' and target like 'sha256:%'))
union all
select repository, target, modified from layer_links
where target <> digest and not (digest like 'sha512:%' and target like 'sha256:%')

-- @table members  The manifests of each repository: by a revision link, or by a dangling tag whose blob is still stored.
select repository, digest, true as linked, false as droppable from linked group by repository, digest
union all
select t.repository, t.digest, false, bool_and(t.valid_name)
from tags t join blobs b on b.digest = t.digest
where not exists (select 1 from linked r where r.repository = t.repository and r.digest = t.digest)
group by t.repository, t.digest

-- @table keeps  What a live manifest keeps alive among the manifests of its repository: what it names, and its referrers.
select distinct m.repository, m.digest as keeper, k.digest as kept, k.droppable
from members m join manifest_references f on f.manifest = m.digest
join members k on k.repository = m.repository and k.digest = f.digest
where f.role <> 'subject'
union
select distinct s.repository, s.digest, r.digest, r.droppable
from members r join manifest_references f on f.manifest = r.digest
join members s on s.repository = r.repository and s.digest = f.digest
where f.role = 'subject'

-- @table live  The roots, one column for each variant of the policy.
select m.repository, m.digest,
  bool_or(r.as_is) as as_is, bool_or(r.with_delete_untagged) as with_delete_untagged,
  bool_or(r.with_drop_dangling_tags and not m.droppable) as with_drop_dangling_tags, bool_or(r.with_both and not m.droppable) as with_both
from members m join (
  select repository, digest, true as as_is, true as with_delete_untagged, true as with_drop_dangling_tags, true as with_both from tags where digest is not null
  union all select repository, digest, true, false, true, false from linked
  union all select r.repository, r.digest, true, true, true, true from linked r cross join policy p where r.modified > p.cutoff
  union all select r.repository, r.digest, true, true, true, true from linked r join blobs b on b.digest = r.digest cross join policy p where b.modified > p.cutoff
  union all select m.repository, m.digest, true, true, true, true from members m join pins p on p.digest = m.digest
) r on r.repository = m.repository and r.digest = m.digest
group by m.repository, m.digest

-- @loop live  One step along the references. Depth is small: an index and its children, an image and its signature's signature.
select repository, digest, bool_or(as_is) as as_is, bool_or(with_delete_untagged) as with_delete_untagged,
  bool_or(with_drop_dangling_tags) as with_drop_dangling_tags, bool_or(with_both) as with_both
from (
  select repository, digest, as_is, with_delete_untagged, with_drop_dangling_tags, with_both from live
  union all
  select k.repository, k.kept, l.as_is, l.with_delete_untagged, l.with_drop_dangling_tags and not k.droppable, l.with_both and not k.droppable
  from live l join keeps k on k.repository = l.repository and k.keeper = l.digest
) step
group by repository, digest

-- @table held_members  A damaged repository keeps all its manifests, whatever the policy.
select m.repository, m.digest from members m join repositories r on r.repository = m.repository where r.held

-- @table unlinked  Pinned or young manifests that no repository links: they keep what they name (a push that has not come to its links).
select d.digest from (
  select p.digest from pins p join blobs b on b.digest = p.digest
  union select m.digest from manifests m join blobs b on b.digest = m.digest cross join policy p where b.modified > p.cutoff
) d where not exists (select 1 from linked r where r.digest = d.digest)

-- @loop unlinked
select digest from unlinked
union
select f.digest from unlinked u join manifest_references f on f.manifest = u.digest join blobs b on b.digest = f.digest where f.role = 'child'

-- @table needs  What the live manifests of each repository name, themselves included; by name, before aliases are resolved.
select repository, digest, bool_or(as_is) as as_is, bool_or(with_delete_untagged) as with_delete_untagged,
  bool_or(with_drop_dangling_tags) as with_drop_dangling_tags, bool_or(with_both) as with_both, bool_or(held) as held
from (
  select repository, digest, as_is, with_delete_untagged, with_drop_dangling_tags, with_both, false as held from live
  union all
  select l.repository, f.digest, l.as_is, l.with_delete_untagged, l.with_drop_dangling_tags, l.with_both, false
  from live l join manifest_references f on f.manifest = l.digest where f.role <> 'subject'
  union all
  select repository, digest, false, false, false, false, true from held_members
  union all
  select h.repository, f.digest, false, false, false, false, true
  from held_members h join manifest_references f on f.manifest = h.digest where f.role <> 'subject'
) n
group by repository, digest

-- @table resolved_needs  The same, with the sha256 blob behind a sha512 name beside it.
select repository, digest, bool_or(as_is) as as_is, bool_or(with_delete_untagged) as with_delete_untagged,
  bool_or(with_drop_dangling_tags) as with_drop_dangling_tags, bool_or(with_both) as with_both, bool_or(held) as held
from (
  select repository, digest, as_is, with_delete_untagged, with_drop_dangling_tags, with_both, held from needs
  union all
  select n.repository, a.target, n.as_is, n.with_delete_untagged, n.with_drop_dangling_tags, n.with_both, n.held
  from needs n join sound_layers a on a.repository = n.repository and a.digest = n.digest
  where a.target <> a.digest
) n
group by repository, digest

-- @table links  Each sound layer link with what needs it.
select l.repository, l.digest, l.target, r.held, not r.held and l.modified is not null and l.modified > p.cutoff as young, b.digest is not null as stored, b.size,
  coalesce(n.as_is, false) as as_is, coalesce(n.with_delete_untagged, false) as with_delete_untagged,
  coalesce(n.with_drop_dangling_tags, false) as with_drop_dangling_tags, coalesce(n.with_both, false) as with_both
from sound_layers l join repositories r on r.repository = l.repository cross join policy p
left join resolved_needs n on n.repository = l.repository and n.digest = l.digest
left join blobs b on b.digest = l.target

-- @table blob_marks  Liveness of a blob is the union over all repositories.
select digest, bool_or(as_is) as as_is, bool_or(with_delete_untagged) as with_delete_untagged,
  bool_or(with_drop_dangling_tags) as with_drop_dangling_tags, bool_or(with_both) as with_both, bool_or(held) as held
from (
  select digest, as_is, with_delete_untagged, with_drop_dangling_tags, with_both, held from resolved_needs
  union all select l.digest, false, false, false, false, true from layer_links l join repositories r on r.repository = l.repository where r.held
  union all select l.target, false, false, false, false, true from layer_links l join repositories r on r.repository = l.repository where r.held and l.target is not null
  union all select target, true, true, true, true, false from links where young
  union all select d.digest, true, true, true, true, false from damaged_layers d join repositories r on r.repository = d.repository cross join policy p
    where not r.held and d.modified > p.cutoff
  union all select digest, true, true, true, true, false from pins
  union all select digest, true, true, true, true, false from unlinked
  union all select f.digest, true, true, true, true, false from unlinked u join manifest_references f on f.manifest = u.digest where f.role <> 'subject'
) m
group by digest

-- @table owners  Which repositories name a blob by a sound link or as a manifest.
select distinct repository, digest from (
  select repository, target as digest from sound_layers
  union all select repository, digest from members
) o

-- @table blob_verdicts  Each stored blob: who has it, and in which variants it is garbage.
select b.digest, b.size, b.modified, o.repository, coalesce(o.repositories, 0) as repositories, coalesce(m.held, false) as held,
  not coalesce(m.as_is or m.held, false) and b.modified <= p.cutoff as as_is,
  not coalesce(m.with_delete_untagged or m.held, false) and b.modified <= p.cutoff as with_delete_untagged,
  not coalesce(m.with_drop_dangling_tags or m.held, false) and b.modified <= p.cutoff as with_drop_dangling_tags,
  not coalesce(m.with_both or m.held, false) and b.modified <= p.cutoff as with_both
from blobs b cross join policy p
left join blob_marks m on m.digest = b.digest
left join (select digest, count(*) as repositories, case when count(*) = 1 then min(repository) end as repository from owners group by digest) o on o.digest = b.digest

-- @table reclaimable  One line for each variant.
select 'as_is' as variant, count(*) as blobs, coalesce(sum(size), 0) as bytes from blob_verdicts where as_is
union all select 'with_delete_untagged', count(*), coalesce(sum(size), 0) from blob_verdicts where with_delete_untagged
union all select 'with_drop_dangling_tags', count(*), coalesce(sum(size), 0) from blob_verdicts where with_drop_dangling_tags
union all select 'with_both', count(*), coalesce(sum(size), 0) from blob_verdicts where with_both

-- @table reclaimable_links
select variant, sum(revisions) as revisions, sum(layer_links) as layer_links from (
  select v.variant, case when r.held then 0 when v.variant = 'as_is' and not coalesce(l.as_is, false) then 1
      when v.variant = 'with_delete_untagged' and not coalesce(l.with_delete_untagged, false) then 1
      when v.variant = 'with_drop_dangling_tags' and not coalesce(l.with_drop_dangling_tags, false) then 1
      when v.variant = 'with_both' and not coalesce(l.with_both, false) then 1 else 0 end as revisions, 0 as layer_links
  from (select distinct repository, digest from linked) x join repositories r on r.repository = x.repository
  left join live l on l.repository = x.repository and l.digest = x.digest cross join (select variant from reclaimable) v
  union all
  select v.variant, 0, case when k.held or k.young then 0 when v.variant = 'as_is' and not k.as_is then 1
      when v.variant = 'with_delete_untagged' and not k.with_delete_untagged then 1
      when v.variant = 'with_drop_dangling_tags' and not k.with_drop_dangling_tags then 1
      when v.variant = 'with_both' and not k.with_both then 1 else 0 end
  from links k cross join (select variant from reclaimable) v
  union all
  select variant, 0, 0 from reclaimable
) x group by variant

-- @table repository_bytes  As in the report: bytes that a repository's links name, those that no other names, and of these the garbage.
select r.repository, coalesce(n.bytes, 0) as bytes, coalesce(e.exclusive_bytes, 0) as exclusive_bytes, coalesce(e.reclaimable_bytes, 0) as reclaimable_bytes
from repositories r
left join (
  select d.repository, sum(b.size) as bytes from (
    select repository, digest from layer_links union select repository, target from layer_links where target is not null union select repository, digest from members
  ) d join blobs b on b.digest = d.digest group by d.repository
) n on n.repository = r.repository
left join (
  select repository, sum(size) as exclusive_bytes, sum(case when {selected} then size else 0 end) as reclaimable_bytes
  from blob_verdicts where repository is not null group by repository
) e on e.repository = r.repository

-- @table checked_references  Every reference that a pull of a live manifest follows, with what there is of it.
select f.*, l.repository, coalesce(a.target, f.digest) as id, k.digest is not null as linked, m.digest is not null as is_member,
  b.digest is not null as stored, b.size as stored_size
from (
  select repository, digest from live where {selected} union select repository, digest from held_members
) l join manifest_references f on f.manifest = l.digest
left join sound_layers a on a.repository = l.repository and a.digest = f.digest and a.target <> a.digest
left join (select distinct repository, digest from layer_links) k on k.repository = l.repository and k.digest = f.digest
left join members m on m.repository = l.repository and m.digest = f.digest
left join blobs b on b.digest = coalesce(a.target, f.digest)
where f.role <> 'subject'

-- @table findings_by_sql  Of the codes that follow from the tables; the exported findings have the others too.
select 'blob-unreferenced' as code, repository, nullif('', '') as tag, digest, size as bytes from blob_verdicts where {selected}
union all
select 'manifest-unreferenced', x.repository, null, x.digest, b.size
from (select distinct repository, digest from linked) x join repositories r on r.repository = x.repository join blobs b on b.digest = x.digest
left join live l on l.repository = x.repository and l.digest = x.digest
where not r.held and not coalesce(l.{untagged}, false)
union all
select 'tag-dangling', t.repository, t.tag, t.digest, null from tags t
where t.digest is not null and not exists (select 1 from linked r where r.repository = t.repository and r.digest = t.digest)
union all
select 'layer-link-unreferenced', repository, null, digest, size from links where stored and not young and not held and not {selected}
union all
select 'layer-link-dangling', repository, null, digest, null from links where not stored and not young and not {selected}
union all
select 'child-missing', repository, null, digest, null from checked_references where role = 'child' and not linked and not is_member group by repository, digest
union all
select case when not stored then 'blob-missing' when not linked then 'layer-link-missing' else 'blob-size-mismatch' end, repository, null, id, max(coalesce(size, stored_size))
from checked_references
where not (role = 'child' and (not linked or is_member)) and not (not stored and role = 'foreign-layer')
  and (not stored or not linked or (size is not null and id = digest and size <> stored_size))
group by repository, id, stored, linked
union all
select 'referrer-orphaned', t.repository, t.tag, t.digest, null from (
  select repository, tag, digest, regexp_extract(tag, '^sha256-([0-9a-f]{64})([.](sig|att|sbom))?$', 1) as subject from tags where digest is not null
) t where t.subject <> '' and not exists (select 1 from members m where m.repository = t.repository and m.digest = concat('sha256:', t.subject))
union all
select 'referrer-orphaned', r.repository, null, r.digest, null from linked r join manifest_references f on f.manifest = r.digest and f.role = 'subject'
where not exists (select 1 from members m where m.repository = r.repository and m.digest = f.digest)
union all
select 'tag-index-dangling', h.repository, h.tag, h.digest, null
from tag_history h left join tags t on t.repository = h.repository and t.tag = h.tag join repositories r on r.repository = h.repository
left join (select distinct repository, digest, true as linked from linked) x on x.repository = h.repository and x.digest = h.digest
left join live l on l.repository = h.repository and l.digest = h.digest
where (t.digest is null or t.digest <> h.digest) and (x.linked is null or (not r.held and not coalesce(l.{selected}, false)))
