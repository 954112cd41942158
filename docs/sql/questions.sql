-- What operators ask most, on the tables of an export. SQL that DuckDB and Spark run as it is.
-- Each "@table NAME" answers a question; words in braces are to be replaced.

-- @table grown  Which repositories have grown since an earlier export?  repositories_before: the table repositories of that one.
select n.repository, n.bytes - coalesce(b.bytes, 0) as grown, n.bytes, n.tags - coalesce(b.tags, 0) as more_tags
from repositories n left join repositories_before b on b.repository = n.repository
where n.bytes <> coalesce(b.bytes, 0)
order by grown desc, n.repository

-- @table pushed  Which repositories were pushed to in the last seven days before the export, and how much is new in them?
select l.repository, count(*) as new_layers, sum(b.size) as bytes, max(l.modified) as last_push
from layer_links l join blobs b on b.digest = l.target cross join policy p
where l.modified > p.cutoff - interval '7' day and b.modified > p.cutoff - interval '7' day
group by l.repository
order by bytes desc, l.repository

-- @table base_layers  Which layers do most images share, and what do they take? images counts manifests, repositories those that have one with it.
select f.digest, b.size, count(distinct f.manifest) as images, count(distinct r.repository) as repositories
from manifest_references f
join blobs b on b.digest = f.digest
join revisions r on r.digest = f.manifest
where f.role = 'layer'
group by f.digest, b.size
having count(distinct f.manifest) > 1
order by b.size * count(distinct f.manifest) desc, f.digest

-- @table team_frees  What would be free if all repositories of a team went? {team} is its repositories' prefix, such as team/ (or a whole name).
select count(*) as blobs, coalesce(sum(b.size), 0) as bytes
from blobs b
join (
  select digest, bool_and(substr(repository, 1, length('{team}')) = '{team}') as only_here from (
    select repository, digest from revisions
    union select repository, target from layer_links where target is not null
    union select repository, digest from tags where digest is not null
  ) o group by digest
) o on o.digest = b.digest
where o.only_here

-- @table unsigned  Which tagged images have no signature: neither a referrer nor a tag of cosign's, in any repository?
select t.repository, t.tag, t.digest, t.modified as pushed
from tags t join manifests m on m.digest = t.digest and m.problem is null
where not exists (select 1 from manifest_references f where f.digest = t.digest and f.role = 'subject')
  and not exists (select 1 from tags s where s.tag = concat(replace(t.digest, ':', '-'), '.sig'))
  and regexp_extract(t.tag, '^sha256-[0-9a-f]{64}', 0) = ''
  and not exists (select 1 from manifest_references f where f.manifest = t.digest and f.role = 'subject')
order by t.repository, t.tag

-- @table unpulled  What would a pull miss, by team? A repository's first component counts as its team.
select regexp_extract(repository, '^[^/]+', 0) as team, code, count(*) as findings, count(distinct repository) as repositories
from findings where severity = 'error' and repository is not null
group by regexp_extract(repository, '^[^/]+', 0), code
order by findings desc, team, code

-- @table old_garbage  How much garbage is how old?
select case when b.modified > p.cutoff - interval '7' day then 'a week' when b.modified > p.cutoff - interval '30' day then 'a month'
  when b.modified > p.cutoff - interval '365' day then 'a year' else 'older' end as age, count(*) as blobs, sum(b.size) as bytes
from findings f join blobs b on b.digest = f.digest cross join policy p
where f.code = 'blob-unreferenced'
group by case when b.modified > p.cutoff - interval '7' day then 'a week' when b.modified > p.cutoff - interval '30' day then 'a month'
  when b.modified > p.cutoff - interval '365' day then 'a year' else 'older' end
order by bytes desc
