/** Sections of a binary module. May import: nothing. @module */

/**
 * The sections in the order in which they must occur, custom ones aside: name (spec: binary-section), id, and the word that the text format
 * places custom sections by (spec: text-customannot).
 */
export const SECTIONS = [
  ["type", 1, "type"],
  ["import", 2, "import"],
  ["function", 3, "func"],
  ["table", 4, "table"],
  ["memory", 5, "memory"],
  ["tag", 13, "tag"],
  ["global", 6, "global"],
  ["export", 7, "export"],
  ["start", 8, "start"],
  ["element", 9, "elem"],
  ["data count", 12, "datacount"],
  ["code", 10, "code"],
  ["data", 11, "data"],
] as const;

/** The name of a section. */
export type SectionName = typeof SECTIONS[number][0];

/** A section's word in text. */
export type SectionWord = typeof SECTIONS[number][2];

/** The id of a custom section. */
export const CUSTOM_SECTION = 0;
