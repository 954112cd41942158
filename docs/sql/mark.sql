-- The mark of a registry, for every policy at once: what is live, what is garbage, and what a pull would miss. SQL that DuckDB and Spark run as
-- it is; README.md says what Trino and Athena need.
--
-- In: the tables of an export, and  policy(cutoff, as_of)  of one row: what was written after the cutoff is young, and stays with all that it reaches;
-- what was written after as_of came when the storage was read already.
-- A step "@table NAME" makes a table of its query. "@loop NAME" makes it again from itself, until nothing changes.
-- Before it is run, {selected} is replaced by the policy that the findings are for: as_is, with_delete_untagged, with_drop_dangling_tags or
-- with_both; and {untagged} by the same where that deletes untagged manifests, else by with_delete_untagged. mark.py does all of this.
--
-- The result is right where export.json says "complete": true and "truthElsewhere": []. What could not be read may need anything.

-- @table linked  What a repository has a revision link for: by the link's path or, where that is another digest, by its content alone.
select repository, digest, max(modified) as modified, bool_and(mismatched) as mismatched from (
  select repository, digest, modified, false as mismatched from revisions
  union all
  select repository, target, modified, true from revisions where target <> digest
) x group by repository, digest

-- @table aliases  Links by which a digest of another algorithm leads to the sha256 blob that it is stored as; none that contradicts another, or a blob.
select l.repository, l.digest, l.target, l.modified from layer_links l
join (
  select repository, target, substr(digest, 1, 6) as algorithm from layer_links where digest not like 'sha256:%' and target like 'sha256:%'
  group by repository, target, substr(digest, 1, 6) having count(*) = 1
) u on u.repository = l.repository and u.target = l.target and u.algorithm = substr(l.digest, 1, 6)
where l.digest not like 'sha256:%' and not exists (select 1 from blobs b where b.digest = l.digest)

-- @table sound_layers  Layer links in order, by what their path names, and where they lead.
select repository, digest, target, modified from layer_links where target = digest
union all
select repository, digest, target, modified from aliases

-- @table damaged_links  The other layer links.
select l.repository, l.digest, l.target, l.modified from layer_links l
where l.target is null or (l.target <> l.digest and not exists (
  select 1 from aliases a where a.repository = l.repository and a.digest = l.digest
))

-- @table damaged_layers  What damaged layer links name, by path or by content.
select repository, digest, max(modified) as modified from (
  select repository, digest, modified from damaged_links
  union all
  select repository, target, cast(null as timestamp) from damaged_links where target is not null
) x group by repository, digest

-- @table layer_names  Digests that a repository has a layer link for, sound or damaged.
select repository, digest from layer_links group by repository, digest

-- @table meanings  What aliases lead to, or may have led to before they were swapped: every stored blob of the same size that the repository has a layer link for.
select repository, digest, target from aliases
union
select a.repository, a.digest, b.digest from aliases a join blobs t on t.digest = a.target
join layer_names n on n.repository = a.repository join blobs b on b.digest = n.digest and b.size = t.size

-- @table pinned  What the pins mean: themselves, in any repository, and what an alias of them may mean in its own.
select nullif('', '') as repository, digest from pins
union
select m.repository, m.target from pins p join meanings m on m.digest = p.digest

-- @table named_tags  What tags name. One that dangles may be dropped, unless it is outside the grammar, of what is pinned, or young.
select t.repository, t.tag, t.digest, t.modified,
  t.valid_name and not coalesce(t.modified > p.cutoff, false) and max(q.digest) is null as droppable
from tags t cross join policy p
left join aliases a on a.repository = t.repository and a.digest = t.digest
left join pinned q on (q.digest = t.digest or q.digest = a.target) and (q.repository is null or q.repository = t.repository)
where t.digest is not null
group by t.repository, t.tag, t.digest, t.modified, t.valid_name, p.cutoff

