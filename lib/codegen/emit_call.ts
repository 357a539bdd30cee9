/**
 * The machine instructions of calls: sequences like those of emit_sequence.ts, to which they add themselves.
 *
 * What returns by `ret` is called by `call`; what comes back by a jump (host calls and libcalls, whose resumption is a jump from outside)
 * has its return address pushed without a call, so that call and return prediction stay paired (FFI.md 0.6). Every return address is in
 * the call table. After a call that may have run another instance's code, r14 comes back from the frame (REG-1); in a module with tail calls
 * that is every call, since the callee may have handed its place to a function of any instance.
 */

import { VMCTX_SLOT_FROM_RBP, VMFuncRef, VMFunctionImport } from "../abi/mod.ts";
import { calleeNullTrap, calleeTag } from "../ir/mod.ts";
import { COND, NO_REG, packMem } from "../x64/mod.ts";
import type { Emitter } from "./emit.ts";
import { SEQUENCES } from "./emit_sequence.ts";
import { RelocationTarget } from "./function_code.ts";
import { moveConstant } from "./emit_moves.ts";
import * as F from "./isel/forms.ts";
import { STACK_ARGUMENTS_FROM_RBP } from "./isel/control.ts";
import { SCRATCH_XMM } from "./registers.ts";
import { Shape } from "./vcode.ts";

const RAX = 0, RSP = 4, RBP = 5, R9 = 9, R10 = 10, R11 = 11, R14 = 14;
const AT_RBP = packMem(RBP, NO_REG, 0);
const AT_RSP = packMem(RSP, NO_REG, 0);
const AT_R14 = packMem(R14, NO_REG, 0);
const RETURN_ADDRESS_FROM_RBP = 8;

// The callee has popped its stack arguments.
function restoreStack(e: Emitter, stackArgBytes: number): void {
  if (stackArgBytes === 0) return;
  e.asm.ri(F.fitsI8(stackArgBytes) ? F.SUB.imm8[1] : F.SUB.imm32[1], RSP, stackArgBytes);
}

function restoreVmctx(e: Emitter): void {
  e.asm.rm(F.MOV_R64, R14, AT_RBP, VMCTX_SLOT_FROM_RBP);
}

// imm: function, imm2: bytes of stack arguments.
SEQUENCES[Shape.call] = (e, i) => {
  const { code } = e.selector;
  e.asm.rel(F.CALL_REL, 0);
  e.relocate(code.imm[i]);
  e.callHere(code.site[i]);
  restoreStack(e, code.imm2[i]);
  if (e.selector.target.directCalls === "lose vmctx") restoreVmctx(e);
};

// Gives up the frame: rsp is where the callee wants it, on the return address, with `stackArgBytes` of arguments above. Return slots stay
// where they are, so when the arguments take another room than this function's own, the return address moves (CALL-2).
function leaveFrame(e: Emitter, stackArgBytes: number): void {
  const { asm, selector } = e;
  const delta = selector.target.layout(selector.func.signature).stackArgBytes - stackArgBytes;
  if (delta === 0) {
    if (e.frame.exists === 1) asm.op(F.LEAVE);
    return;
  }
  asm.rm(F.MOV_R64, RAX, AT_RBP, RETURN_ADDRESS_FROM_RBP);
  asm.rm(F.MOV_R64, R10, AT_RBP, 0);
  if (delta < 0) {
    // From the outgoing area up over this frame, the last piece first: each one lands above all that are still to be read.
    const to = STACK_ARGUMENTS_FROM_RBP + delta;
    for (let at = stackArgBytes - 16; at >= 0; at -= 16) {
      asm.rm(F.MOVUPS_LOAD, SCRATCH_XMM, AT_RSP, at);
      asm.rm(F.MOVUPS_STORE, SCRATCH_XMM, AT_RBP, to + at);
    }
  }
  asm.rm(F.MOV_STORE[1], RAX, AT_RBP, RETURN_ADDRESS_FROM_RBP + delta);
  asm.rm(F.LEA_64, RSP, AT_RBP, RETURN_ADDRESS_FROM_RBP + delta);
  asm.rr(F.MOV_R64, RBP, R10);
}

/** Upper bound of a tail call's bytes with as many bytes of stack arguments. */
export function tailCallBytes(stackArgBytes: number): number {
  return 48 + (stackArgBytes >> 4) * 18;
}

