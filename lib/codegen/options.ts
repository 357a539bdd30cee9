/** What code generation is told from outside. */

/** Options of a module's code generation. */
export interface CodegenOptions {
  /** x64 feature bits (`featureBit` of lib/x64) that the code may use beyond the baseline of SSE4.1 and POPCNT. */
  readonly features: number;
  /** "on": the register allocator's result is checked by the independent checker, function by function. */
  readonly checks: "on" | "off";
  /** Byte offset from vmctx of the VMFunctionImport of imported function `index`. */
  readonly functionImportOffset: (index: number) => number;
  /**
   * Where the VMMemoryDefinition of memory `index` is: its byte offset from vmctx, or `-1 - offset` of the pointer to it. Without this,
   * short copies and fills leave the guest like long ones.
   */
  readonly memoryDefinition?: (index: number) => number;
}
