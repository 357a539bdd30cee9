/** Document 001, typed views of structs in the heap of objects: its rows. */

import type { Row } from "./row.ts";

/** Every row. */
export const ROWS_001 = [
  {
    id: "1.1",
    contract:
      "VMStructRef newtype: known-struct VMGcRef; Eq/Hash/Debug/Pointer; each collector may lay out structs differently",
  },
  { id: "1.2", contract: "upcast From<VMStructRef> for VMGcRef: free" },
  { id: "1.3", contract: "is_structref: i31 → false; else header kind matches StructRef (subkinds too)" },
  { id: "1.4", contract: "into_structref: Ok(struct) or gives the ref back" },
  { id: "1.5", contract: "into_structref_unchecked: debug-asserts not i31; misuse memory safe but wrong" },
  { id: "1.6", contract: "as_structref: borrowed checked downcast" },
  { id: "1.7", contract: "as_structref_unchecked: borrowed unchecked downcast" },
  { id: "1.8", contract: "as_gc_ref: borrow underlying ref" },
  { id: "1.9", contract: "clone: runs clone barrier" },
  { id: "1.10", contract: "drop: runs drop barrier" },
  { id: "1.11", contract: "unchecked_copy: no barrier; collector internals only" },
  { id: "1.12", contract: "read_field i8/i16: zero-extended to i32" },
  { id: "1.13", contract: "read_field i32 i64 f32 f64 v128: floats kept as bit patterns" },
  { id: "1.14", contract: "read_field extern/any: u32 heap index → rooted host handle" },
  { id: "1.15", contract: "write_field packed: truncates i32 to i8/i16" },
  { id: "1.16", contract: "write_field scalars + v128: little-endian POD store" },
  {
    id: "1.17",
    contract: "write_field refs: read old raw → write barrier on local copy → store; also when writing null; null = 0",
  },
  { id: "1.18", contract: "unrooted value: write/init returns error, not UB" },
  { id: "1.19", contract: "initialize_field: first write: clone barrier only, no drop of old" },
  { id: "1.20", contract: "GcStructLayout: size, fields[i] byte offsets" },
  { id: "1.21", contract: "AutoAssertNoGc scope: no collection while raw refs are live" },
  { id: "1.22", contract: "PodValType<SIZE>: read_le/write_le for u8..u64, i8..i64, V128" },
  { id: "1.23", contract: "VMStructDataMut: 9 typed readers + 9 writers by offset; panic out of the struct's bounds" },
  {
    id: "1.24",
    contract: "untrusted indexed heap: refs are u32 indices, all access bounds-checked; type confusion is memory safe",
  },
  { id: "1.25", contract: "debug type check: val._matches_ty(ty) in debug" },
  {
    id: "1.T1",
    contract: "todo!: read funcref in GC objects; needs an interned side table id↔funcref (upstream FuncRefTable)",
  },
  {
    id: "1.T2",
    contract: "todo!: write funcref in GC objects; needs an interned side table id↔funcref (upstream FuncRefTable)",
  },
  {
    id: "1.T3",
    contract:
      "todo!: initialize funcref in GC objects; needs an interned side table id↔funcref (upstream FuncRefTable)",
  },
] as const satisfies readonly Row[];