// imm: function, imm2: bytes of stack arguments.
SEQUENCES[Shape.tailCall] = (e, i) => {
  const { code } = e.selector;
  leaveFrame(e, code.imm2[i]);
  e.asm.rel(F.JMP_REL, 0);
  e.relocate(code.imm[i]);
};

// disp: offset of the VMFunctionImport. Host thunks and functions are entered alike: the return address on top of the stack.
SEQUENCES[Shape.tailCallImport] = (e, i) => {
  const { asm } = e;
  const { code } = e.selector;
  const offset = code.disp[i];
  asm.rm(F.MOV_R64, R11, AT_R14, offset + VMFunctionImport.offsets.body);
  asm.rm(F.MOV_R64, R14, AT_R14, offset + VMFunctionImport.offsets.environment);
  leaveFrame(e, code.imm2[i]);
  asm.r(F.JMP_RM, R11);
};

// r11: address of the VMFuncRef plus tag, imm: calleeImm.
SEQUENCES[Shape.tailCallIndirect] = (e, i) => {
  const { asm } = e;
  const { code } = e.selector;
  const tag = calleeTag(code.imm[i]), nullTrap = calleeNullTrap(code.imm[i]);
  const elem = packMem(R11, NO_REG, 0);
  if (nullTrap !== 0) e.trapHere(nullTrap, code.site[i]);
  asm.rm(F.MOV_R64, R14, elem, VMFuncRef.offsets.vmctx - tag);
  asm.rm(F.MOV_R64, R11, elem, VMFuncRef.offsets.wasmCall - tag);
  leaveFrame(e, code.imm2[i]);
  asm.r(F.JMP_RM, R11);
};

// disp: offset of the VMFunctionImport.
SEQUENCES[Shape.callImport] = (e, i) => {
  const { asm } = e;
  const { code } = e.selector;
  const offset = code.disp[i];
  const host = asm.newLabel(), back = asm.newLabel();
  asm.rm(F.MOV_R64, R11, AT_R14, offset + VMFunctionImport.offsets.body);
  asm.mi(F.CMP.imm8[0], AT_R14, offset + VMFunctionImport.offsets.kind, 0);
  asm.rm(F.MOV_R64, R14, AT_R14, offset + VMFunctionImport.offsets.environment);
  asm.jcc(COND.NE, host);
  asm.r(F.CALL_RM, R11);
  asm.bind(back);
  e.callHere(code.site[i]);
  e.addHostImport(host, back);
  restoreStack(e, code.imm2[i]);
  restoreVmctx(e);
};

// regOp: address of the VMFuncRef plus tag, imm: calleeImm.
SEQUENCES[Shape.callIndirect] = (e, i) => {
  const { asm } = e;
  const { code } = e.selector;
  const elem = packMem(e.reg(code.regOp[i]), NO_REG, 0);
  const tag = calleeTag(code.imm[i]), nullTrap = calleeNullTrap(code.imm[i]);
  if (nullTrap !== 0) e.trapHere(nullTrap, code.site[i]);
  asm.rm(F.MOV_R64, R14, elem, VMFuncRef.offsets.vmctx - tag);
  asm.m(F.CALL_RM, elem, VMFuncRef.offsets.wasmCall - tag);
  e.callHere(code.site[i]);
  restoreStack(e, code.imm2[i]);
  restoreVmctx(e);
};

// imm: number, imm2: stub, disp: place of the memory that a bulk stub works on.
SEQUENCES[Shape.libcall] = (e, i) => {
  const { asm } = e;
  const { code } = e.selector;
  const stub = code.imm2[i];
  if (stub === RelocationTarget.libcallStub) {
    const back = asm.newLabel();
    moveConstant(e, RAX, code.imm[i], 0, 0);
    asm.leaLabel(R11, back);
    asm.r(F.PUSH, R11);
    asm.rel(F.JMP_REL, 0);
    e.relocate(stub);
    asm.bind(back);
  } else {
    // Nearly always done by the stub itself, which returns by `ret`.
    const place = code.disp[i];
    if (place >= 0) asm.rm(F.LEA_64, R9, AT_R14, place);
    else asm.rm(F.MOV_R64, R9, AT_R14, -1 - place);
    moveConstant(e, RAX, code.imm[i], 0, 0);
    asm.rel(F.CALL_REL, 0);
    e.relocate(stub);
  }
  e.callHere(code.site[i]);
};
