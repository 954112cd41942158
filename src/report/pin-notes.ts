/** What there is to say of pins besides their number, in the same words in every format. */
export const PIN_NOTES = [
  ["missing", "not stored: of another registry, or what runs by them can no longer be pulled"],
  [
    "unlinked",
    "stored, but no manifest of a repository, nor the config (image ID) of one: they stay, but no image is kept by them",
  ],
] as const;
