/**
 * The entry thunk of a function type: how JavaScript's call becomes a call of the convention (ENTER).
 *
 * `enter` jumps here with the address of its done stub on top of the stack, rbp = 0 and r14 = the callee's vmctx (or host record). The
 * thunk loads the arguments from the value area, notes in the context which function is entered (SEEDS 4.1d), calls what the record names, stores the results to the area and leaves by `pop; jmp`,
 * so that call and return prediction stay paired. Its frame ends the frame chain: the saved rbp is 0.
 */

import { type SignatureLayout, VMContextHead, VMRecord } from "../../abi/mod.ts";
import { type Assembler, NO_REG, packMem } from "../../x64/mod.ts";
import * as F from "../isel/forms.ts";
import { loadFromArea, storeToArea } from "./value_area.ts";

const RAX = 0, RCX = 1, RSP = 4, RBP = 5, R14 = 14, R15 = 15;
const AT_R15 = packMem(R15, NO_REG, 0);

/** Appends the entry thunk of a signature. */
export function emitEntryThunk(asm: Assembler, layout: SignatureLayout, params: Uint8Array, results: Uint8Array): void {
  asm.r(F.PUSH, RBP);
  asm.rr(F.MOV_STORE[1], RSP, RBP);
  asm.r(F.PUSH, R14);
  // 8 more, so that rsp is a multiple of 16 at the call.
  const size = layout.stackArgBytes + layout.returnSlotBytes + 8;
  asm.ri(F.fitsI8(size) ? F.SUB.imm8[1] : F.SUB.imm32[1], RSP, size);
  if (params.length > 0) asm.rm(F.MOV_R64, RAX, AT_R15, VMRecord.offsets.area);
  for (let i = 0; i < params.length; i++) loadFromArea(asm, params[i], i, RAX, layout.params[i], RSP, 0);
  asm.rm(F.MOV_R64, RAX, AT_R15, VMRecord.offsets.callee);
  asm.rm(F.MOV_STORE[1], RAX, packMem(R14, NO_REG, 0), VMContextHead.offsets.callee);
  asm.r(F.CALL_RM, RAX);
  // The callee has popped the arguments: return slots are on top.
  if (results.length > 0) asm.rm(F.MOV_R64, RCX, AT_R15, VMRecord.offsets.area);
  for (let i = 0; i < results.length; i++) storeToArea(asm, results[i], i, RCX, layout.results[i], RSP, 0);
  asm.op(F.LEAVE);
  asm.r(F.POP, RCX);
  asm.r(F.JMP_RM, RCX);
}
