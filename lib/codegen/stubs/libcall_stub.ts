/**
 * The artifact's libcall stub: how module code asks the runtime to do something slow in TypeScript.
 *
 * Entered by a jump with the return address on top of the stack, the number in eax, arguments in the integer argument registers. They go
 * to the record, a frame is made so that the walk finds the caller, and the leave stub returns to JavaScript with status libcall. After
 * `resume` the result is in the record; r14 comes back from the caller's frame.
 */

import { INT_ARG_REGS, Status, VMCTX_SLOT_FROM_RBP, VMRecord } from "../../abi/mod.ts";
import { type Assembler, NO_REG, packMem } from "../../x64/mod.ts";
import * as F from "../isel/forms.ts";

const RAX = 0, RCX = 1, RSP = 4, RBP = 5, R14 = 14, R15 = 15;
const AT_R15 = packMem(R15, NO_REG, 0);

/** Appends the libcall stub. */
export function emitLibcallStub(asm: Assembler): void {
  const resume = asm.newLabel();
  for (let k = 0; k < INT_ARG_REGS.length; k++) {
    asm.rm(F.MOV_STORE[1], INT_ARG_REGS[k], AT_R15, VMRecord.offsets.libArg0 + 8 * k);
  }
  asm.rm(F.MOV_STORE[0], RAX, AT_R15, VMRecord.offsets.exitNumber);
  asm.r(F.PUSH, RBP);
  asm.rr(F.MOV_STORE[1], RSP, RBP);
  asm.r(F.PUSH, RBP);
  asm.leaLabel(RCX, resume);
  asm.r(F.PUSH, RCX);
  asm.ri(F.MOV_R32_IMM32, RAX, Status.libcall);
  asm.m(F.JMP_RM, AT_R15, VMRecord.offsets.leaveStub);
  asm.bind(resume);
  asm.r(F.POP, RBP);
  asm.rm(F.MOV_R64, RAX, AT_R15, VMRecord.offsets.libResult);
  asm.r(F.POP, RBP);
  asm.rm(F.MOV_R64, R14, packMem(RBP, NO_REG, 0), VMCTX_SLOT_FROM_RBP);
  asm.r(F.POP, RCX);
  asm.r(F.JMP_RM, RCX);
}
