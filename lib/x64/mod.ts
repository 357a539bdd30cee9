/**
 * The instruction set: one table of forms, an assembler and a disassembler that are driven by it. Knows nothing of
 * WebAssembly, of the IR, or of registers' roles.
 *
 * May import: base.
 *
 * FORM-1 to FORM-3 in table.ts, ASM-1 to ASM-3 in assembler.ts, BUF-1 to BUF-3 in buffer.ts.
 *
 * @module
 */
export * from "./assembler.ts";
export { type Label } from "./buffer.ts";
export * from "./conditions.ts";
export { type Feature, FEATURES, type Row } from "./forms/row.ts";
export * from "./disassembler.ts";
export * from "./instruction.ts";
export * from "./operands.ts";
export * from "./regs.ts";
export * from "./table.ts";
