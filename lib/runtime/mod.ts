/**
 * The runtime: loaded code, instances and everything in them, calls into guests and out of them, traps.
 *
 * One file per VM object; `gc/` has the heap of objects, its collector, and what JavaScript holds of them (COLLECT-n, HANDLE-n, REF-n, OBJ-n, HEAP-n,
 * SEMI-n, TYPETAB-n). Everything here is below the public API: no options, no names given by users beyond exports and imports, no
 * JavaScript classes of the API; `lib/engine` wraps these objects and hands in the few things it alone knows (`EngineState`).
 *
 * May import: base, host, wasm, abi, elf, symbols.
 *
 * RUN-1  Machine code's memory is written through {@linkcode Block} and the offsets of `lib/abi` only.
 * RUN-2  Everything of a store but objects and host values lives until the store is closed (OWN-1); a store closes only while no call of it is active.
 * RUN-3  Nothing in the value area survives a line of user code (AREA-1): `export_call.ts` and `host_call.ts` are the
 *        only writers, and for what exceptions carry `exception.ts` and `unwind.ts`.
 * RUN-4  Every runtime call validates, allocates, then commits (HOST-S).
 * RUN-5  At most one VMFuncRef per function and instance; at most one `FuncState` and one callable per VMFuncRef.
 * RUN-6  A reference is held as a number only until something is asked to collect (COLLECT-2).
 * RUN-7  What can run out is taken through the store's account (USAGE-n, usage.ts; BUDGET-n, budget.ts), after its limiter was asked (LIMIT-n, GROW-n).
 *
 * @module
 */
export { blockInSlices, mayInterrupt, remainingMs } from "./blocking.ts";
export * from "./activation.ts";
export { askLimiterAsync } from "./admission.ts";
export * from "./artifact.ts";
export * from "./async_call.ts";
export { atomicCheck32, atomicCheck64 } from "./atomic_wait.ts";
export * from "./backtrace.ts";
export * from "./block.ts";
export * from "./budget.ts";
export * from "./code.ts";
export { type ModuleCompiler, moduleCompiler, useCompiler } from "./compiler.ts";
export * from "./const_eval.ts";
export * from "./core_dump.ts";
export * from "./cpu.ts";
export * from "./engine_state.ts";
export * from "./epoch.ts";
export * from "./exception.ts";
export * from "./export_call.ts";
export * from "./func_mark.ts";
export * from "./func_ref.ts";
export * from "./global.ts";
export * from "./gc/collector.ts";
export * from "./gc/extern_ref.ts";
export * from "./gc/collector_options.ts";
export * from "./gc/field_names.ts";
export * from "./gc/count_table.ts";
export * from "./gc/counting.ts";
export * from "./gc/generational.ts";
export * from "./gc/handles.ts";
export * from "./gc/null_collector.ts";
export * from "./gc/heap.ts";
export * from "./gc/object_access.ts";
export * from "./gc/object_data.ts";
export * from "./gc/refs.ts";
export * from "./gc/root_scope.ts";
export * from "./gc/semispace.ts";
export * from "./gc/struct_ref.ts";
export * from "./gc/type_info.ts";
export * from "./gc/type_table.ts";
export * from "./gc/verify.ts";
export * from "./growth.ts";
export * from "./host_call.ts";
export * from "./instance.ts";
export * from "./limiter.ts";
export * from "./limits.ts";
export * from "./link.ts";
export * from "./interrupt_request.ts";
export * from "./memory.ts";
export * from "./meter.ts";
export * from "./memory_recycler.ts";
export * from "./memory_type.ts";
export * from "./parked_calls.ts";
export { canPark, isThenable, park } from "./parking.ts";
export * from "./module_state.ts";
export * from "./signature.ts";
export * from "./stack_maps.ts";
export * from "./store_state.ts";
export * from "./shared_memory.ts";
export * from "./table.ts";
export * from "./table_pool.ts";
export * from "./tag.ts";
export * from "./symbolizer.ts";
export * from "./trap_operands.ts";
export * from "./traps.ts";
export * from "./usage.ts";
export * from "./values.ts";
export {
  DiskCache,
  type DiskCacheOptions,
  type DiskCacheUsage,
  HostError,
  type HostErrorCode,
  sourceStamp,
} from "../host/mod.ts";
