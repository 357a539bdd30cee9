/**
 * The intermediate representation: a function in SSA form with block parameters, its construction, analyses, passes and text form.
 *
 * What lives here: the operation table (`ops.ts`), the columns (`func.ts`, invariants IR-1 to IR-5), construction from structured control
 * flow (`builder.ts`), control-flow analyses (`cfg.ts`), the verifier, the text form, and the passes (`passes/`).
 *
 * May import: base. The IR knows neither wasm nor any machine.
 *
 * IR-6  Passes iterate reverse postorder only; a function is verified by `verifyFunc` after construction and after each pass in tests.
 * IR-7  Pass and analysis objects are reusable: the second function compiled allocates nothing that the first one did not outgrow.
 *
 * @module
 */
export * from "./types.ts";
export * from "./lanes.ts";
export * from "./ops.ts";
export * from "./func.ts";
export * from "./effects.ts";
export { resolveAllOperands, resolveOperands } from "./operands.ts";
export { FuncBuilder } from "./builder.ts";
export { ControlFlow } from "./cfg.ts";
export { checkFunc, verifyFunc } from "./verify.ts";
export { printFunc, type PrintOptions } from "./print.ts";
export { IrSyntaxError, parseFunc, parseFuncs } from "./parse.ts";
export { type Changed, GlobalValueNumbering } from "./passes/gvn.ts";
export { RedundantChecks } from "./passes/bounds.ts";
export { SimplifyControlFlow } from "./passes/simplify_cfg.ts";
export { LoopInvariants } from "./passes/licm.ts";
export { DeadCodeElimination } from "./passes/dce.ts";
export { type Effort, optimize, OptimizeScratch } from "./passes/optimize.ts";