-- @table lost_tags  Tags whose link is damaged or gone, or names nothing that their history has: no push has written that.
select t.repository, t.tag from tags t left join tag_history h on h.repository = t.repository and h.tag = t.tag
group by t.repository, t.tag, t.digest
having t.digest is null or (count(h.digest) > 0 and max(case when h.digest = t.digest then 1 else 0 end) = 0)

-- @table tagged  What tags name; of such a tag, all that its history names may be it.
select repository, digest, bool_or(lost) as lost, bool_and(droppable) as droppable from (
  select repository, digest, false as lost, droppable from named_tags
  union all
  select h.repository, h.digest, true, true from tag_history h
  join lost_tags t on t.repository = h.repository and t.tag = h.tag
) x group by repository, digest

-- @table former  Entries of tags' histories that name what the repository still has a link for, and not what the tag names now.
select h.repository, h.tag, h.digest, coalesce(a.target, h.digest) as id
from tag_history h join tags t on t.repository = h.repository and t.tag = h.tag
left join lost_tags o on o.repository = h.repository and o.tag = h.tag
left join linked r on r.repository = h.repository and r.digest = h.digest
left join layer_names l on l.repository = h.repository and l.digest = h.digest
left join aliases a on a.repository = h.repository and a.digest = h.digest
where o.tag is null and t.digest <> h.digest and (r.digest is not null or l.digest is not null)

-- @table members  The manifests of each repository. kind: 0 by a revision link; 1 by a layer link, as registry 2.x finds them; 2 and 3 by no link, but
-- stored and named by a tag that is never dropped (2), or by one that dangles (3). given: found by a tag, not by what another manifest names.
select repository, digest, min(kind) as kind, true as given from (
  select repository, digest, 0 as kind from linked
  union all
  select t.repository, b.digest, case when l.digest is not null then 1 when not t.droppable then 2 else 3 end
  from tagged t
  left join aliases a on a.repository = t.repository and a.digest = t.digest
  join blobs b on b.digest = coalesce(a.target, t.digest)
  left join layer_names l on l.repository = t.repository and l.digest = t.digest
  where not exists (select 1 from linked r where r.repository = t.repository and r.digest = t.digest)
  union all
  select f.repository, b.digest, 1 from former f join blobs b on b.digest = f.id and b.size <= 4194304
  join layer_names l on l.repository = f.repository and l.digest = f.digest
  join manifests m on m.digest = b.digest and coalesce(m.problem, '') <> 'invalid'
  where not exists (select 1 from linked r where r.repository = f.repository and r.digest = f.digest)
  union all
  select l.repository, b.digest, 1 from pinned p join sound_layers l on l.digest = p.digest and (p.repository is null or p.repository = l.repository)
  join blobs b on b.digest = l.target and b.size <= 4194304 join manifests m on m.digest = b.digest and m.problem is null
) x group by repository, digest

-- @loop members  And what these name as manifests: with a layer link, or as their parent is there.
select repository, digest, min(kind) as kind, bool_or(given) as given from (
  select repository, digest, kind, given from members
  union all
  select p.repository, b.digest, case when l.digest is not null then 1 else p.kind end, false
  from members p join manifest_references f on f.manifest = p.digest and f.is_manifest and f.role in ('layer', 'child')
  left join meanings a on a.repository = p.repository and a.digest = f.digest
  join blobs b on b.digest = coalesce(a.target, f.digest) and b.size <= 4194304
  join manifests m on m.digest = b.digest and coalesce(m.problem, '') <> 'invalid'
  left join layer_names l on l.repository = p.repository and l.digest = f.digest
  left join linked r on r.repository = p.repository and r.digest = f.digest
  left join members k on k.repository = p.repository and k.digest = b.digest and k.given and k.kind < 3
  where r.digest is null and k.digest is null and (l.digest is not null or p.kind >= 2)
) x group by repository, digest

