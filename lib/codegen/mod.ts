/**
 * Code generation: IR to x86-64 machine code.
 *
 * ```
 * IR --select--> virtual-register code (vcode.ts) --allocate (lib/regalloc)--> locations and edits --emit--> bytes and tables
 * ```
 * What lives here: instruction selection (`isel/`, rules by family), the order of blocks, the frame, emission, thunks and stubs.
 *
 * May import: base, abi, ir, regalloc, x64. It knows nothing of wasm.
 *
 * Named invariants: VC-1 to VC-4 (vcode.ts), RULE-1 and RULE-2 (isel/rules.ts), SEL-1 to SEL-4 (isel/selector.ts), FRAME-1 to FRAME-3
 * (frame.ts), EMIT-1, EMIT-2, MAP-1 and MAP-2 (emit.ts), BULK-STUB-1 and BULK-STUB-2
 * (stubs/bulk_stubs.ts).
 *
 * @module
 */
export { type CodegenOptions } from "./options.ts";
export { FunctionCompiler } from "./compile_function.ts";
export { FunctionCode, RelocationTarget } from "./function_code.ts";
export { type ModuleCode, ModuleEmitter } from "./module_emitter.ts";
export { RULE_HITS, RULE_NAMES } from "./isel/rules.ts";
export { formFeatures } from "./processor.ts";
export { REGISTERS } from "./registers.ts";
