import { blobFile, RegistryBuilder, TYPES, V2 } from "./builder.js";
import type { Descriptor, RepositoryBuilder } from "./builder.js";
import type { RegistryTree } from "./registry-tree.js";

/** Content of some size that says what it is. */
function layer(name: string, kilobytes: number): string {
  return `${name}\n`.repeat(Math.ceil((kilobytes * 1024) / (name.length + 1)));
}

function config(architecture: string, os = "linux"): string {
  return JSON.stringify({ architecture, os, rootfs: { type: "layers", diff_ids: [] } });
}

function platform(manifest: Descriptor, architecture: string, os = "linux", more: object = {}): Descriptor {
  return { ...manifest, platform: { architecture, os }, ...more };
}

/** The damaged registry in fixtures/registry; fixtures/README.md says what is in it and why. */
export function buildFixture(): RegistryTree {
  const registry = new RegistryBuilder();
  const alpine = registry.repository("library/alpine");
  const base = alpine.push(layer("alpine 3.20 root filesystem", 34), TYPES.dockerLayer);
  alpine.image({ layers: [base], config: config("amd64"), tag: "3.20", docker: true });
  nginx(registry.repository("library/nginx"), base);
  deletedByDigest(registry.repository("team/api"), base);
  brokenPulls(registry.repository("team/web"), base);
  brokenTags(registry.repository("team/batch"));
  brokenLinks(registry.repository("data/ingest"));
  brokenManifests(registry.repository("data/models"));
  legacy(registry.repository("legacy/app"));
  windows(registry.repository("windows/servercore"));
  signed(registry.repository("charts/gateway"));
  sparse(registry.repository("mirror/busybox"));
  aliased(registry.repository("crypto/hsm"));
  leftovers(registry.repository("ci/cache"));
  empty(registry.repository("old/prototype"));
  registry.repository("docs/UPPER").image({ layers: [layer("documentation", 1)], config: config("amd64"), tag: "latest" });
  registry.tree.write(`${V2}/repositories/team/batch/_manifests/tags/.DS_Store`, "the same, among tags");
  registry.tree.write(`${V2}/repositories/.DS_Store`, "a file that a file manager left");
  registry.blob(layer("an upload whose link was never written", 21));
  return registry.tree;
}