-- @table named  What each manifest of a repository refers to, and the manifest or blob that it is stored as there.
select m.repository, m.digest as manifest, f.digest, f.role, f.size,
  case when k.digest is not null then f.digest else coalesce(a.target, f.digest) end as manifest_id, coalesce(a.target, f.digest) as id,
  n.digest is not null as linked, s.digest is not null as named_stored, b.digest is not null as stored, b.size as stored_size
from members m join manifest_references f on f.manifest = m.digest
left join members k on k.repository = m.repository and k.digest = f.digest
left join aliases a on a.repository = m.repository and a.digest = f.digest
left join layer_names n on n.repository = m.repository and n.digest = f.digest
left join blobs s on s.digest = f.digest
left join blobs b on b.digest = coalesce(a.target, f.digest)
where f.role <> 'subject'

-- @table lost_references  References by another algorithm of which no link tells what they are stored as, and what they say of its size.
select distinct n.repository, n.manifest, n.role = 'child' as is_child, n.size
from named n where n.role <> 'mention' and n.digest not like 'sha256:%' and not n.named_stored and (not n.stored or coalesce(n.size <> n.stored_size, true))

-- @table keeps  What a live manifest keeps alive among the manifests of its repository: what it names.
select distinct n.repository, n.manifest as keeper, k.digest as kept, k.kind = 3 as droppable
from named n join members k on k.repository = n.repository and k.digest = n.manifest_id
union
select n.repository, n.manifest, k.digest, k.kind = 3
from named n join meanings a on a.repository = n.repository and a.digest = n.digest
join members k on k.repository = n.repository and k.digest = a.target
union
select l.repository, l.manifest, k.digest, k.kind = 3
from lost_references l join blobs b on b.size = l.size join members k on k.repository = l.repository and k.digest = b.digest

-- @table anywhere  Pinned or young blobs: if they are manifests, they keep what they name, wherever that is (a push that has not come to its links).
-- named: somebody takes them for manifests, so that what they mention counts even where they are damaged.
select d.digest, bool_or(d.named) as named from (
  select p.digest, true as named from pinned p join blobs b on b.digest = p.digest
  union all select b.digest, false from blobs b cross join policy p where b.modified > p.cutoff and b.size <= 4194304
) d group by d.digest

-- @loop anywhere
select digest, bool_or(named) as named from (
  select digest, named from anywhere
  union all
  select b.digest, true from anywhere u join manifest_references f on f.manifest = u.digest
  join manifests m on m.digest = u.digest and (m.problem is null or u.named)
  left join meanings a on a.digest = f.digest and f.digest not like 'sha256:%'
  join blobs b on b.digest = f.digest or b.digest = a.target
  where f.role = 'child' or (f.role = 'mention' and b.size <= 4194304)
) u group by digest

-- @table kept_revisions  What repositories have as revisions and keep whatever the policy, with all that it may mean there: pinned, or young.
select distinct r.digest from linked r join blobs b on b.digest = r.digest cross join policy p left join pins q on q.digest = r.digest
where q.digest is not null or b.modified > p.cutoff

-- @table anywhere_references  What these refer to, with what a digest of another algorithm is stored as in any repository.
select f.digest, f.role, f.size, a.target, s.digest is not null as named_stored, b.digest is not null as stored, b.size as stored_size,
  exists (select 1 from kept_revisions r where r.digest = u.digest) as linked
from anywhere u join manifest_references f on f.manifest = u.digest and f.role <> 'subject'
join manifests m on m.digest = u.digest and (m.problem is null or u.named)
left join blobs s on s.digest = f.digest
left join (select distinct digest, target from meanings) a on a.digest = f.digest
left join blobs b on b.digest = a.target

-- @table anything  Whether one of these may be stored as any blob, and no repository keeps its manifest as a revision for sure: then all blobs stay.
select count(*) > 0 as kept from (
  select digest, role, size from anywhere_references where not linked and role <> 'mention' and digest not like 'sha256:%' and not named_stored
  group by digest, role, size having not coalesce(bool_or(stored and size = stored_size), false)
) x

