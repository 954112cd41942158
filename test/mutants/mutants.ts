/** A change to the program that makes it less safe, and the unit tests that must notice. */
export interface Mutant {
  /** Below `src/` and `dist/`, without an extension. */
  readonly file: string;
  /** What stands there once, in the program as it was built. */
  readonly search: string;
  readonly replace: string;
  /** Below `test/`. */
  readonly tests: readonly string[];
}

/** What decides whether something is live, whether a sweep may begin or go on, and in which order things go. */
export const MUTANTS: readonly Mutant[] = [
  // Liveness
  {
    file: "mark/policy",
    search: "modified > policy.now - policy.grace",
    replace: "modified >= policy.now - policy.grace",
    tests: ["mark/policy"],
  },
  { file: "mark/policy", search: "(VARIANT_BITS[variant] | HELD)", replace: "VARIANT_BITS[variant]", tests: ["mark/policy"] },
  {
    file: "mark/policy",
    search: "REVISION_ROOT = VARIANT_BITS.asIs | VARIANT_BITS.withDropDanglingTags",
    replace: "REVISION_ROOT = VARIANT_BITS.withDropDanglingTags",
    tests: ["fixtures"],
  },
  { file: "mark/finding", search: "holds = HOLDING_CODES.has(code)", replace: "holds = false", tests: ["fixtures"] },
  {
    file: "mark/tag-links",
    search: "if (target === undefined || listed[position] === 1)",
    replace: "if (true)",
    tests: ["mark/tag-links"],
  },
  {
    file: "mark/tag-links",
    search: "if (listed[tag] !== 1) {",
    replace: "if (target === undefined) {",
    tests: ["mark/tag-links"],
  },
  { file: "mark/tag-links", search: "if (listed[tag] !== 1)\n", replace: "if (false)\n", tests: ["mark/tag-links"] },
  {
    file: "storage/filesystem/scan-tag",
    search: "listed.files.length + listed.directories.length === 0",
    replace: "true",
    tests: ["mark/tag-links"],
  },
  { file: "sweep/execute", search: "if (history.length === 0)", replace: "if (true)", tests: ["sweep/order"] },
  { file: "mark/second-look", search: '|| cause?.kind === "not-in-index"', replace: "", tests: ["mark/tag-links"] },
  {
    file: "repair/plan",
    search: "if (await this.prover.contradictsTag(repository, tag, digest))",
    replace: "if (false)",
    tests: ["repair/repair"],
  },
  {
    file: "undo/link-targets",
    search: "(await this.#isThere(link)) || (await this.#isThere(layerLinkPath(repository, digest)))",
    replace: "true",
    tests: ["undo/link-targets"],
  },
  { file: "storage/s3/links", search: "!this.always && isSoundLink", replace: "isSoundLink", tests: ["storage/s3/links"] },
  { file: "mark/keep-young", search: "reachability.mark(id, LIVE);", replace: "", tests: ["mark/grace"] },
  { file: "mark/keep-young", search: "table.mark(target(position), LIVE);", replace: "", tests: ["mark/grace"] },
  { file: "sweep/pieces", search: ".filter(({ isStray }) => isStray !== true)", replace: "", tests: ["sweep/directories"] },
  { file: "storage/s3/link-writer", search: ', { IfNoneMatch: "*" }', replace: "", tests: ["storage/s3/changes"] },
  // Guard
  { file: "guard/lock-owner", search: "isComparable && !isSame", replace: "false", tests: ["cli/runs"] },
  { file: "guard/lock-owner", search: 'isSame ? "gone" : "unknown"', replace: '"gone"', tests: ["cli/runs"] },
  { file: "guard/lock-owner", search: "timeNamespace !== now.timeNamespace", replace: "false", tests: ["guard/lock-owner"] },
  { file: "guard/roots", search: "changed.push(...before.keys());", replace: "", tests: ["guard/roots"] },
  {
    file: "guard/roots",
    search: "if (before.get(listing.name) !== fingerprintOf(listing))",
    replace: "if (false)",
    tests: ["guard/roots"],
  },
  { file: "guard/roots", search: "faults.push(...listing.faults);", replace: "", tests: ["guard/roots"] },
  {
    file: "mark/fingerprint",
    search: "for (let entry = 0; entry < indexTag.length; entry++)",
    replace: "for (let entry = 0; entry < 0; entry++)",
    tests: ["mark/fingerprint"],
  },
  { file: "registry/started-at", search: "day === undefined || !isDay(day)", replace: "false", tests: ["registry/started-at"] },
  { file: "mark/fingerprint", search: "of uploads)", replace: "of [])", tests: ["mark/fingerprint"] },
  { file: "mark/fingerprint", search: "of oddLinks)", replace: "of [])", tests: ["mark/fingerprint"] },
  { file: "guard/probe", search: "if (status < 200 || status >= 300)", replace: "if (false)", tests: ["guard/probe"] },
  {
    file: "guard/probe",
    search: "if (methods.some((method) => !READS.has(method)))",
    replace: "if (false)",
    tests: ["guard/guard"],
  },
  {
    file: "guard/watch",
    search: "return verdict.passed ? undefined",
    replace: "return true ? undefined",
    tests: ["guard/watch"],
  },
  { file: "guard/watch", search: "< PROBE_INTERVAL", replace: "< 2 * PROBE_INTERVAL", tests: ["guard/watch"] },
  { file: "guard/watch", search: "if (signal.aborted)", replace: "if (false)", tests: ["guard/watch"] },
  { file: "guard/guard", search: "if (marked.complete && first === undefined)", replace: "if (true)", tests: ["sweep/safety"] },
  { file: "guard/guard", search: "share <= limit", replace: "share <= 1", tests: ["guard/guard"] },
  {
    file: "guard/change-under-guard",
    search: "for (const verdict of plan.verdicts)",
    replace: "for (const verdict of [])",
    tests: ["sweep/safety"],
  },
  {
    file: "guard/change-under-guard",
    search: "for (const verdict of last)",
    replace: "for (const verdict of [])",
    tests: ["guard/writers"],
  },
  { file: "guard/lock", search: '=== "exists"', replace: '=== "never"', tests: ["sweep/sweep"] },
  { file: "registry/glob", search: "has(character) !== isNegated", replace: "has(character)", tests: ["registry/glob"] },
  { file: "registry/glob-braces", search: "Math.min(one, other)", replace: "one", tests: ["registry/glob"] },
  {
    file: "retention/version",
    search: '? "unordered" : undefined',
    replace: "? undefined : undefined",
    tests: ["retention/version"],
  },
  { file: "mark/retention", search: "this.#keepers.has(name)", replace: "false", tests: ["cli/untag"] },
  { file: "untag", search: "refuseLastNames(name, lastNames);", replace: "", tests: ["cli/untag"] },
  { file: "storage/filesystem/can-move", search: "stat.dev !== to.dev", replace: "false", tests: ["storage/filesystem/changes"] },
  {
    file: "storage/filesystem/can-move",
    search: "mountOf(source) === to.mount",
    replace: "true",
    tests: ["storage/filesystem/changes"],
  },
  {
    file: "storage/filesystem/can-move",
    search: "...tops.flatMap(mountPointsBelow)",
    replace: "",
    tests: ["storage/filesystem/changes"],
  },
  // Order
  {
    file: "sweep/plan",
    search: 'blobs("manifest blobs", true, true)',
    replace: 'blobs("manifest blobs", false, true)',
    tests: ["sweep/order"],
  },
  { file: "sweep/execute", search: "if (stage.barrier)", replace: "if (false)", tests: ["sweep/order"] },
  {
    file: "sweep/execute",
    search: "if (this.#failed > 0) {",
    replace: "if (false) {",
    tests: ["sweep/s3"],
  },
  {
    file: "sweep/plan",
    search: "if (OF_OBJECTS.has(code) && objects === undefined)",
    replace: "if (false)",
    tests: ["sweep/plan"],
  },
  {
    file: "sweep/plan",
    search: "(held.has(repository) || !isRepositoryName(repository))",
    replace: "!isRepositoryName(repository)",
    tests: ["sweep/plan"],
  },
  // Manifests that only registries of 2.x find, by their layer links
  {
    file: "mark/repository-manifests",
    search: "(isLayerLinked(this.links, target) ? this.layerLinked : others)",
    replace: "others",
    tests: ["mark/layer-linked"],
  },
  {
    file: "mark/repository-graph",
    search: "if (!manifests.layerLinked.has(id))",
    replace: "if (true)",
    tests: ["mark/layer-linked"],
  },
  {
    file: "mark/references",
    search: "const isLinked = this.#markLink(named, marks) || isLayerLinked(links, named);",
    replace: "const isLinked = isLayerLinked(links, named);",
    tests: ["mark/layer-linked"],
  },
  // Links of another algorithm than sha256
  { file: "mark/references", search: "this.#lostMarks |= marks;", replace: "this.#lostMarks = 0;", tests: ["mark/damaged-ways"] },
  { file: "mark/keep-lost", search: "table.mark(id, marks);", replace: "continue;", tests: ["mark/damaged-ways"] },
  { file: "mark/keep-lost", search: "lost.below.add(named);", replace: "", tests: ["mark/damaged-ways"] },
  { file: "mark/reachability", search: "this.#bySize.get(size) ?? []", replace: "[]", tests: ["mark/damaged-ways"] },
  {
    file: "mark/manifest-store",
    search: 'if (cursor.algorithm === "sha256")',
    replace: "if (true)",
    tests: ["mark/referrers"],
  },
  {
    file: "mark/sort-digests",
    search: "i * width, width) > 0)",
    replace: "i * width, width) >= 0)",
    tests: ["mark/digest-table"],
  },
  {
    file: "mark/repository-links",
    search: "const isContradicted = this.table.isStored(id) || links.get(keyOf(link)) !== 1;",
    replace: "const isContradicted = false;",
    tests: ["mark/damaged-ways"],
  },
  {
    file: "mark/repository-links",
    search: "return aliases.get(named) ?? named;",
    replace: "return named;",
    tests: ["mark/damaged-ways"],
  },
  {
    file: "mark/meanings",
    search: "meanings.set(id, bySize.get(size)?.has(target) === true ? others : [target, ...others]);",
    replace: "meanings.set(id, [target]);",
    tests: ["mark/damaged-ways"],
  },
  {
    file: "mark/meant-blobs",
    search: "declared !== table.size(id)",
    replace: "(declared ?? table.size(id)) !== table.size(id)",
    tests: ["mark/damaged-ways"],
  },
  {
    file: "mark/pinned",
    search: "meant.length === 0 ? pins : new Set([...pins, ...meant])",
    replace: "pins",
    tests: ["mark/pins"],
  },
  {
    file: "mark/anywhere",
    search: "[...pins].filter((id) => table.isStored(id));",
    replace: "[...pins].filter((id) => table.isStored(id) && !isRevision(table.marks(id)));",
    tests: ["mark/pins"],
  },
  {
    file: "mark/anywhere",
    search: "size <= MAX_MANIFEST_BYTES)",
    replace: "size <= MAX_MANIFEST_BYTES && !isRevision(table.marks(id)))",
    tests: ["mark/pins"],
  },
  { file: "mark/tag-aliases", search: "return aliases.filter(isWrong);", replace: "return [];", tests: ["mark/damaged-ways"] },
  { file: "mark/repository", search: "hasLostTag || ", replace: "", tests: ["mark/damaged-ways"] },
  {
    file: "mark/meant-blobs",
    search: "return pins.has(manifest) || isYoung(policy, table.modified(manifest));",
    replace: "return true;",
    tests: ["mark/damaged-ways"],
  },
  {
    file: "mark/reachability",
    search: "meanings === undefined ? [named] : [named, ...meanings]",
    replace: "[named]",
    tests: ["mark/referrers"],
  },
  { file: "mark/repository-graph", search: "return bits | sameSize;", replace: "return bits;", tests: ["mark/referrers"] },
  { file: "mark/repository", search: "isLostPin(table, pins, one)", replace: "false", tests: ["mark/pins"] },
  { file: "mark/references", search: "follower.markPinnedLinks();", replace: "", tests: ["mark/pins"] },
  { file: "mark/mark", search: "complete && context.swappedAliases.size === 0", replace: "complete", tests: ["mark/verify"] },
  // Where something else decides what is live
  {
    file: "mark/truth",
    search: "isKnown ? marked.table : holdAll(marked.table)",
    replace: "marked.table",
    tests: ["mark/truth"],
  },
  {
    file: "mark/truth",
    search: "isKnown ? repository : withoutGarbage(repository)",
    replace: "repository",
    tests: ["mark/truth"],
  },
  { file: "mark/truth", search: "one.tags - one.emptyTags", replace: "one.tags", tests: ["mark/truth"] },
  {
    file: "mark/truth",
    search: "if (revisions === 0 || tags > 0 || pins.found > 0)",
    replace: "if (true)",
    tests: ["mark/truth"],
  },
  // Retention
  { file: "retention/evaluate", search: "if (keptBy !== undefined)", replace: "if (false)", tests: ["retention/evaluate"] },
  { file: "retention/evaluate", search: "if (isPinned(tag.image))", replace: "if (false)", tests: ["retention/evaluate"] },
  { file: "retention/evaluate", search: "if (tag.pushed > now - grace)", replace: "if (false)", tests: ["retention/evaluate"] },
  {
    file: "retention/evaluate",
    search: "return isPlanned(tag) ? undefined",
    replace: "return true ? undefined",
    tests: ["retention/evaluate"],
  },
  { file: "mark/push-times", search: "pushed > (times", replace: "pushed < 0 && pushed > (times", tests: ["untag/put-back"] },
  {
    file: "sweep/with-times",
    search: "changes.isRemote)",
    replace: "head.runId)",
    tests: ["untag/put-back"],
  },
  { file: "mark/retention", search: "return this.isHeld", replace: "return false", tests: ["mark/retention"] },
  { file: "guard/judge-retention", search: "return share <= limit", replace: "return true", tests: ["guard/judge-retention"] },
  { file: "guard/judge-retention", search: "if (emptied.length === 0)", replace: "if (true)", tests: ["guard/judge-retention"] },
  {
    file: "guard/judge-retention",
    search: "alikeInAll(repositories, concerned) ??",
    replace: "",
    tests: ["guard/judge-retention"],
  },
  { file: "guard/judge-retention", search: "if (unused.length === 0)", replace: "if (true)", tests: ["guard/judge-retention"] },
  // Which storage a plan or a run is for
  { file: "storage/identity", search: "one.id === other.id", replace: "true", tests: ["storage/identity"] },
  { file: "storage/identity", search: " && one.server === other.server", replace: "", tests: ["storage/identity"] },
  // A dry run
  {
    file: "storage/rehearsed-changes",
    search: "if (!this.#pretended.has(stored.path))",
    replace: "if (true)",
    tests: ["storage/filesystem/changes-suite"],
  },
  { file: "guard/change-under-guard", search: "refusal ??= verdict", replace: "refusal = undefined", tests: ["cli/runs"] },
  // Referrers of what other repositories keep
  {
    file: "mark/repository-graph",
    search: "return isKept ? LIVE : marks & LIVE;",
    replace: "return 0;",
    tests: ["mark/referrers"],
  },
  {
    file: "mark/repository-graph",
    search: "lostManifests.has(subject) && !isHeld ? LIVE : 0",
    replace: "0",
    tests: ["mark/referrers"],
  },
  {
    file: "mark/repository",
    search: "this.reachability.mark(image, LIVE);",
    replace: "",
    tests: ["mark/retention"],
  },
];
