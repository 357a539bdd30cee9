/**
 * The machine instructions of calls: sequences like those of emit_sequence.ts, to which they add themselves.
 *
 * What returns by `ret` is called by `call`; what comes back by a jump (host calls and libcalls, whose resumption is a jump from outside)
 * has its return address pushed without a call, so that call and return prediction stay paired (FFI.md 0.6). Every return address is in
 * the call table. After a call that may have run another instance's code, r14 comes back from the frame (REG-1).
 */

import { VMCTX_SLOT_FROM_RBP, VMFuncRef, VMFunctionImport } from "../abi/mod.ts";
import { COND, NO_REG, packMem } from "../x64/mod.ts";
import type { Emitter } from "./emit.ts";
import { SEQUENCES } from "./emit_sequence.ts";
import { RelocationTarget } from "./function_code.ts";
import * as F from "./isel/forms.ts";
import { Shape } from "./vcode.ts";

const RAX = 0, RSP = 4, RBP = 5, R9 = 9, R11 = 11, R14 = 14;
const AT_RBP = packMem(RBP, NO_REG, 0);
const AT_R14 = packMem(R14, NO_REG, 0);

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

// regOp: address of the VMFuncRef plus tag, imm: the tag.
SEQUENCES[Shape.callIndirect] = (e, i) => {
  const { asm } = e;
  const { code } = e.selector;
  const elem = packMem(e.reg(code.regOp[i]), NO_REG, 0);
  const tag = code.imm[i];
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
    e.moveConstant(RAX, code.imm[i], 0, 0);
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
    e.moveConstant(RAX, code.imm[i], 0, 0);
    asm.rel(F.CALL_REL, 0);
    e.relocate(stub);
  }
  e.callHere(code.site[i]);
};