-- @table lost_manifests  What an index may mean by such a reference, and what that names as manifests: of what cannot be read, all that it mentions.
select l.size, b.digest from (select distinct size from lost_references where is_child) l join blobs b on b.size = l.size and b.size <= 4194304

-- @loop lost_manifests
select size, digest from lost_manifests
union
select x.size, b.digest from lost_manifests x join manifest_references f on f.manifest = x.digest and f.role in ('child', 'mention')
left join (select distinct digest, target from meanings) a on a.digest = f.digest
join blobs b on (b.digest = f.digest or b.digest = a.target) and b.size <= 4194304

-- @table lost_names  What these name, with what a digest of another algorithm is stored as in any repository.
select x.size as said, x.digest as manifest, f.digest, f.role, f.size, a.target, s.digest is not null as named_stored, b.digest is not null as stored,
  b.size as stored_size, exists (select 1 from kept_revisions r where r.digest = x.digest) as linked
from lost_manifests x join manifest_references f on f.manifest = x.digest and f.role <> 'subject'
left join blobs s on s.digest = f.digest
left join (select distinct digest, target from meanings) a on a.digest = f.digest
left join blobs b on b.digest = a.target

-- @table meant_by_size  What a reference may mean that says this size, and is a child's or not: blobs of that size, linked or not, and what they name as manifests.
select l.size, l.is_child, b.digest from (select distinct size, is_child from lost_references) l join blobs b on b.size = l.size
union select said, true, digest from lost_names
union select said, true, target from lost_names where target is not null
union select x.said, true, b.digest from (
  select said from lost_names where not linked and role <> 'mention' and digest not like 'sha256:%' and not named_stored
  group by said, manifest, digest, role, size having not coalesce(bool_or(stored and size = stored_size), false)
) x cross join blobs b

-- @table kept_anyway  Blobs that something keeps which is known without following references: damage, a pin, or that it is young.
select digest from pinned
union select b.digest from blobs b cross join policy p where b.modified > p.cutoff
union select b.digest from blobs b cross join anything a where a.kept
union select digest from anywhere
union select digest from anywhere_references
union select target from anywhere_references where target is not null and not named_stored
union select l.target from sound_layers l join repositories r on r.repository = l.repository cross join policy p where r.held or l.modified > p.cutoff
union select l.digest from sound_layers l join repositories r on r.repository = l.repository where r.held
union select l.digest from damaged_layers l join repositories r on r.repository = l.repository cross join policy p where r.held or l.modified > p.cutoff
union select m.digest from members m join repositories r on r.repository = m.repository where r.held
union select n.id from named n join repositories r on r.repository = n.repository where r.held
union select m.digest from lost_references l join repositories r on r.repository = l.repository
  join meant_by_size m on m.size = l.size and m.is_child = l.is_child where r.held

-- @table lost_subjects  Manifests that name their subject by another algorithm's digest of which no link of their repository tells what it is stored as.
-- nowhere: nor does any other's. Not those that a layer link alone finds: the releases that find them so know no subjects.
select m.repository, m.digest as manifest, m.kind = 3 as droppable, f.digest, f.size, max(e.size) is null as nowhere
from members m join manifest_references f on f.manifest = m.digest and f.role = 'subject' and f.digest not like 'sha256:%'
left join blobs s on s.digest = f.digest
left join aliases a on a.repository = m.repository and a.digest = f.digest
left join blobs b on b.digest = a.target and b.size = f.size
left join meanings n on n.digest = f.digest
left join blobs e on e.digest = n.target and e.size = f.size
where m.kind <> 1 and s.digest is null and b.digest is null
group by m.repository, m.digest, m.kind, f.digest, f.size

