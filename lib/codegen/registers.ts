/** The registers that generated code may allocate (REG-1). */

import type { RegisterFile } from "../regalloc/mod.ts";

/**
 * rsp, rbp, r14 (vmctx) and r15 (record) are taken. Registers without a REX prefix come first; r12 and r13 last, because as a base they
 * need a SIB or a displacement byte. xmm15 carries moves from slot to slot.
 */
export const REGISTERS: RegisterFile = {
  intOrder: new Uint8Array([0, 1, 2, 6, 7, 3, 8, 9, 10, 11, 12, 13]),
  floatOrder: new Uint8Array([16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]),
  scratchFloat: 31,
};

/** xmm15: free inside any one instruction, never allocated. */
export const SCRATCH_XMM = 15;

/** r11: what a tail call calls; carries no argument, and giving up the frame (rax, r10, xmm15) leaves it alone. */
export const TAIL_CALLEE = 11;

/** All allocatable registers: the clobbers of a call. */
export const ALLOCATABLE: number = maskOf(REGISTERS.intOrder) | maskOf(REGISTERS.floatOrder);

function maskOf(locations: Uint8Array): number {
  let mask = 0;
  for (const location of locations) mask |= 1 << location;
  return mask;
}
