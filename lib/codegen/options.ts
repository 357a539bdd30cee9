/** What code generation is told from outside. */

import type { FuelCounting } from "./registers.ts";

/** Whether functions of the module return with the vmctx register as it was: one that ends in a tail call may not. */
export type DirectCalls = "keep vmctx" | "lose vmctx";

/** Options of a module's code generation. */
export interface CodegenOptions {
  /** x64 feature bits (`featureBit` of lib/x64) that the code may use beyond the baseline of SSE4.1 and POPCNT. */
  readonly features: number;
  /** "lose vmctx" for a module with tail calls; "keep vmctx" unless given. */
  readonly directCalls?: DirectCalls;
  /** "on": the register allocator's result is checked by the independent checker, function by function. */
  readonly checks: "on" | "off";
  /** "fuel" for a module that counts fuel: one register fewer is allocatable; "no fuel" unless given. */
  readonly fuel?: FuelCounting;
  /** What to make harder (`stressWord` of lib/abi); nothing if absent. */
  readonly stress?: number;
  /** Byte offset from vmctx of the VMFunctionImport of imported function `index`. */
  readonly functionImportOffset: (index: number) => number;
  /**
   * Where the VMMemoryDefinition of memory `index` is: its byte offset from vmctx, or `-1 - offset` of the pointer to it. Without this,
   * short copies and fills leave the guest like long ones.
   */
  readonly memoryDefinition?: (index: number) => number;
}