-- @table subjects  What each manifest is about, or may be: by name, by the links of its repository, by those of others, or by the size where none of them tells.
select m.repository, m.digest as manifest, m.kind = 3 as droppable, f.digest as subject
from members m join manifest_references f on f.manifest = m.digest and f.role = 'subject' where m.kind <> 1
union
select m.repository, m.digest, m.kind = 3, a.target
from members m join manifest_references f on f.manifest = m.digest and f.role = 'subject'
join meanings a on a.repository = m.repository and a.digest = f.digest where m.kind <> 1
union
select l.repository, l.manifest, l.droppable, a.target from lost_subjects l join meanings a on a.digest = l.digest
union
select l.repository, l.manifest, l.droppable, b.digest from lost_subjects l join blobs b on b.size = l.size where l.nowhere

-- @table referrers  Manifests that are about another one live as long as that does in any repository. kept: it is known already that it does, or it may be
-- anything. What is gone counts as long as it has a revision.
select x.repository, x.manifest as digest, x.subject, x.droppable, k.digest is not null as kept
from subjects x left join blobs b on b.digest = x.subject left join kept_anyway k on k.digest = x.subject
where b.digest is not null or exists (select 1 from linked s where s.digest = x.subject)
union all
select repository, manifest, digest, droppable, true from lost_subjects where nowhere and size is null

-- @table dangling_tags  Tags whose manifest no link finds.
select t.repository, t.tag, t.digest, t.droppable, t.modified from named_tags t
left join linked r on r.repository = t.repository and r.digest = t.digest and not r.mismatched
left join layer_names n on n.repository = t.repository and n.digest = t.digest
left join aliases a on a.repository = t.repository and a.digest = t.digest
left join members m on m.repository = t.repository and m.digest = coalesce(a.target, t.digest)
where r.digest is null and (n.digest is null or m.digest is null)

-- @table live  The roots, one column for each variant of the policy.
select m.repository, m.digest,
  bool_or(r.as_is) as as_is, bool_or(r.with_delete_untagged) as with_delete_untagged,
  bool_or(r.with_drop_dangling_tags and m.kind <> 3) as with_drop_dangling_tags, bool_or(r.with_both and m.kind <> 3) as with_both
from members m join (
  select t.repository, case when k.digest is not null then t.digest else coalesce(a.target, t.digest) end as digest,
    true as as_is, true as with_delete_untagged, true as with_drop_dangling_tags, true as with_both
  from tags t left join members k on k.repository = t.repository and k.digest = t.digest
  left join aliases a on a.repository = t.repository and a.digest = t.digest where t.digest is not null
  union all select repository, digest, true, false, true, false from linked
  -- With a dangling tag goes the history that tells these from layers.
  union all select f.repository, k.digest, true, false, d.digest is null, false from former f
    join members k on k.repository = f.repository and k.kind = 1 and (k.digest = f.id or k.digest = f.digest)
    left join dangling_tags d on d.repository = f.repository and d.tag = f.tag and d.droppable
  union all select r.repository, r.digest, true, true, true, true from linked r cross join policy p where not r.mismatched and r.modified > p.cutoff
  union all select r.repository, r.digest, true, true, true, true from linked r join blobs b on b.digest = r.digest cross join policy p where b.modified > p.cutoff
  union all select k.repository, k.digest, true, true, true, true from members k join pinned p on p.digest = k.digest
    and (p.repository is null or p.repository = k.repository)
  -- What `docker inspect` prints as an image's ID is its config's digest.
  union all select c.repository, c.manifest, true, true, true, true from (
      select repository, manifest, digest from named where role = 'config'
      union all select n.repository, n.manifest, a.target from named n
      join meanings a on a.repository = n.repository and a.digest = n.digest where n.role = 'config'
    ) c join pinned p on p.digest = c.digest and (p.repository is null or p.repository = c.repository)
  union all select repository, digest, true, true, true, true from referrers where kept
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
  union all
  select f.repository, f.digest, l.as_is, l.with_delete_untagged, l.with_drop_dangling_tags and not f.droppable, l.with_both and not f.droppable
  from referrers f join live l on l.digest = f.subject
  union all
  select f.repository, f.digest, l.as_is, l.with_delete_untagged, l.with_drop_dangling_tags and not f.droppable, l.with_both and not f.droppable
  from referrers f join named n on n.id = f.subject join live l on l.repository = n.repository and l.digest = n.manifest
  union all
  select f.repository, f.digest, l.as_is, l.with_delete_untagged, l.with_drop_dangling_tags and not f.droppable, l.with_both and not f.droppable
  from referrers f join meant_by_size m on m.digest = f.subject join lost_references r on r.size = m.size and r.is_child = m.is_child
  join live l on l.repository = r.repository and l.digest = r.manifest
) step
group by repository, digest

