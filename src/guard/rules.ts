/** The rules that a sweep must pass, in the order in which they are asked, and what each of them demands. README's table is checked against it. */
export const RULES = {
  "scan-complete": "everything could be read: what cannot be read may need anything",
  "no-writers":
    "every `--registry-url`, and the address in the config, answers as read-only and has the newest tags of this storage; or `--registry-stopped` is given and nobody answers. Asked before the mark, before the first delete, and every 30 seconds",
  "no-proxy": "it is no pull-through cache, which writes even when it is read-only",
  "no-database":
    "nothing else decides what is live: the database of GitLab or Harbor, or OpenShift, by the config, its variables or the storage",
  "has-tags": "with `--delete-untagged`: there is a tag in the registry, or a digest of `--keep` is stored",
  "has-repositories": "there are repositories, and blobs: the storage is whole and the root is right",
  "uploads-listed": "with `--purge-uploads`: unfinished multipart uploads of S3 could be listed",
  "no-active-uploads":
    "no upload is younger than `--grace`, unless a registry was asked and nobody can push: then uploads stay, with all of their repositories",
  "max-delete": "no more than `--max-delete` of the blobs go (50 %)",
  "links-unchanged": "all links are as they were marked, read again just before the first delete",
  "can-be-recorded":
    "the journal can be written (`--journal-dir`), and with `--quarantine` what goes can be moved aside on the same device and mount",
  "one-at-a-time":
    "no other regcheck is at work: there is a lock in the storage, read again before the first delete and every 30 seconds",
} as const satisfies Readonly<Record<string, string>>;

/** The rules that a policy file must pass besides those, before a tag goes by it. */
export const RETENTION_RULES = {
  "keep-policies-used": "every Keep policy selects a tag somewhere: a slip in one deletes. `--allow-unused` allows it",
  "max-untag": "no more than `--max-untag` of all tags that are judged go (50 %)",
  "last-tags": "every repository keeps a tag. `--allow-empty` allows it",
  "push-times":
    "where a policy goes by time, no repository from which a tag goes had more than 80 % of its tags, of five images or more, written within one hour; nor had the whole registry, with several images of that hour in such a repository: that is a storage which was restored or copied",
} as const satisfies Readonly<Record<string, string>>;
export type RuleName = keyof typeof RULES | keyof typeof RETENTION_RULES;
