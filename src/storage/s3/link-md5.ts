/**
 * The MD5 of what a sound link holds, from bytes to words: Node's own takes four times as long for so few bytes, most of it for making
 * strings, and is asked once for each link of a registry.
 */

/** The table of RFC 1321. */
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0);
const HEX_BYTES = 64;
const LINK_BITS = 71 * 8;

const first = new Int32Array(16);
const second = new Int32Array(16);
const state = new Int32Array(4);
/** What becomes of the state within a block. */
const words = new Int32Array(4);

// `sha256:` and the first digit; behind the last digits, a bit and zeros up to the length.
first[0] = 0x32616873;
second[14] = LINK_BITS;

/**
 * Writes four words to `md5`, in the order of the bytes of its hex: the MD5 of `sha256:` and the 64 bytes of hex that begin at `at`.
 */
export function md5OfLink(bytes: Uint8Array, at: number, md5: Uint32Array): void {
  if (at + HEX_BYTES > bytes.length) throw new RangeError("there are not so many bytes");
  // `56:` and a digit.
  first[1] = 0x003a3635 | ((bytes[at] ?? 0) << 24);
  for (let word = 2, from = at + 1; word < 16; word++, from += 4) first[word] = wordAt(bytes, from);
  second[0] = wordAt(bytes, at + 57);
  second[1] = ((bytes[at + 61] ?? 0) | ((bytes[at + 62] ?? 0) << 8) | ((bytes[at + 63] ?? 0) << 16) | 0x80000000) >> 0;
  state[0] = 0x67452301;
  state[1] = 0xefcdab89;
  state[2] = 0x98badcfe;
  state[3] = 0x10325476;
  addBlock(first);
  addBlock(second);
  for (let i = 0; i < 4; i++) md5[i] = swapped(state[i] ?? 0);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** Four rounds, of four functions: no function for a single step, which would take longer to call than to do. */
function addBlock(block: Int32Array): void {
  words.set(state);
  addFirst(block);
  addSecond(block);
  addThird(block);
  addFourth(block);
  for (let i = 0; i < 4; i++) state[i] = (state[i] ?? 0) + (words[i] ?? 0);
}

function addFirst(block: Int32Array): void {
  let a = words[0] ?? 0;
  let b = words[1] ?? 0;
  let c = words[2] ?? 0;
  let d = words[3] ?? 0;
  let sum = 0;
  for (let i = 0; i < 16; i += 4) {
    sum = (a + (d ^ (b & (c ^ d))) + (block[i] ?? 0) + (SINES[i] ?? 0)) | 0;
    a = (((sum << 7) | (sum >>> 25)) + b) | 0;
    sum = (d + (c ^ (a & (b ^ c))) + (block[i + 1] ?? 0) + (SINES[i + 1] ?? 0)) | 0;
    d = (((sum << 12) | (sum >>> 20)) + a) | 0;
    sum = (c + (b ^ (d & (a ^ b))) + (block[i + 2] ?? 0) + (SINES[i + 2] ?? 0)) | 0;
    c = (((sum << 17) | (sum >>> 15)) + d) | 0;
    sum = (b + (a ^ (c & (d ^ a))) + (block[i + 3] ?? 0) + (SINES[i + 3] ?? 0)) | 0;
    b = (((sum << 22) | (sum >>> 10)) + c) | 0;
  }
  words[0] = a;
  words[1] = b;
  words[2] = c;
  words[3] = d;
}

function addSecond(block: Int32Array): void {
  let a = words[0] ?? 0;
  let b = words[1] ?? 0;
  let c = words[2] ?? 0;
  let d = words[3] ?? 0;
  let sum = 0;
  for (let i = 16; i < 32; i += 4) {
    sum = (a + (c ^ (d & (b ^ c))) + (block[(5 * i + 1) & 15] ?? 0) + (SINES[i] ?? 0)) | 0;
    a = (((sum << 5) | (sum >>> 27)) + b) | 0;
    sum = (d + (b ^ (c & (a ^ b))) + (block[(5 * i + 6) & 15] ?? 0) + (SINES[i + 1] ?? 0)) | 0;
    d = (((sum << 9) | (sum >>> 23)) + a) | 0;
    sum = (c + (a ^ (b & (d ^ a))) + (block[(5 * i + 11) & 15] ?? 0) + (SINES[i + 2] ?? 0)) | 0;
    c = (((sum << 14) | (sum >>> 18)) + d) | 0;
    sum = (b + (d ^ (a & (c ^ d))) + (block[(5 * i) & 15] ?? 0) + (SINES[i + 3] ?? 0)) | 0;
    b = (((sum << 20) | (sum >>> 12)) + c) | 0;
  }
  words[0] = a;
  words[1] = b;
  words[2] = c;
  words[3] = d;
}

function addThird(block: Int32Array): void {
  let a = words[0] ?? 0;
  let b = words[1] ?? 0;
  let c = words[2] ?? 0;
  let d = words[3] ?? 0;
  let sum = 0;
  for (let i = 32; i < 48; i += 4) {
    sum = (a + (b ^ c ^ d) + (block[(3 * i + 5) & 15] ?? 0) + (SINES[i] ?? 0)) | 0;
    a = (((sum << 4) | (sum >>> 28)) + b) | 0;
    sum = (d + (a ^ b ^ c) + (block[(3 * i + 8) & 15] ?? 0) + (SINES[i + 1] ?? 0)) | 0;
    d = (((sum << 11) | (sum >>> 21)) + a) | 0;
    sum = (c + (d ^ a ^ b) + (block[(3 * i + 11) & 15] ?? 0) + (SINES[i + 2] ?? 0)) | 0;
    c = (((sum << 16) | (sum >>> 16)) + d) | 0;
    sum = (b + (c ^ d ^ a) + (block[(3 * i + 14) & 15] ?? 0) + (SINES[i + 3] ?? 0)) | 0;
    b = (((sum << 23) | (sum >>> 9)) + c) | 0;
  }
  words[0] = a;
  words[1] = b;
  words[2] = c;
  words[3] = d;
}

function addFourth(block: Int32Array): void {
  let a = words[0] ?? 0;
  let b = words[1] ?? 0;
  let c = words[2] ?? 0;
  let d = words[3] ?? 0;
  let sum = 0;
  for (let i = 48; i < 64; i += 4) {
    sum = (a + (c ^ (b | ~d)) + (block[(7 * i) & 15] ?? 0) + (SINES[i] ?? 0)) | 0;
    a = (((sum << 6) | (sum >>> 26)) + b) | 0;
    sum = (d + (b ^ (a | ~c)) + (block[(7 * i + 7) & 15] ?? 0) + (SINES[i + 1] ?? 0)) | 0;
    d = (((sum << 10) | (sum >>> 22)) + a) | 0;
    sum = (c + (a ^ (d | ~b)) + (block[(7 * i + 14) & 15] ?? 0) + (SINES[i + 2] ?? 0)) | 0;
    c = (((sum << 15) | (sum >>> 17)) + d) | 0;
    sum = (b + (d ^ (c | ~a)) + (block[(7 * i + 5) & 15] ?? 0) + (SINES[i + 3] ?? 0)) | 0;
    b = (((sum << 21) | (sum >>> 11)) + c) | 0;
  }
  words[0] = a;
  words[1] = b;
  words[2] = c;
  words[3] = d;
}