-- @table marks  The same with the repositories that damage holds: these keep all their manifests, whatever the policy.
select m.repository, m.digest, coalesce(l.as_is, false) as as_is, coalesce(l.with_delete_untagged, false) as with_delete_untagged,
  coalesce(l.with_drop_dangling_tags, false) as with_drop_dangling_tags, coalesce(l.with_both, false) as with_both, r.held
from members m join repositories r on r.repository = m.repository
left join live l on l.repository = m.repository and l.digest = m.digest
where r.held or l.as_is or l.with_delete_untagged or l.with_drop_dangling_tags or l.with_both

-- @table lost  Repositories with a live reference by another algorithm of which no link tells what it is stored as: all that their layer links name may be it.
select k.repository, bool_or(k.as_is) as as_is, bool_or(k.with_delete_untagged) as with_delete_untagged,
  bool_or(k.with_drop_dangling_tags) as with_drop_dangling_tags, bool_or(k.with_both) as with_both, bool_or(k.held) as held
from lost_references n join marks k on k.repository = n.repository and k.digest = n.manifest
group by k.repository

-- @table needs  What the live manifests of each repository need, by name and as it is stored.
select repository, digest, bool_or(as_is) as as_is, bool_or(with_delete_untagged) as with_delete_untagged,
  bool_or(with_drop_dangling_tags) as with_drop_dangling_tags, bool_or(with_both) as with_both, bool_or(held) as held
from (
  select repository, digest, as_is, with_delete_untagged, with_drop_dangling_tags, with_both, held from marks
  union all
  select k.repository, n.digest, k.as_is, k.with_delete_untagged, k.with_drop_dangling_tags, k.with_both, k.held
  from named n join marks k on k.repository = n.repository and k.digest = n.manifest
  union all
  select k.repository, a.target, k.as_is, k.with_delete_untagged, k.with_drop_dangling_tags, k.with_both, k.held
  from named n join meanings a on a.repository = n.repository and a.digest = n.digest
  join marks k on k.repository = n.repository and k.digest = n.manifest
  union all
  select l.repository, x.digest, l.as_is, l.with_delete_untagged, l.with_drop_dangling_tags, l.with_both, l.held
  from lost l join (
    select repository, digest from sound_layers union select repository, target from sound_layers union select repository, digest from damaged_layers
  ) x on x.repository = l.repository
  union all
  -- Or what has the size, if one is said.
  select l.repository, m.digest, k.as_is, k.with_delete_untagged, k.with_drop_dangling_tags, k.with_both, k.held
  from lost_references l join marks k on k.repository = l.repository and k.digest = l.manifest
  join meant_by_size m on m.size = l.size and m.is_child = l.is_child
  union all
  -- The link by which a subject is found under another name.
  select k.repository, f.digest, k.as_is, k.with_delete_untagged, k.with_drop_dangling_tags, k.with_both, k.held
  from marks k join manifest_references f on f.manifest = k.digest and f.role = 'subject'
  join aliases a on a.repository = k.repository and a.digest = f.digest
  union all
  -- A pin's own link: without it nobody gets the blob, and the next run would not know what a pin by another algorithm means.
  select l.repository, l.digest, true, true, true, true, false from sound_layers l join pins p on p.digest = l.digest
  union all
  -- The link by which a tag finds its manifest under another name.
  select k.repository, t.digest, k.as_is, k.with_delete_untagged, k.with_drop_dangling_tags, k.with_both, k.held
  from (select repository, digest from tags where digest is not null union select repository, digest from former) t
  join aliases a on a.repository = t.repository and a.digest = t.digest
  join marks k on k.repository = t.repository and k.digest = a.target
) n
group by repository, digest

