-- The listing half of an export, from an S3 Inventory: SQL that DuckDB and Spark run as it is.
-- In:  inventory(key, size, last_modified_date, e_tag):  current versions that are no delete markers; keys decoded (in CSV they are URL-encoded), from
-- docker/registry/v2/ on.
-- A link is believed where its ETag is the MD5 of what its path says. All others (other algorithms, SSE-KMS, damage) are in  unproven, to be read.

-- @table parsed
select key, size, last_modified_date as modified, e_tag,
  regexp_extract(key, '^blobs/(sha256|sha384|sha512)/[0-9a-f][0-9a-f]/([0-9a-f]+)/data$', 1) as blob_algorithm,
  regexp_extract(key, '^blobs/(sha256|sha384|sha512)/[0-9a-f][0-9a-f]/([0-9a-f]+)/data$', 2) as blob_hex,
  regexp_extract(key, '^repositories/(([^_/][^/]*/)*[^_/][^/]*)/(_layers|_manifests|_uploads)/', 1) as repository,
  regexp_extract(key, '^repositories/([^_/][^/]*/)+(_layers|_manifests/revisions)/(sha256|sha384|sha512)/([0-9a-f]+)/link$', 2) as section,
  regexp_extract(key, '^repositories/([^_/][^/]*/)+(_layers|_manifests/revisions)/(sha256|sha384|sha512)/([0-9a-f]+)/link$', 4) as link_hex,
  regexp_extract(key, '^repositories/([^_/][^/]*/)+_manifests/tags/([^/]+)/(current|index/sha256/[0-9a-f]+)/link$', 2) as tag,
  regexp_extract(key, '^repositories/([^_/][^/]*/)+_manifests/tags/([^/]+)/index/sha256/([0-9a-f]+)/link$', 3) as index_hex
from inventory

-- @table blobs
select concat(blob_algorithm, ':', blob_hex) as digest, size, modified from parsed where blob_hex <> ''

-- @table revisions
select repository, concat('sha256:', link_hex) as digest, concat('sha256:', link_hex) as target, modified from parsed
where section = '_manifests/revisions' and size = 71 and e_tag = md5(concat('sha256:', link_hex))

-- @table layer_links
select repository, concat('sha256:', link_hex) as digest, concat('sha256:', link_hex) as target, modified from parsed
where section = '_layers' and size = 71 and e_tag = md5(concat('sha256:', link_hex))

-- @table tag_history
select repository, tag, concat('sha256:', index_hex) as digest from parsed where tag <> '' and index_hex <> ''

-- @table tags
select c.repository, c.tag, i.digest, regexp_extract(c.tag, '^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$', 0) <> '' and length(c.tag) <= 128 as valid_name, c.modified
from parsed c left join tag_history i on i.repository = c.repository and i.tag = c.tag and md5(i.digest) = c.e_tag
where c.tag <> '' and c.index_hex = ''

-- @table unproven
select p.key from parsed p left join tags t on t.repository = p.repository and t.tag = p.tag and p.index_hex = ''
where (p.link_hex <> '' and (p.size <> 71 or p.e_tag <> md5(concat('sha256:', p.link_hex))))
   or (p.tag <> '' and p.index_hex <> '' and (p.size <> 71 or p.e_tag <> md5(concat('sha256:', p.index_hex))))
   or (p.tag <> '' and p.index_hex = '' and t.digest is null)

-- @table strays
select key from parsed where blob_hex = '' and link_hex = '' and tag = '' and not key like '%/_uploads/%'
