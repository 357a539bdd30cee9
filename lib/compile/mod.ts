/**
 * Compilation of whole modules: the pipeline over their functions, and the artifact that holds the result.
 *
 * May import: base, wasm, abi, elf, ir, translate, codegen.
 *
 * COMPILE-1  A module is validated, and refused if it needs what is not compiled, before it comes here.
 * COMPILE-2  Equal modules and options give equal bytes.
 *
 * @module
 */
import type { CompiledModule, CompileOptions } from "../abi/mod.ts";
import type { Module } from "../wasm/mod.ts";
import { Compiler } from "./pipeline.ts";

export type { CompileOptions } from "../abi/mod.ts";
export { Compiler } from "./pipeline.ts";
export { encodeArtifact, functionSymbol } from "./artifact.ts";

// The isolate's compiler while nothing is compiled: a listener that compiles another module meanwhile gets one of its own, and one that
// was stopped halfway is not used again.
let idle: Compiler | undefined;

/** Compiles a module with the isolate's compiler. */
export function compileModule(module: Module, options: CompileOptions): CompiledModule {
  const compiler = idle ?? new Compiler();
  idle = undefined;
  const compiled = compiler.compile(module, options);
  idle = compiler;
  return compiled;
}