-- @table links  Each sound layer link with what needs it. Where all is held, its age only tells whether its blob may just have been pushed.
select l.repository, l.digest, l.target, r.held, (not r.held or b.digest is null) and l.modified is not null and l.modified > p.cutoff as young, b.digest is not null as stored, b.size,
  coalesce(n.as_is, false) as as_is, coalesce(n.with_delete_untagged, false) as with_delete_untagged,
  coalesce(n.with_drop_dangling_tags, false) as with_drop_dangling_tags, coalesce(n.with_both, false) as with_both
from sound_layers l join repositories r on r.repository = l.repository cross join policy p
left join needs n on n.repository = l.repository and n.digest = l.digest
left join blobs b on b.digest = l.target

-- @table blob_marks  Liveness of a blob is the union over all repositories.
select digest, bool_or(as_is) as as_is, bool_or(with_delete_untagged) as with_delete_untagged,
  bool_or(with_drop_dangling_tags) as with_drop_dangling_tags, bool_or(with_both) as with_both, bool_or(held) as held
from (
  select digest, as_is, with_delete_untagged, with_drop_dangling_tags, with_both, held from needs
  union all select l.digest, false, false, false, false, true from sound_layers l join repositories r on r.repository = l.repository where r.held
  union all select l.target, false, false, false, false, true from sound_layers l join repositories r on r.repository = l.repository where r.held
  union all select l.digest, false, false, false, false, true from damaged_layers l join repositories r on r.repository = l.repository where r.held
  union all select target, true, true, true, true, false from links where young
  union all select d.digest, true, true, true, true, false from damaged_layers d join repositories r on r.repository = d.repository cross join policy p
    where not r.held and d.modified > p.cutoff
  union all select digest, true, true, true, true, false from pinned
  union all select digest, true, true, true, true, false from anywhere
  union all select digest, true, true, true, true, false from anywhere_references
  union all select target, true, true, true, true, false from anywhere_references where target is not null and not named_stored
) m
group by digest

-- @table owners  Which repositories name a blob by a sound link or as a manifest.
select distinct repository, digest from (
  select repository, target as digest from sound_layers
  union all select repository, digest from members
) o

-- @table blob_verdicts  Each stored blob: who has it, and in which variants it is garbage.
select b.digest, b.size, b.modified, o.repository, coalesce(o.repositories, 0) as repositories, coalesce(m.held, false) as held,
  not coalesce(m.as_is or m.held, false) and b.modified <= p.cutoff and not a.kept as as_is,
  not coalesce(m.with_delete_untagged or m.held, false) and b.modified <= p.cutoff and not a.kept as with_delete_untagged,
  not coalesce(m.with_drop_dangling_tags or m.held, false) and b.modified <= p.cutoff and not a.kept as with_drop_dangling_tags,
  not coalesce(m.with_both or m.held, false) and b.modified <= p.cutoff and not a.kept as with_both
from blobs b cross join policy p cross join anything a
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
  from linked x join repositories r on r.repository = x.repository
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
select n.*, m.kind as member_kind,
  n.digest not like 'sha256:%' and not n.named_stored and (not n.stored or n.size <> n.stored_size) as is_lost
