/**
 * The front end: the WebAssembly binary format and its validation, for all of WebAssembly 3.0 and the proposals of features.ts.
 *
 * Bytes become a {@linkcode Module} (decode.ts), which is checked (validate/), and is then read by whoever compiles or links
 * it. Everything about single instructions derives from the table in opcodes.ts.
 *
 * May import: base.
 *
 * WASM-1  A `Module` is plain data and immutable; function bodies and data stay in its bytes.
 * WASM-2  Whatever bytes come in, only {@linkcode CompileError} comes out.
 * WASM-3  Types of a module name its own type indices; types in a `TypeRegistry` name canonical ids.
 *
 * @module
 */
export * from "./errors.ts";
export * from "./features.ts";
export * from "./limit_flags.ts";
export * as limits from "./limits.ts";
export * from "./types.ts";
export * from "./type_registry.ts";
export * from "./type_reader.ts";
export * from "./reader.ts";
export * from "./immediate_kinds.ts";
export * from "./opcodes.ts";
export * from "./immediates.ts";
export * from "./instructions.ts";
export * from "./const_expr.ts";
export * from "./sections.ts";
export * from "./module.ts";
export * from "./name_maps.ts";
export * from "./names.ts";
export * from "./branch_hints.ts";
export * from "./decode.ts";
export * from "./required_feature.ts";
export * from "./validate/mod.ts";
