import type { FindingCode } from "../mark/finding.js";
import type { Severity } from "./severity.js";

/** What people are told of a code, the same in each case. */
export interface CodeWords {
  readonly severity: Severity;
  /** The severity of those findings that the selected policy lets a sweep take, where that differs. */
  readonly severityIfReclaimable?: Severity;
  /** What it means, for people who do not know the code. */
  readonly meaning: string;
  /** What it means for a pull, and what to do. */
  readonly remedy: string;
  /** The remedy has something deleted by hand, which is said with its path: the directory that the finding's file lies in. */
  readonly deletes?: true;
}

/** A registry that caches blob descriptors tells clients of blobs and links that are gone: these skip the upload, and nothing is repaired. */
const PUSH_AGAIN = "restart the registry (and empty its Redis cache, if it has one) and push the image again";

/** Tried on 2.8 and 3.1: a DELETE through the API takes a link away and leaves the file, which no push of the same content replaces. */
const DELETE_BLOB = `delete the blob's directory, whose path is with each finding (a DELETE through the API leaves it: a push then mends nothing), ${PUSH_AGAIN}`;

/** Severity, meaning and remedy of each code. */
export const CODE_WORDS: Readonly<Record<FindingCode, CodeWords>> = {
  "storage-unreadable": {
    severity: "error",
    meaning: "a path could not be listed or read",
    remedy:
      "What it references is unknown, so nothing may be swept. Mend the cause (permissions, disk, network) and run regcheck again.",
  },
  "manifest-missing": {
    severity: "error",
    meaning: "a revision link names a manifest whose blob is not stored",
    remedy: `Pulls of it fail. To repair it, ${PUSH_AGAIN}. If nobody has the image: delete the revision's directory, whose path is with each finding, and its tags with regcheck untag.`,
    deletes: true,
  },
  "manifest-corrupt": {
    severity: "error",
    meaning: "a manifest's content does not hash to its digest",
    remedy: `Pulls of it fail or are refused by the client. Restore the blob from a backup; or ${DELETE_BLOB}.`,
    deletes: true,
  },
  "manifest-invalid": {
    severity: "error",
    meaning: "a manifest that the registry does not read, or takes no push of: its references are unknown",
    remedy:
      "Pulls of it fail. Delete the manifest by digest through the API, which takes its tags along; then push the image again. A push alone leaves it there.",
  },
  "revision-link-invalid": {
    severity: "error",
    meaning: "a revision link is empty or malformed",
    remedy:
      "Pulls by this digest fail, and the registry's own collector aborts. regcheck repair revision-link-invalid rewrites the link, and so does a push of the image.",
  },
  "tag-link-invalid": {
    severity: "error",
    meaning: "a tag's current/link is empty, malformed or oversized",
    remedy:
      "Pulls of the tag fail. A push of the tag rewrites the link, and so does regcheck repair tag-link-invalid if the tag's index has one entry only.",
  },
  "tag-without-current": {
    severity: "error",
    severityIfReclaimable: "warning",
    meaning: "a tag's directory has no current/link",
    remedy:
      "The tag is listed, but can be neither pulled nor deleted. A push of the tag writes the link, and so does regcheck repair tag-without-current if the tag's index has one entry only.",
  },
  "tag-dangling": {
    severity: "error",
    meaning: "a tag names a manifest that has no revision link in the repository",
    remedy:
      "Pulls of the tag fail with 'manifest unknown'. Push the image again, or run regcheck repair tag-dangling if it is recoverable; or remove the tag (--drop-dangling-tags).",
  },
  "blob-missing": {
    severity: "error",
    meaning: "a config or layer of a live manifest is not stored",
    remedy: `Pulls fail with 'blob unknown'. To repair it, ${PUSH_AGAIN}, from a machine that has it.`,
  },
  "object-archived": {
    severity: "error",
    meaning: "an object that pulls need is in an archive storage class, or tier, of S3",
    remedy:
      "Pulls of it fail (InvalidObjectState). Restore it (s3:RestoreObject), then copy it onto itself with a class that is read at once; and take the registry's prefix out of the bucket's lifecycle rule, or Intelligent-Tiering configuration, that has moved it.",
  },
  "blob-unreadable": {
    severity: "error",
    meaning: "the owner of most blobs, by whom the registry is run, may not read a blob that pulls need",
    remedy:
      "Pulls of it fail: the registry answers 500 for a manifest, and breaks off a layer before its first byte. It says that the blob is there, so a push mends nothing. Give the file the owner of the others (chown) and a mode that this one may read (chmod 644).",
  },
  "proxy-state-invalid": {
    severity: "error",
    meaning: "scheduler-state.json, which a pull-through cache reads when it starts, is not what it writes",
    remedy:
      "The registry does not start as a pull-through cache: it panics. Stop it, and remove the file: the registry begins a new one, and what it has cached so far is not expired by itself any more.",
  },
  "blob-corrupt": {
    severity: "error",
    meaning: "a blob's content does not hash to its digest",
    remedy: `Pulls fail when the client verifies. Restore the blob from a backup; or ${DELETE_BLOB}.`,
    deletes: true,
  },
  "blob-size-mismatch": {
    severity: "error",
    meaning: "a stored blob has another size than the manifest says, and is not known to be sound",
    remedy: `Pulls fail when the client verifies. Restore the blob from a backup; or ${DELETE_BLOB}.`,
    deletes: true,
  },
  "layer-link-missing": {
    severity: "error",
    meaning: "a blob that a live manifest needs is stored, but the repository has no layer link for it",
    remedy: `Pulls fail with 'blob unknown'. regcheck repair layer-link-missing writes the link of a sha256 digest; or ${PUSH_AGAIN}.`,
  },
  "layer-link-invalid": {
    severity: "error",
    meaning: "a layer link is empty or malformed",
    remedy: `Pulls and pushes of images with this layer fail. regcheck repair layer-link-invalid rewrites the link of a sha256 digest; or delete its directory, whose path is with each finding, ${PUSH_AGAIN}.`,
    deletes: true,
  },
  "link-mismatch": {
    severity: "error",
    meaning: "a link's content is not the digest that its path says, or a tag's link none that its index lists",
    remedy: `The registry follows the content of a revision, layer or tag link: pulls get something else than they asked for. Find out who wrote it; delete its directory, whose path is with each finding, ${PUSH_AGAIN}.`,
    deletes: true,
  },
  "bucket-expires": {
    severity: "warning",
    meaning: "a lifecycle rule of the bucket is going to delete blobs or links that pulls need",
    remedy:
      "Pulls fail from then on: what is in use gets no younger. Take the registry's prefix out of the rule, or remove the rule (aws s3api get-bucket-lifecycle-configuration --bucket BUCKET shows it). If it is meant for unfinished uploads, a rule with AbortIncompleteMultipartUpload, or a sweep with --purge-uploads, takes those alone.",
  },
  "manifest-size-wrong": {
    severity: "warning",
    meaning: "a manifest says another size of a blob than it has, and the blob is sound",
    remedy:
      "Clients that compare sizes refuse the image, others pull it. Do not delete the blob: it is what its digest says. Build the image anew, with a builder that counts right, and push it.",
  },
  "child-missing": {
    severity: "warning",
    meaning: "a child of an index is absent in the repository",
    remedy: "Pulls for that platform fail. Legal for sparse indexes; otherwise push the index again with all its platforms.",
  },
  "revision-link-missing": {
    severity: "warning",
    meaning: "a manifest that a tag or an index names has a layer link, but no revision link",
    remedy:
      "Registry 2.x finds it by its layer link, as 2.1.0 wrote it; 3.x answers 'manifest unknown'. regcheck repair revision-link-missing writes the link, and so does a push of the image.",
  },
  "tag-name-invalid": {
    severity: "warning",
    meaning: "a tag's name is outside the grammar",
    remedy:
      "The registry lists it, but cannot serve it; where its name has other characters than letters, digits and . _ - it answers 500 when a manifest of this repository is deleted, and its own collector with --delete-untagged aborts. It is kept, never swept; remove the directory by hand if nobody needs it.",
  },
  "stray-among-tags": {
    severity: "warning",
    meaning: "something that is no tag lies among a repository's tags",
    remedy:
      "The registry lists it as a tag, answers 500 when a manifest of this repository is deleted, and its own collector with --delete-untagged aborts. It is kept, never swept; remove it by hand. Where it has a name that a tag may have, it may be what is left of one: until it is gone, nothing of its repository is swept.",
  },
  "stray-stops-registry": {
    severity: "warning",
    meaning: "a key that ends with a slash, or has two in a row, lies where the registry looks for uploads",
    remedy:
      "Consoles make such keys for folders. Registry 2.x goes down with a panic within an hour of each start, when it purges uploads (https://github.com/distribution/distribution/issues/4358). No pull needs it. It is kept, never swept; delete this key alone, by its whole name, or set storage.maintenance.uploadpurging.enabled to false.",
  },
  "stray-aborts-collector": {
    severity: "warning",
    meaning: "a file outside the registry's layout has the name of a blob's or a link's",
    remedy: "The registry's own collector aborts on it. No pull needs it. It is kept, never swept; remove it by hand.",
  },
  "repository-name-invalid": {
    severity: "warning",
    meaning: "a repository's name is outside the grammar",
    remedy: "The registry cannot serve it, and its own collector aborts. It is kept, never swept; rename or remove it by hand.",
  },
  "layer-link-dangling": {
    severity: "warning",
    meaning: "a layer link's blob is gone",
    remedy:
      "No live image needs it. While the registry's cache still knows the blob, clients skip its upload: restart the registry before such an image is pushed. A sweep removes the link.",
  },
  "blob-unreferenced": {
    severity: "garbage",
    meaning: "a blob that no live manifest needs",
    remedy: "No pull needs it. A sweep removes it.",
  },
  "layer-link-unreferenced": {
    severity: "garbage",
    meaning: "a layer link that no live manifest of its repository needs",
    remedy: "No pull needs it. A sweep removes it.",
  },
  "tag-index-dangling": {
    severity: "garbage",
    meaning: "an entry of a tag's history names a manifest that is gone, or that goes",
    remedy: "No pull reads it, but it slows the registry's own walks. A sweep removes it.",
  },
  "upload-stale": {
    severity: "garbage",
    meaning: "an upload is abandoned: it was started longer ago than --uploads-older-than (168h)",
    remedy: "Nobody will finish it. A sweep with --purge-uploads removes it.",
  },
  "multipart-stale": {
    severity: "garbage",
    meaning: "an S3 multipart upload is abandoned: it was started longer ago than --uploads-older-than (168h)",
    remedy:
      "It is billed and invisible to listings. A sweep with --purge-uploads aborts it; better, give the bucket a lifecycle rule.",
  },
  "manifest-unreferenced": {
    severity: "info",
    severityIfReclaimable: "garbage",
    meaning: "a manifest has no tag, no parent and no live subject",
    remedy: "It can still be pulled by digest. With --delete-untagged it is garbage, unless --keep names it.",
  },
  "repository-empty": {
    severity: "info",
    severityIfReclaimable: "garbage",
    meaning: "a repository has neither tags nor manifests, or none that stay",
    remedy: "It is still listed in the catalog. A sweep with --prune-empty removes it.",
  },
  "manifest-version-bound": {
    severity: "info",
    meaning: "a manifest that one version of the registry serves, and another does not",
    remedy: "Before you change to the other version, build the image anew and push it, or delete the manifest.",
  },
  "referrer-orphaned": {
    severity: "info",
    meaning: "a signature, attestation or other referrer is about a manifest that is gone",
    remedy: "Nothing pulls it any more. Remove the tag if you do not need the record.",
  },
  "truth-elsewhere": {
    severity: "info",
    meaning: "something else than the storage decides what is live",
    remedy:
      "What is garbage cannot be told from the storage: no figure of it is given. Use the garbage collection of what decides: GitLab's (if its database is off, say database.enabled: false in the registry's config), Harbor's (Clean Up), OpenShift's (oc adm prune images); a pull-through cache fetches and deletes by itself. What is damaged is as true as anywhere.",
  },
  "tags-elsewhere": {
    severity: "info",
    meaning: "there are manifests, but not one tag in the whole registry",
    remedy:
      "Whether a manifest is in use cannot be told from its tags. Where are they kept? OpenShift has them in etcd, GitLab and Harbor in a database. --delete-untagged is refused, unless --keep names a digest that is stored.",
  },
  "upload-idle": {
    severity: "info",
    meaning: "an upload is older than the grace time, but not yet old enough to count as abandoned",
    remedy:
      "Its bytes are in no image. If nobody will finish it, a sweep with --purge-uploads and a shorter --uploads-older-than (24h) removes it.",
  },
  "upload-active": {
    severity: "info",
    meaning: "an upload is younger than the grace time",
    remedy:
      "Somebody may be pushing: a sweep leaves its repository as it is, and is refused unless a registry was asked and nobody can push, until it is finished or older than --grace. If nobody is, as with one that is dated in the future, remove its directory.",
  },
  "stray-object": {
    severity: "info",
    meaning: "a path outside the registry's layout",
    remedy: "The registry does not know it. It is kept, never swept; remove it by hand if nobody needs it.",
  },
};