/** Sound: a multi-arch list, an index with attestations, and a tag that was moved, whose old image can still be pulled by digest. */
function nginx(repository: RepositoryBuilder, base: Descriptor): void {
  repository.mount(base);
  const images = ["amd64", "arm64"].map((architecture) =>
    repository.image({
      layers: [base, layer(`nginx 1.27 for ${architecture}`, 12)],
      config: config(architecture),
      docker: true,
    }),
  );
  const [amd64, arm64] = images;
  if (amd64 === undefined || arm64 === undefined) throw new Error("there are two images");
  repository.index([platform(amd64, "amd64"), platform(arm64, "arm64")], "1.27", { mediaType: TYPES.dockerList });
  const attestation = repository.image({
    layers: [repository.push('{"predicateType":"https://slsa.dev/provenance/v1"}', "application/vnd.in-toto+json")],
    config: config("unknown", "unknown"),
  });
  const annotations = { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": amd64.digest };
  repository.index([platform(amd64, "amd64"), platform(attestation, "unknown", "unknown", { annotations })], "1.27-attested");
  repository.image({ layers: [base, layer("nginx 1.26", 14)], config: config("amd64"), tag: "stable", docker: true });
  const retired = repository.image({
    layers: [base, layer("nginx 1.25", 9)],
    config: config("amd64"),
    tag: "mainline",
    docker: true,
  });
  repository.tag("stable", amd64.digest);
  repository.tag("mainline", amd64.digest);
  repository.deleteManifest(retired);
  repository.registry.tree.remove(blobFile(retired.digest));
}

/** Manifests deleted by digest: their tags dangle. Of one the blob is still stored. */
function deletedByDigest(repository: RepositoryBuilder, base: Descriptor): void {
  repository.mount(base);
  repository.image({ layers: [base, layer("api 1.4", 18)], config: config("amd64"), tag: "v1.4" });
  repository.deleteManifest(repository.image({ layers: [base, layer("api 1.3", 17)], config: config("amd64"), tag: "v1.3" }));
  const collected = repository.image({ layers: [base, layer("api 1.2", 16)], config: config("amd64"), tag: "v1.2" });
  repository.deleteManifest(collected);
  repository.registry.tree.remove(blobFile(collected.digest));
}

/** Images whose manifest is sound and whose pull fails. */
function brokenPulls(repository: RepositoryBuilder, base: Descriptor): void {
  const { tree } = repository.registry;
  repository.mount(base);
  const lost = repository.push(layer("web 7, a layer that is lost", 8));
  repository.image({ layers: [base, lost], config: config("amd64"), tag: "7" });
  tree.remove(blobFile(lost.digest));
  const cut = repository.push(layer("web 8, a layer that was cut short", 8));
  repository.image({ layers: [base, cut], config: config("arm64"), tag: "8" });
  tree.write(blobFile(cut.digest), layer("web 8, a layer that was cut short", 8).slice(0, 4096));
  const unlinked = repository.push(layer("web 9, a layer without a link", 8));
  const emptied = repository.push(layer("web 9, a layer with an empty link", 8));
  repository.image({ layers: [base, unlinked, emptied], config: config("riscv64"), tag: "9" });
  repository.remove(repository.layerLink(unlinked.digest));
  repository.link(repository.layerLink(emptied.digest), "");
  const rotten = repository.push(layer("web 10, a layer with a bit that flipped", 8));
  repository.image({ layers: [base, rotten], config: config("s390x"), tag: "10" });
  tree.write(blobFile(rotten.digest), layer("web 10, a layer with a bit that flipped", 8).replace("flipped", "flippee"));
}

function brokenTags(repository: RepositoryBuilder): void {
  const image = repository.image({ layers: [layer("batch jobs", 6)], config: config("amd64"), tag: "nightly" });
  repository.tag("2024.06", image.digest);
  repository.link("_manifests/tags/2024.06/current", "");
  repository.tag("2024.05", image.digest);
  repository.remove("_manifests/tags/2024.05/current");
  repository.tag("-latest", image.digest);
  repository.image({ layers: [layer("batch jobs, untagged and held by the damage", 5)], config: config("amd64") });
}

function brokenLinks(repository: RepositoryBuilder): void {
  repository.image({ layers: [layer("ingest 2", 7)], config: config("amd64"), tag: "2" });
  const emptied = repository.image({ layers: [layer("ingest 1, its link is empty", 7)], config: config("amd64"), tag: "1" });
  repository.link(repository.revisionLink(emptied.digest), "");
  const lost = repository.image({ layers: [layer("ingest 0, its manifest is lost", 7)], config: config("amd64"), tag: "0" });
  repository.registry.tree.remove(blobFile(lost.digest));
}

function brokenManifests(repository: RepositoryBuilder): void {
  const rotten = repository.image({ layers: [layer("a model", 23)], config: config("amd64"), tag: "resnet" });
  const { content } = repository.registry.tree.files.get(blobFile(rotten.digest)) ?? { content: Buffer.alloc(0) };
  repository.registry.tree.write(blobFile(rotten.digest), content.toString().replace('"size"', '"sise"'));
  repository.push(layer("the weights that nobody knows of any more", 19));
  repository.manifest('{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.mani', "bert");
}

/** Written by registries of long ago: a schema 1 image, its signature, a tarsum link; and a link that somebody copied. */
function legacy(repository: RepositoryBuilder): void {
  const image = repository.schema1([layer("a base of 2014", 4), layer("an app of 2014", 2)], "1.0");
  const signature = repository.registry.blob('{"signatures":[{"protected":"eyJ…"}]}');
  const hex = signature.digest.replace(":", "/");
  repository.link(`${repository.revisionLink(image.digest)}/signatures/${hex}`, signature.digest);
  repository.link("_layers/tarsum/v1/sha256/aa11", "tarsum.v1+sha256:aa11");
  const other = repository.image({ layers: [layer("an app of 2015", 3)], config: config("amd64"), tag: "1.1" });
  const copied = repository.push(layer("a layer whose link was copied by hand", 2));
  repository.link(repository.layerLink(copied.digest), other.digest);
}

/** Sound: a base layer that is only at Microsoft's, as its `urls` say. */
function windows(repository: RepositoryBuilder): void {
  const foreign = {
    mediaType: TYPES.dockerForeignLayer,
    digest: `sha256:${"5e".repeat(32)}`,
    size: 1_700_000_000,
    urls: ["https://mcr.microsoft.com/v2/windows/servercore/blobs/sha256:5e5e"],
  };
  repository.image({
    layers: [foreign, layer("windows app", 5)],
    config: config("amd64", "windows"),
    tag: "ltsc2022",
    docker: true,
  });
}

/** A Helm chart with a signature and an SBOM; and those of a chart that is gone. */
function signed(repository: RepositoryBuilder): void {
  const chart = (version: string): Descriptor =>
    repository.image({
      layers: [repository.push(layer(`gateway ${version}`, 3), "application/vnd.cncf.helm.chart.content.v1.tar+gzip")],
      config: repository.push(`{"name":"gateway","version":"${version}"}`, "application/vnd.cncf.helm.config.v1+json"),
      tag: version,
    });
  const sign = (about: Descriptor, suffix: string): void => {
    const payload = repository.push(
      `{"critical":{"image":"${about.digest}"}}`,
      "application/vnd.dev.cosign.simplesigning.v1+json",
    );
    repository.image({ layers: [payload], config: config("", ""), tag: `${about.digest.replace(":", "-")}${suffix}` });
  };
  const current = chart("2.1.0");
  sign(current, ".sig");
  const sbom = repository.push('{"spdxVersion":"SPDX-2.3"}', "application/spdx+json");
  repository.image({ layers: [sbom], subject: current, more: { artifactType: "application/spdx+json" } });
  const scan = repository.push("no vulnerability", "text/plain");
  repository.image({
    config: repository.push("{}", "application/vnd.oci.empty.v1+json"),
    layers: [{ ...scan, size: scan.size + 1 }],
    subject: current,
    more: { artifactType: "application/vnd.example.scan" },
  });
  const retired = chart("2.0.0");
  sign(retired, ".att");
  repository.untag("2.0.0");
  repository.deleteManifest(retired);
}

/** A mirror of an index that took one platform only: legal, and worth a warning. */
function sparse(repository: RepositoryBuilder): void {
  const amd64 = repository.image({ layers: [layer("busybox", 2)], config: config("amd64") });
  const absent = { mediaType: TYPES.image, digest: `sha256:${"ab".repeat(32)}`, size: 525 };
  repository.index([platform(amd64, "amd64"), platform(absent, "s390x")], "1.36");
}

/** Sound: a layer that was uploaded under its sha512 digest. */
function aliased(repository: RepositoryBuilder): void {
  const aliasedLayer = repository.pushAlias(layer("firmware", 4));
  repository.image({ layers: [aliasedLayer], config: config("amd64"), tag: "1" });
}

/** What builds leave behind: links of images that are gone, uploads that were never finished. */
function leftovers(repository: RepositoryBuilder): void {
  repository.image({ layers: [layer("build cache", 11)], config: config("amd64"), tag: "main" });
  repository.push(layer("a cache layer that no build uses", 26));
  const cached = repository.push(layer("a layer of BuildKit's cache", 3));
  const records = repository.push(
    '{"layers":[{"blob":"…","parent":-1}],"records":[]}',
    "application/vnd.buildkit.cacheconfig.v0",
  );
  repository.index([cached, records], "buildcache");
  const gone = repository.push("a layer that the registry's own collector took, and left its link");
  repository.registry.tree.remove(blobFile(gone.digest));
  repository.upload(
    "0f7c1c8e-6f0e-4f5e-9c39-5d3a4d3f8a11",
    "2024-01-01T00:00:00Z",
    layer("an upload that was never finished", 5),
  );
  // A clock that was wrong: it counts as active whenever somebody looks.
  repository.upload("b6a1d2f4-3f58-4b6f-8c80-0a1b2c3d4e5f", "2099-12-31T23:59:59Z", layer("an upload under way", 1));
}

/** All images deleted: only a layer link is left. */
function empty(repository: RepositoryBuilder): void {
  repository.push(layer("the last layer of a prototype", 13));
}
