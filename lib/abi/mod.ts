/**
 * The contract between compiler and runtime: layouts, calling convention, runtime calls, traps, the compiled module.
 *
 * Compiler and runtime never import each other; both import this.
 *
 * May import: base, wasm.
 *
 * ABI-1  A struct field, a libcall, a trap is described in one row here; offsets, numbers and messages derive from it.
 * ABI-2  Code contains no address and no canonical type id: everything is reached through r14 (VMContext) and r15 (VMRecord).
 *
 * @module
 */
export * from "./layout.ts";
export * from "./gc_layout.ts";
export * from "./stress.ts";
export * from "./vm_structs.ts";
export * from "./table_layout.ts";
export * from "./vm_shape.ts";
export * from "./module_shape.ts";
export * from "./traps.ts";
export * from "./libcalls.ts";
export * from "./component_builtins.ts";
export * from "./exceptions.ts";
export * from "./calling.ts";
export * from "./compiled_module.ts";
export * from "./artifact.ts";
export * from "./code_options.ts";
export * from "./fuel.ts";
