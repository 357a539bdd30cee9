/**
 * Theropod: a WebAssembly runtime for Deno that compiles to machine code itself.
 *
 * ```ts
 * import { Engine, Linker, Module, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const module = Module.fromText(engine, `
 *   (module
 *     (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))`);
 * const { add } = new Linker(engine).instantiate(store, module).exports;
 * assertEquals(add(2, 3), 5);
 * ```
 *
 * It needs x86-64 Linux and `--allow-ffi`.
 *
 * @module
 */
export * from "./lib/engine/mod.ts";
export { TextError } from "./lib/engine/text.ts";
import "./lib/engine/compiler.ts";
import "./lib/engine/symbols.ts";
