import zlib from "node:zlib";

/** How pages are compressed: the library's own Snappy takes three times the processor time of all the rest. */
export interface Compression {
  readonly codec: "ZSTD" | "GZIP";
  readonly compress: (bytes: Uint8Array) => Uint8Array;
}

/** ZSTD where Node has it (22.15 and later), else GZIP. */
export function compression(): Compression {
  const zstd: unknown = Reflect.get(zlib, "zstdCompressSync");
  if (typeof zstd !== "function") return { codec: "GZIP", compress: gzip };
  return {
    codec: "ZSTD",
    compress: (bytes) => {
      const compressed: unknown = Reflect.apply(zstd, zlib, [bytes]);
      if (compressed instanceof Uint8Array) return compressed;
      throw new TypeError("zlib.zstdCompressSync gave no bytes");
    },
  };
}

/** A page of digests begins with the length of the first one, in four bytes, and its `sha`. */
const DIGEST_PAGE = /^.\0\0\0sha(?:256|384|512):/s;
const { Z_HUFFMAN_ONLY, Z_DEFAULT_STRATEGY } = zlib.constants;

/** Digests share nothing but the alphabet: to look for repeats in them takes three times as long, and saves a tenth. */
function gzip(bytes: Uint8Array): Uint8Array {
  const isDigests = DIGEST_PAGE.test(Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 11)).toString("latin1"));
  return zlib.gzipSync(bytes, { level: 1, strategy: isDigests ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY });
}
