import crypto from "node:crypto";
import { TYPES } from "../../support/builder.js";
import type { Descriptor } from "../../support/builder.js";

/** The config that `image` gives an image of a repository and tag. */
export function configOf(repository: string, tag = ""): string {
  return JSON.stringify({ architecture: "amd64", os: "linux", comment: `${repository} ${tag}` });
}

/** A client of the distribution API, as small as these tests need; every answer that is not expected is an error. */
export class RegistryClient {
  constructor(
    readonly url: string,
    readonly repository: string,
  ) {}

  in(repository: string): RegistryClient {
    return new RegistryClient(this.url, repository);
  }

  async request(
    method: string,
    path: string,
    expected: readonly number[],
    body?: string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const url = path.startsWith("http")
      ? path
      : new URL(path.startsWith("/") ? path : `/v2/${this.repository}/${path}`, this.url);
    const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
    if (!expected.includes(response.status))
      throw new Error(`${method} ${String(url)}: ${response.status} ${await response.text()}`);
    return response;
  }

  /** Uploads a blob in one request, under its digest by any algorithm. */
  async push(
    content: string | Buffer,
    mediaType: string = TYPES.layer,
    algorithm: "sha256" | "sha384" | "sha512" = "sha256",
  ): Promise<Descriptor> {
    const digest = `${algorithm}:${crypto.createHash(algorithm).update(content).digest("hex")}`;
    await this.#finish(await this.startUpload(), digest, content);
    return { mediaType, digest, size: Buffer.byteLength(content) };
  }

  /** Uploads a layer in chunks, as clients do with large ones. */
  async pushInChunks(chunks: readonly string[]): Promise<Descriptor> {
    let location = await this.startUpload();
    let size = 0;
    for (const chunk of chunks) {
      location = await this.#send(location, chunk, size);
      size += chunk.length;
    }
    const digest = `sha256:${crypto.createHash("sha256").update(chunks.join("")).digest("hex")}`;
    await this.#finish(location, digest);
    return { mediaType: TYPES.layer, digest, size };
  }

  /** Begins an upload; sends part of the data if there is any, and leaves it. Returns its location. */
  async startUpload(data?: string): Promise<string> {
    const response = await this.request("POST", "blobs/uploads/", [202]);
    const location = response.headers.get("location") ?? "";
    return data === undefined ? location : this.#send(location, data, 0);
  }

  /** Sends a chunk of an upload. Returns where the next one goes. */
  async #send(location: string, data: string, offset: number): Promise<string> {
    const headers = {
      "content-type": "application/octet-stream",
      "content-range": `${offset}-${offset + data.length - 1}`,
    };
    const response = await this.request("PATCH", location, [202], data, headers);
    return response.headers.get("location") ?? "";
  }

  async #finish(location: string, digest: string, content?: string | Buffer): Promise<void> {
    const url = new URL(location, this.url);
    url.searchParams.set("digest", digest);
    await this.request("PUT", url.href, [201], content, { "content-type": "application/octet-stream" });
  }

  /** Mounts another repository's blob. */
  async mount(blob: Descriptor, from: string): Promise<Descriptor> {
    await this.request("POST", `blobs/uploads/?mount=${blob.digest}&from=${from}`, [201]);
    return blob;
  }

  /** Pushes a manifest, by tag or by digest. */
  async manifest(body: Readonly<Record<string, unknown>>, reference?: string, contentType?: string): Promise<Descriptor> {
    const content = JSON.stringify(body);
    const digest = `sha256:${crypto.createHash("sha256").update(content).digest("hex")}`;
    const mediaType = contentType ?? (typeof body["mediaType"] === "string" ? body["mediaType"] : TYPES.image);
    const response = await this.request("PUT", `manifests/${reference ?? digest}`, [201], content, { "content-type": mediaType });
    return { mediaType, digest: response.headers.get("docker-content-digest") ?? digest, size: content.length };
  }

  async image(layers: readonly (string | Descriptor)[], tag?: string, subject?: Descriptor): Promise<Descriptor> {
    const config = await this.push(configOf(this.repository, tag), TYPES.config);
    const descriptors: Descriptor[] = [];
    for (const layer of layers) descriptors.push(typeof layer === "string" ? await this.push(layer) : layer);
    return this.manifest(
      { schemaVersion: 2, mediaType: TYPES.image, config, layers: descriptors, ...(subject === undefined ? {} : { subject }) },
      tag,
    );
  }

  async index(manifests: readonly Descriptor[], tag: string): Promise<Descriptor> {
    const children = manifests.map((manifest, i) => ({
      ...manifest,
      platform: { os: "linux", architecture: ["amd64", "arm64"][i] ?? "s390x" },
    }));
    return this.manifest({ schemaVersion: 2, mediaType: TYPES.index, manifests: children }, tag);
  }

  /** Gives a manifest of this repository another tag. */
  async copy(reference: string, tag: string): Promise<void> {
    const response = await this.request("GET", `manifests/${reference}`, [200], undefined, {
      accept: Object.values(TYPES).join(", "),
    });
    const type = response.headers.get("content-type") ?? "";
    await this.request("PUT", `manifests/${tag}`, [201], Buffer.from(await response.arrayBuffer()), { "content-type": type });
  }

  async deleteManifest(reference: string): Promise<void> {
    await this.request("DELETE", `manifests/${reference}`, [202]);
  }

  /** Everything that a client gets when it pulls: digests of the manifest and all below it, checked. */
  async pull(reference: string): Promise<string[]> {
    const accept = Object.values(TYPES).join(", ");
    const response = await this.request("GET", `manifests/${reference}`, [200], undefined, { accept });
    const content = Buffer.from(await response.arrayBuffer());
    const digest = `sha256:${crypto.createHash("sha256").update(content).digest("hex")}`;
    const json = JSON.parse(content.toString()) as { manifests?: Descriptor[]; config?: Descriptor; layers?: Descriptor[] };
    const children = await Promise.all((json.manifests ?? []).map((child) => this.pull(child.digest)));
    const blobs = [...(json.config === undefined ? [] : [json.config]), ...(json.layers ?? [])];
    for (const blob of blobs) {
      const body = Buffer.from(await (await this.request("GET", `blobs/${blob.digest}`, [200])).arrayBuffer());
      const [algorithm = "", hex] = blob.digest.split(":");
      if (crypto.createHash(algorithm).update(body).digest("hex") !== hex)
        throw new Error(`${blob.digest} came back as something else`);
    }
    return [digest, ...children.flat(), ...blobs.map((blob) => blob.digest)];
  }
}
