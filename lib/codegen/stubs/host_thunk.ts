/**
 * The host-call thunk of a function type: how module code calls JavaScript (HOST).
 *
 * Entered as a function of the type, r14 = its VMHostFunc. Arguments go to the value area, the host function's number to the record;
 * then {rbp, resume pc} are pushed and the leave stub returns to JavaScript with status hostCall. `resume` comes back with the results in
 * the area. The caller pushed its return address without a call, so the way back is `pop; jmp` as well (pairing, FFI.md 0.6).
 */

import { type SignatureLayout, Status, VMHostFunc, VMRecord } from "../../abi/mod.ts";
import { type Assembler, NO_REG, packMem } from "../../x64/mod.ts";
import * as F from "../isel/forms.ts";
import { loadFromArea, storeToArea } from "./value_area.ts";

const RAX = 0, RCX = 1, RSP = 4, RBP = 5, R10 = 10, R14 = 14, R15 = 15;
const AT_R15 = packMem(R15, NO_REG, 0);
/** From rbp to the first stack argument: saved rbp and return address. */
const STACK_ARGUMENTS_FROM_RBP = 16;

/** Appends the host-call thunk of a signature. */
export function emitHostThunk(asm: Assembler, layout: SignatureLayout, params: Uint8Array, results: Uint8Array): void {
  const resume = asm.newLabel();
  asm.r(F.PUSH, RBP);
  asm.rr(F.MOV_STORE[1], RSP, RBP);
  if (params.length > 0) asm.rm(F.MOV_R64, RAX, AT_R15, VMRecord.offsets.area);
  for (let i = 0; i < params.length; i++) {
    storeToArea(asm, params[i], i, RAX, layout.params[i], RBP, STACK_ARGUMENTS_FROM_RBP);
  }
  asm.rm(F.MOV_R32, R10, packMem(R14, NO_REG, 0), VMHostFunc.offsets.number);
  asm.rm(F.MOV_STORE[0], R10, AT_R15, VMRecord.offsets.exitNumber);
  asm.r(F.PUSH, RBP);
  asm.leaLabel(RCX, resume);
  asm.r(F.PUSH, RCX);
  asm.ri(F.MOV_R32_IMM32, RAX, Status.hostCall);
  asm.m(F.JMP_RM, AT_R15, VMRecord.offsets.leaveStub);
  asm.bind(resume);
  asm.r(F.POP, RBP);
  if (results.length > 0) asm.rm(F.MOV_R64, RCX, AT_R15, VMRecord.offsets.area);
  for (let i = 0; i < results.length; i++) {
    loadFromArea(asm, results[i], i, RCX, layout.results[i], RBP, STACK_ARGUMENTS_FROM_RBP + layout.stackArgBytes);
  }
  asm.r(F.POP, RBP);
  asm.r(F.POP, RCX);
  const { stackArgBytes } = layout;
  if (stackArgBytes > 0) asm.ri(F.fitsI8(stackArgBytes) ? F.ADD.imm8[1] : F.ADD.imm32[1], RSP, stackArgBytes);
  asm.r(F.JMP_RM, RCX);
}
