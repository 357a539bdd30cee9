/**
 * The kinds of immediates that the opcode table names; immediates.ts says how each is skipped, read and written.
 *
 * May import: nothing. @module
 */

/** Every kind; the row number is its code in the packed immediate program. */
export const IMMEDIATE_KINDS = [
  "block", // block type: empty, a value type or a type index
  "label", // label depth
  "labels", // vector of label depths and a default
  "catches", // vector of catch clauses
  "func", // function index
  "type", // type index
  "table", // table index
  "memory", // memory index
  "global", // global index
  "local", // local index
  "tag", // tag index
  "data", // data segment index
  "elem", // element segment index
  "field", // struct field index
  "count", // number of operands
  "heap", // heap type
  "types", // vector of value types
  "handlers", // vector of handler clauses of a resumption
  "castflags", // nullability of the two types of a branch on cast
  "memarg", // alignment, memory, offset; parameter: access width in bytes
  "atomic", // a memarg whose alignment must be the natural one; parameter: access width in bytes
  "i32", // signed 32-bit LEB128
  "i64", // signed 64-bit LEB128
  "f32", // four bytes
  "f64", // eight bytes
  "v128", // sixteen bytes
  "lanes", // sixteen lane indices below 32
  "lane", // one lane index; parameter: number of lanes
  "zero", // a reserved zero byte
] as const;

/** The name of an immediate kind. */
export type ImmediateKind = typeof IMMEDIATE_KINDS[number];
