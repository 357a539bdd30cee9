/** Document 003, tables: its rows. */

import type { Row } from "./row.ts";

/** Every row. */
export const ROWS_003 = [
  { id: "3.1", contract: "TableElementType: Func, GcRef, Cont" },
  { id: "3.2", contract: "element_size: per kind (func 8, gcref 4, cont 16 on x64)" },
  { id: "3.3", contract: "MaybeTaggedFuncRef: tagged: 0 uninit, 1 null, addr|1 func; untagged: 0 null, addr func" },
  {
    id: "3.4",
    contract: "from / into_funcref: encode/decode with FUNCREF_INIT_BIT / FUNCREF_MASK; tagging is engine-wide",
  },
  { id: "3.5", contract: "FuncTableElem, ContTableElem: at-rest types" },
  { id: "3.6", contract: "NOMINAL_MAX_TABLE_ELEM_SIZE: pooling slot size; excludes Cont" },
  { id: "3.7", contract: "StaticTable Func/GcRef/Cont: fixed storage + size (pooling); immovable" },
  { id: "3.8", contract: "DynamicTable Func/GcRef/Cont: vector + maximum; movable" },
  { id: "3.9", contract: "Table + 9 From conversions: one handle over 6 shapes" },
  { id: "3.10", contract: "wasm_to_table_type: top type func→Func, any/extern/exn→GcRef, cont→Cont" },
  { id: "3.11", contract: "alloc_dynamic_table_elements: zeroed alloc = all-null; overflow/OOM is an error" },
  { id: "3.12", contract: "new_dynamic (async): limiter first; lazy_init from tunables" },
  { id: "3.13", contract: "new_static (async): aligned slice; min > slot → error; capacity = min(slot, max)" },
  {
    id: "3.14",
    contract: "limit_new: limiter sees (0,min,max) even if min overflows; max default u32/u64 by index type",
  },
  { id: "3.15a", contract: "element_type: which of the 3 kinds" },
  { id: "3.15b", contract: "is_static: pooling-owned storage?" },
  { id: "3.15c", contract: "size: current element count" },
  { id: "3.16", contract: "maximum: may be tighter than the wasm type" },
  { id: "3.17", contract: "fill_func: bounds → TableOutOfBounds; stores tagged form" },
  { id: "3.18", contract: "fill_gc_ref: write barrier per slot; gc store optional" },
  { id: "3.19", contract: "fill_cont: plain copy of 16-byte continuation object" },
  { id: "3.20", contract: "validate_fill: u64 → usize, checked add" },
  { id: "3.21", contract: "grow_func (async): old size or None; caller must refresh vmctx base/len" },
  { id: "3.22", contract: "grow_gc_ref (async): same, barriers on fill" },
  { id: "3.23", contract: "grow_cont (async): same for continuations" },
  {
    id: "3.24",
    contract:
      "_grow: delta 0 = success; delta > usize = trap; sum overflow → table_grow_failed+None; limiter asked (may veto or error); then max → table_grow_failed+None; resize; fill",
  },
  { id: "3.25", contract: "static growth: slots beyond size are already null (debug-checked)" },
  { id: "3.26", contract: "fixed-size promise: if min==max the base may be constant in compiled code" },
  { id: "3.27", contract: "get_func: uninitialized → panic (must be forced first)" },
  { id: "3.28", contract: 'get_func_maybe_init: exposes "uninitialized" for lazy init' },
  { id: "3.29", contract: "get_gc_ref: OOB → TableOutOfBounds; null → None" },
  { id: "3.30", contract: "get_cont: same; continuation is Copy" },
  { id: "3.31", contract: "set_func: tags per engine" },
  { id: "3.32", contract: "set_gc_ref: write barrier; gc store optional (i31/null only) (no set_cont in the seed)" },
  { id: "3.33", contract: "copy_to: between tables of same element type" },
  { id: "3.34", contract: "copy_within: overlap-safe, direction by index; same start = no-op" },
  { id: "3.35", contract: "validate_copy: both ranges, u64" },
  { id: "3.36", contract: "vmtable(): {base, current_elements} for compiled code" },
  { id: "3.37a", contract: "funcrefs / funcrefs_mut: slice + lazy_init flag; asserts kind" },
  { id: "3.37b", contract: "gc_refs / gc_refs_mut: slice; asserts kind; _mut is public (GC roots tables through it)" },
  { id: "3.37c", contract: "contrefs / contrefs_mut: slice; asserts kind" },
  {
    id: "3.38a",
    contract: "copy_elements: distinct tables: func/cont memcpy (tags travel), gc refs one by one with barriers",
  },
  { id: "3.38b", contract: "copy_elements_within: memmove, or barrier loop forward/backward by direction" },
  { id: "3.39", contract: "Default: empty, non-growable funcref table" },
] as const satisfies readonly Row[];
