/**
 * The sections of a module as `@custom` annotations name them (spec: text-customannot), with their ids.
 *
 * ORDER  Rows stand in the order of the binary format, which is not that of the ids.
 *
 * May import: nothing. @module
 */

/** Every section that is not custom: its word and its id. */
export const SECTIONS = [
  ["type", 1],
  ["import", 2],
  ["func", 3],
  ["table", 4],
  ["memory", 5],
  ["tag", 13],
  ["global", 6],
  ["export", 7],
  ["start", 8],
  ["elem", 9],
  ["datacount", 12],
  ["code", 10],
  ["data", 11],
] as const;

/** The word of a section. */
export type SectionWord = typeof SECTIONS[number][0];

/** The id of a custom section. */
export const CUSTOM_SECTION = 0;
