/** Whether a text is in bytes at a position. Backwards: what keys and names differ in comes at the end. */
export function isAt(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = text.length - 1; i >= 0; i--) if (bytes[at + i] !== text[i]) return false;
  return true;
}
