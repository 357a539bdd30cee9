/**
 * The text format of WebAssembly: modules and scripts as people write them.
 *
 * A text becomes columns of tokens (lexer.ts), and these become the bytes of a binary module in one go (parse.ts): no tree is
 * built. What is said once for parser and printer has a file of its own: keywords.ts, numbers.ts, strings.ts. Instructions
 * come from the opcode table of `lib/wasm`; immediates.ts says how each kind of immediate is written.
 *
 * May import: base, wasm.
 *
 * TEXT-1  Whatever the text, the answer is bytes or a {@linkcode TextError}: no recursion follows the depth of the text.
 * TEXT-2  What is well formed is translated; whether it is valid is for `lib/wasm` to say.
 *
 * The other way, printer.ts writes a module's bytes as a text that parses back to them (PRINT-1).
 *
 * @module
 */
export { TextError, type TextPlace } from "./errors.ts";
export { parseModule, type ParseOptions } from "./parse.ts";
export { parseScript, type ScriptAction, type ScriptCommand, type ScriptValue } from "./script.ts";
export { printModule, type PrintOptions } from "./printer.ts";
