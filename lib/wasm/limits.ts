/**
 * Implementation limits: how large a module may be before it is refused although the specification allows it.
 *
 * They are the limits of V8 and the other web engines (JS API, section "Limits"), so a module that runs in a browser runs
 * here and one that is refused there is refused here. Sizes that the specification bounds itself are named SPEC.
 *
 * May import: nothing. @module
 */

/** Types in a module, over all recursion groups. */
export const MAX_TYPES = 1_000_000;
/** Functions that a module defines. */
export const MAX_FUNCTIONS = 1_000_000;
/** Imports of a module. */
export const MAX_IMPORTS = 1_000_000;
/** Exports of a module. */
export const MAX_EXPORTS = 1_000_000;
/** Globals that a module defines. */
export const MAX_GLOBALS = 1_000_000;
/** Tags that a module defines. */
export const MAX_TAGS = 1_000_000;
/** Tables that a module defines. */
export const MAX_TABLES = 100_000;
/** Memories of a module, imported ones included. */
export const MAX_MEMORIES = 100_000;
/** Data segments of a module. */
export const MAX_DATA_SEGMENTS = 100_000;
/** Element segments of a module. */
export const MAX_ELEMENT_SEGMENTS = 10_000_000;
/** Entries of one element segment. */
export const MAX_ELEMENT_SEGMENT_LENGTH = 10_000_000;
/** Bytes of a module. */
export const MAX_MODULE_SIZE_BYTES = 1024 * 1024 * 1024;
/** Bytes of one function body. */
export const MAX_BODY_SIZE_BYTES = 7_654_321;
/** Locals of a function, parameters included. */
export const MAX_LOCALS = 50_000;
/** Parameters of a function type. */
export const MAX_PARAMS = 1_000;
/** Results of a function type. */
export const MAX_RESULTS = 1_000;
/** Labels of a `br_table`, without the default. */
export const MAX_BR_TABLE_LABELS = 65_520;
/** Catch clauses of a `try_table`. */
export const MAX_CATCHES = 65_520;
/** Fields of a struct type. */
export const MAX_STRUCT_FIELDS = 10_000;
/** Operands of an `array.new_fixed`. */
export const MAX_ARRAY_NEW_FIXED = 10_000;
/** Declared supertypes above a type. */
export const MAX_SUBTYPE_DEPTH = 63;
/** Pages of 64 KiB a 32-bit memory can address: a rule of the specification. */
export const SPEC_MAX_MEMORY32_PAGES = 65_536;
/** Pages of 64 KiB a 64-bit memory can address: a rule of the specification. */
export const SPEC_MAX_MEMORY64_PAGES = 2 ** 48;
/** Pages of one byte a 32-bit memory can have: a rule of the specification (custom page sizes). */
export const SPEC_MAX_MEMORY32_BYTE_PAGES = 2 ** 32 - 1;
/** The same of a 64-bit memory; 2^64 - 1 is no double, but no greater number can be written. */
export const SPEC_MAX_MEMORY64_BYTE_PAGES = 2 ** 64;
