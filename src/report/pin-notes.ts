/** What there is to say of pins besides their number, in the same words in every format. */
export const PIN_NOTES = [
  ["missing", "not stored: of another registry, or what runs by them can no longer be pulled"],
  ["unlinked", "stored, but in no repository as a manifest: they stay, but cannot be pulled as an image"],
] as const;
