/**
 * The compiler, as the engine sees it: registered by who loads it, since a process that finds all its modules compiled never needs the
 * hundred and fifty files that it is made of.
 */

import type { CompiledModule, CompileOptions } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import type { Module } from "../wasm/mod.ts";

/** What `lib/compile` offers. */
export interface ModuleCompiler {
  /** Compiles a module that was checked. */
  compileModule(module: Module, options: CompileOptions): CompiledModule;
  /** The artifact of a compiled module. */
  encodeArtifact(module: Module, compiled: CompiledModule): Uint8Array<ArrayBuffer>;
}

let registered: ModuleCompiler | undefined;

/** Makes a compiler the one of this isolate. */
export function useCompiler(compiler: ModuleCompiler): void {
  registered = compiler;
}

/** The isolate's compiler. */
export function moduleCompiler(): ModuleCompiler {
  return registered ?? bug("an entry without the compiler loads compiled modules only");
}
