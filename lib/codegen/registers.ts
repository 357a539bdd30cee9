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

/** r13: what is left of the fuel, in modules that count it; then it is not allocatable (FUELREG-1 in emit_poll.ts). */
export const FUEL_REGISTER = 13;

/** Whether code keeps the fuel in {@linkcode FUEL_REGISTER}. */
export type FuelCounting = "fuel" | "no fuel";

/** In which order registers stay for a starved file: one with a task of its own (rax) among those that have none. */
const STARVED_INT_ORDER = [3, 0, 12, 13, 1, 10, 2, 11, 6, 7, 8, 9];
const STARVED_FLOAT_ORDER = [18, 16, 24, 30, 17, 19, 20, 21, 22, 23, 25, 26, 27, 28, 29];

/** The file in which `count` registers a class can be chosen, and the others serve fixed operands only; 0: all can be chosen. */
export function registerFile(count: number, fuel: FuelCounting): RegisterFile {
  const isFree = (register: number) => fuel === "no fuel" || register !== FUEL_REGISTER;
  if (count === 0) {
    return fuel === "no fuel" ? REGISTERS : { ...REGISTERS, intOrder: REGISTERS.intOrder.filter(isFree) };
  }
  const ints = STARVED_INT_ORDER.filter(isFree), floats = STARVED_FLOAT_ORDER;
  return {
    intOrder: Uint8Array.from(ints.slice(0, count)),
    floatOrder: Uint8Array.from(floats.slice(0, count)),
    fixedOnly: Uint8Array.from([...ints.slice(count), ...floats.slice(count)]),
    scratchFloat: REGISTERS.scratchFloat,
  };
}

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