from named n join marks k on k.repository = n.repository and k.digest = n.manifest
left join members m on m.repository = n.repository and m.digest = n.id
where n.role <> 'mention' and (k.{selected} or k.held)

-- @table findings_by_sql  Of the codes that follow from the tables; the exported findings have the others too.
select 'blob-unreferenced' as code, repository, nullif('', '') as tag, digest, size as bytes from blob_verdicts where {selected}
union all
select 'manifest-unreferenced', x.repository, null, x.digest, b.size
from linked x join repositories r on r.repository = x.repository join blobs b on b.digest = x.digest
left join live l on l.repository = x.repository and l.digest = x.digest
where not r.held and not coalesce(l.{untagged}, false)
union all
select 'tag-dangling', t.repository, t.tag, t.digest, null from dangling_tags t cross join policy p
where not coalesce(t.modified > p.as_of, false)
union all
select 'layer-link-unreferenced', repository, null, digest, size from links where stored and not young and not held and not {selected}
union all
select 'layer-link-dangling', repository, null, digest, null from links where not stored and not young and not {selected}
union all
select 'child-missing', repository, null, digest, null from checked_references
where role = 'child' and (not linked or member_kind is not null) and (member_kind is null or member_kind >= 2) group by repository, digest
union all
select 'layer-link-missing', repository, null, digest, null from checked_references
where not (role = 'child' and (not linked or member_kind is not null)) and is_lost and id = digest and not linked and role <> 'foreign-layer'
group by repository, digest
union all
select case when not stored then 'blob-missing' when not linked then 'layer-link-missing' else 'blob-size-mismatch' end, repository, null, id, max(coalesce(size, stored_size))
from checked_references
where not (role = 'child' and (not linked or member_kind is not null)) and not (is_lost and id = digest)
  and (not stored or not linked or (size <> stored_size and id = digest)) and not (role = 'foreign-layer' and (not stored or not linked))
group by repository, id, stored, linked
union all
select 'revision-link-missing', m.repository, null, m.digest, null from members m join (
  select t.repository, case when k.digest is not null then t.digest else coalesce(a.target, t.digest) end as digest
  from tags t left join members k on k.repository = t.repository and k.digest = t.digest
  left join aliases a on a.repository = t.repository and a.digest = t.digest where t.digest is not null
  union
  select repository, manifest_id from checked_references where role = 'child'
) n on n.repository = m.repository and n.digest = m.digest
where m.kind = 1
union all
select 'referrer-orphaned', t.repository, t.tag, t.digest, null from (
  select repository, tag, digest, regexp_extract(tag, '^sha256-([0-9a-f]{64})([.](sig|att|sbom))?$', 1) as subject from tags where digest is not null
) t where t.subject <> '' and not exists (select 1 from members m where m.digest = concat('sha256:', t.subject))
union all
select 'referrer-orphaned', r.repository, null, r.digest, null from linked r join manifest_references f on f.manifest = r.digest and f.role = 'subject'
where not exists (select 1 from members m where m.digest = f.digest)
  and not exists (select 1 from meanings a join members m on m.digest = a.target where a.digest = f.digest)
  and not exists (select 1 from subjects s join members m on m.digest = s.subject where s.repository = r.repository and s.manifest = r.digest)
  and not exists (select 1 from lost_subjects l where l.repository = r.repository and l.manifest = r.digest and l.nowhere and l.size is null)
union all
select 'tag-index-dangling', f.repository, f.tag, f.digest, null from former f
left join marks k on k.repository = f.repository and k.digest = f.id
where not coalesce(k.held or k.{selected}, false)
union all
select 'tag-index-dangling', h.repository, h.tag, h.digest, null from tag_history h
join tags t on t.repository = h.repository and t.tag = h.tag
left join lost_tags o on o.repository = h.repository and o.tag = h.tag
left join former f on f.repository = h.repository and f.tag = h.tag and f.digest = h.digest
where o.tag is null and t.digest <> h.digest and f.digest is null
