import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { TYPES } from "../../support/builder.js";
import { runProgram } from "./programs.js";

/** Writes an image in the form that skopeo calls `dir:`, with layers that are real tar files, and returns the directory. */
export function makeImageDirectory(directory: string, layers: readonly string[]): string {
  fs.mkdirSync(directory, { recursive: true });
  const store = (content: Buffer | string, mediaType: string) => {
    const hex = crypto.createHash("sha256").update(content).digest("hex");
    fs.writeFileSync(path.join(directory, hex), content);
    return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(content) };
  };
  const tars = layers.map((text) => tarOf("file.txt", text));
  const diffIds = tars.map((tar) => `sha256:${crypto.createHash("sha256").update(tar).digest("hex")}`);
  const history = layers.map((text) => ({ created: "2024-01-01T00:00:00Z", created_by: text }));
  const config = store(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      created: "2024-01-01T00:00:00Z",
      config: {},
      rootfs: { type: "layers", diff_ids: diffIds },
      history,
    }),
    TYPES.dockerConfig,
  );
  const descriptors = tars.map((tar) => store(gzipSync(tar), TYPES.dockerLayer));
  fs.writeFileSync(
    path.join(directory, "manifest.json"),
    JSON.stringify({ schemaVersion: 2, mediaType: TYPES.dockerImage, config, layers: descriptors }),
  );
  fs.writeFileSync(path.join(directory, "version"), "Directory Transport Version: 1.1\n");
  return directory;
}

/** A tar archive of one small file. */
function tarOf(name: string, content: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(["0000644", "0000000", "0000000", ""].join("\u0000"), 100);
  header.write(`${content.length.toString(8).padStart(11, "0")}\u0000${"0".repeat(11)}\u0000        0`, 124);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\u0000 `, 148);
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content);
  return Buffer.concat([header, body, Buffer.alloc(1024)]);
}

/** `skopeo copy` to or from a registry on loopback. */
export async function skopeoCopy(from: string, to: string, ...options: readonly string[]): Promise<void> {
  await runProgram("skopeo", [
    "--insecure-policy",
    "copy",
    "--quiet",
    "--src-tls-verify=false",
    "--dest-tls-verify=false",
    ...options,
    from,
    to,
  ]);
}

/** What skopeo pulls of a tag, with all its platforms: each file and its digest. Throws where skopeo cannot pull it. */
export async function skopeoPull(image: string, directory: string): Promise<Record<string, string>> {
  fs.rmSync(directory, { recursive: true, force: true });
  await skopeoCopy(`docker://${image}`, `dir:${directory}`, "--all");
  const digestOf = (file: string): string => crypto.hash("sha256", fs.readFileSync(path.join(directory, file)));
  return Object.fromEntries(
    fs
      .readdirSync(directory)
      .sort()
      .map((file) => [file, digestOf(file)]),
  );
}
