/** Document 004, the shape of a VMContext: its rows. */

import type { Row } from "./row.ts";

/** Every row. */
export const ROWS_004 = [
  { id: "4.1a", contract: "magic @0: u32 + padding; identifies a VMContext; instance() relies on offset 0" },
  { id: "4.1b", contract: "vm_store_context @8: per-store limits: stack limit, fuel, epoch deadline, last wasm exit" },
  { id: "4.1c", contract: "builtin_functions @16: builtin table pointer (2.17 / 0.3)" },
  { id: "4.1d", contract: "callee @24: function being entered (trampolines)" },
  { id: "4.1e", contract: "epoch_ptr @32: *AtomicU64, engine-wide" },
  { id: "4.1f", contract: "gc_heap_base @40 · gc_heap_bound @48: inline bounds check of GC refs" },
  { id: "4.1g", contract: "gc_heap_data @56: collector-private pointer (bump pointer, free list)" },
  { id: "4.1h", contract: "type_ids @64: module type index → engine-canonical id" },
  { id: "4.1i", contract: "dynamic_data_start @72: arrays follow" },
  {
    id: "4.2",
    contract:
      "order of arrays: imported memories, memory pointers, owned memories, imported functions, tables, globals, tags; tables, (align 16) globals, tags, func_refs",
  },
  { id: "4.3", contract: "memories first: hottest data gets 8-bit displacements" },
  { id: "4.4", contract: "StaticVMShape: compile-time offsets (u8), 10 accessors" },
  {
    id: "4.5",
    contract:
      "VMShape counts: imported functions/tables/memories/globals/tags; defined tables/memories/globals/tags; num_owned_memories; num_escaped_funcs",
  },
  {
    id: "4.6",
    contract: "for_module(ptr_size, module): ptr size must equal host's; owned = defined non-shared memories",
  },
  { id: "4.7", contract: "shared memory indirection: vmmemory_pointer for all, vmmemory_definition only for owned" },
  { id: "4.8", contract: "func_refs only for escaped functions" },
  { id: "4.9", contract: "checked add/mul, align-up, total size_of_vmctx: overflow panics" },
  {
    id: "4.10",
    contract:
      "11 vmctx_*_begin: imported functions/tables/memories/globals/tags, tables, memories, owned_memories, globals, tags, func_refs",
  },
  {
    id: "4.11",
    contract:
      "11 index→offset: function/table/memory/global/tag import; table, memory pointer, memory, global, tag definition; func_ref — each bound-checked",
  },
  {
    id: "4.12",
    contract:
      "seed bugs (do not copy): global_import checks num_defined_globals; owned memory/global/tag/func_ref checks compare against *offsets*, not counts",
  },
] as const satisfies readonly Row[];
