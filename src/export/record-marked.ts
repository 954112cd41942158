import type { Marked } from "../mark/marked.js";
import { DIGEST_WORDS } from "../registry/digest.js";
import { jsonFinding } from "../report/json.js";
import type { Report } from "../report/report.js";
import { DigestText } from "./digest-text.js";
import type { Tables } from "./tables-writer.js";

/** Writes what is known when all is marked: the blobs, in the order of their digests, and what the report says. */
export function recordMarked(tables: Tables, marked: Marked, report: Report): void {
  recordBlobs(tables, marked);
  recordRepositories(tables, marked, report);
  const digests = new DigestText();
  for (const digest of report.policy.pins) tables.pins.add({ digest: digests.of(digest) });
  for (const finding of report.findings()) {
    const { uploadId, rule: _, new: isNew, ...columns } = jsonFinding(finding);
    tables.findings.add({ ...columns, new: isNew, upload_id: uploadId });
  }
}

function recordBlobs(tables: Tables, { table }: Marked): void {
  const digests = new DigestText();
  const words = new Uint32Array(DIGEST_WORDS.sha512);
  table.forEach((id, size, modified) => {
    table.copyWords(id, words, 0);
    tables.blobs.add({ digest: digests.ofWords(table.algorithm(id), words, 0), size, modified });
  });
}

function recordRepositories(tables: Tables, marked: Marked, report: Report): void {
  const held = new Set(marked.repositories.flatMap(({ name, heldBlobs }) => (heldBlobs === undefined ? [] : [name])));
  for (const repository of report.repositories) {
    const { name, tags, revisions, layerLinks, bytes, exclusiveBytes, reclaimableBytes, heldBytes, findings } = repository;
    tables.repositories.add({
      repository: name,
      held: held.has(name),
      tags,
      revisions,
      layer_links: layerLinks,
      bytes,
      exclusive_bytes: exclusiveBytes,
      reclaimable_bytes: reclaimableBytes,
      held_bytes: heldBytes,
      findings: Object.values(findings).reduce((sum, count) => sum + count, 0),
    });
  }
}
