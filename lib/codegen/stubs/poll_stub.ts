/**
 * The artifact's poll stub: how module code leaves where an interrupt was asked for, without losing a register (REG-2).
 *
 * Entered by a call out of line. Every register goes to the record's save area, a frame is made so that the walk finds the caller, and the
 * leave stub returns to JavaScript with status interrupted. After `resume` every register has its value again, those of references as the
 * collector has updated them. Flags are dead at a poll (VC-2). The upper halves of vector registers are nobody's: code uses 128 bits.
 *
 * The way back is a `ret`, mispredicted since `enter` and `resume` were in between: polls that leave are rare.
 */

import { SAVED_REGISTERS_OFFSET, SAVED_VECTORS_OFFSET, Status, VMRecord } from "../../abi/mod.ts";
import { type Assembler, NO_REG, packMem } from "../../x64/mod.ts";
import * as F from "../isel/forms.ts";
import { FUEL_REGISTER, type FuelCounting } from "../registers.ts";

const RAX = 0, RCX = 1, RSP = 4, RBP = 5, R15 = 15;
const AT_R15 = packMem(R15, NO_REG, 0);
/** The general registers to save: rsp, rbp (in the frame) and r15 have their values anyway. */
export const SAVED_REGISTERS = [0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14] as const;
const VECTORS = 16;

/** Appends the poll stub. What is left of the fuel is nothing to save: JavaScript may change it (FUELREG-1). */
export function emitPollStub(asm: Assembler, fuel: FuelCounting): void {
  const resume = asm.newLabel();
  const saved = fuel === "fuel" ? SAVED_REGISTERS.filter((r) => r !== FUEL_REGISTER) : SAVED_REGISTERS;
  for (const r of saved) asm.rm(F.MOV_STORE[1], r, AT_R15, SAVED_REGISTERS_OFFSET + 8 * r);
  for (let x = 0; x < VECTORS; x++) asm.rm(F.MOVUPS_STORE, x, AT_R15, SAVED_VECTORS_OFFSET + 16 * x);
  asm.r(F.PUSH, RBP);
  asm.rr(F.MOV_STORE[1], RSP, RBP);
  asm.r(F.PUSH, RBP);
  asm.leaLabel(RCX, resume);
  asm.r(F.PUSH, RCX);
  asm.ri(F.MOV_R32_IMM32, RAX, Status.interrupted);
  asm.m(F.JMP_RM, AT_R15, VMRecord.offsets.leaveStub);
  asm.bind(resume);
  asm.r(F.POP, RBP);
  asm.r(F.POP, RBP);
  for (const r of saved) asm.rm(F.MOV_R64, r, AT_R15, SAVED_REGISTERS_OFFSET + 8 * r);
  for (let x = 0; x < VECTORS; x++) asm.rm(F.MOVUPS_LOAD, x, AT_R15, SAVED_VECTORS_OFFSET + 16 * x);
  asm.op(F.RET);
}
