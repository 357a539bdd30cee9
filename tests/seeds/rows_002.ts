/** Document 002, the structures that compiled code reads: its rows. */

import type { Row } from "./row.ts";

/** Every row. */
export const ROWS_002 = [
  { id: "2.1", contract: "VMFunctionContext union: vmctx or host_env pointer; is_null, Eq, Hash by pointer" },
  { id: "2.2", contract: "VMFunctionImport: {body, environment, handle}" },
  {
    id: "2.3",
    contract: "VMDynamicFunctionContext<T>: {address, ctx:T}; Send/Sync/Clone; inner ABI (*T, SigIndex, *i128 args)",
  },
  { id: "2.4", contract: "VMFunctionKind: Static (native signature) / Dynamic (values array)" },
  { id: "2.5", contract: "VMTableImport: {definition, handle}" },
  { id: "2.6", contract: "VMMemoryImport: {definition, handle}" },
  { id: "2.7", contract: "VMGlobalImport: {definition, handle}, Send/Sync" },
  { id: "2.8", contract: "InternalStoreHandle<T>: store-relative id kept beside raw pointer" },
  { id: "2.9", contract: "memory_copy: overlap-safe; checked add; OOB → HeapAccessOutOfBounds before any byte moves" },
  { id: "2.10", contract: "memory_fill: same check; value truncated to u8" },
  {
    id: "2.11",
    contract:
      "memory32_atomic_check32: 0 same / 1 different; OOB + UnalignedAtomic traps. Seed bug: bound ignores width; load is not atomic",
  },
  { id: "2.12", contract: "memory32_atomic_check64: same at 8 bytes (same bugs)" },
  { id: "2.13", contract: "VMTableDefinition: {base, current_elements: u32}" },
  { id: "2.14", contract: "VMGlobalDefinition: one RawValue, align 16 (v128); new() zero; globals area %16 == 0" },
  {
    id: "2.15",
    contract:
      "VMSharedSignatureIndex: u32 canonical type id; default MAX (never matches); same size in compiler and runtime",
  },
  {
    id: "2.16",
    contract: "VMCallerCheckedAnyfunc: {func_ptr, type_index, vmctx, call_trampoline} caller-side signature check",
  },
  { id: "2.17", contract: "VMBuiltinFunctionsArray: address table; initialized() asserts no hole" },
  {
    id: "2.18",
    contract: "memory builtins: grow, size, copy, fill, init (+ imported_ variants of grow/size/copy/fill), data.drop",
  },
  {
    id: "2.19",
    contract: "table builtins: copy, init, fill, get, set, size, grow (+ imported_ get/set/size/grow), elem.drop",
  },
  { id: "2.20", contract: "atomics builtins: wait32, wait64, notify (+ imported_ variants)" },
  { id: "2.21", contract: "func_ref, raise_trap: ref.func materialisation; trap by code" },
  { id: "2.22", contract: "VMContext: opaque, align 16; instance()/instance_mut() by negative offset" },
  { id: "2.23", contract: "VMTrampoline: (callee vmctx, body, *RawValue args+results)" },
  { id: "2.24", contract: "VMMemoryDefinition: {base, current_length}; base stays valid across grow; Copy/Send/Sync" },
  { id: "2.25", contract: "layout tests: compiler's VMOffsets == runtime struct offsets/sizes, for every struct" },
  { id: "2.T1", contract: "TODO: pack globals by type size" },
  { id: "2.T2", contract: "TODO: move globals inside the vmctx allocation" },
] as const satisfies readonly Row[];
