/**
 * Translation of WebAssembly function bodies to the intermediate representation.
 *
 * What lives here: the facts of a module that its functions need (`environment.ts`), the driver (`function.ts`), the state that handlers
 * share (`translator.ts`, invariants TR-1 to TR-3), the table from operations to handlers (`table.ts`), and the handlers by family.
 *
 * May import: base, wasm, abi, ir.
 *
 * TRANSLATE-1  The module has been validated: nothing is checked, and what cannot happen in a valid body is not handled.
 * TRANSLATE-2  Every IR instruction carries the offset in the module of the wasm instruction that it stems from.
 * TRANSLATE-3  Whatever the runtime may change while the guest is away (lengths, table bases, globals) is loaded at each use; what it may
 *              not (memory bases, pointers to imported records) is a `vmctx_addr`.
 *
 * @module
 */
export { Places, TranslateEnvironment, type TranslateOptions } from "./environment.ts";
export { translateFunction } from "./function.ts";
export { Translator } from "./translator.ts";
