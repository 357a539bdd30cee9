/**
 * Moves: constants, the allocator's moves between locations, and values that are computed again instead of moved.
 *
 * Any of them may stand between two instructions and clobber flags there: none live that long (VC-2).
 */

import { Stress } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { F32, I32, Ir, REF, V128 } from "../ir/mod.ts";
import { isSlot, type Location } from "../regalloc/mod.ts";
import { MEM_LABEL, NO_REG, packMem } from "../x64/mod.ts";
import type { Emitter } from "./emit.ts";
import * as F from "./isel/forms.ts";
import { SCRATCH_XMM } from "./registers.ts";

const RAX = 0, RBP = 5, R14 = 14, R15 = 15;
const AT_RBP = packMem(RBP, NO_REG, 0);
const AT_R14 = packMem(R14, NO_REG, 0);

/** mov of an integer constant in the shortest form; clobbers flags. */
export function moveConstant(e: Emitter, reg: number, lo: number, hi: number, wide: number): void {
  const { asm } = e;
  if (lo === 0 && (hi === 0 || wide === 0)) asm.rr(F.XOR.rm[0], reg, reg);
  else if (wide === 0 || hi === 0) asm.ri(F.MOV_R32_IMM32, reg, lo);
  else if (hi === lo >> 31) asm.ri(F.MOV_M_IMM[1], reg, lo);
  else asm.ri64(F.MOV_R64_IMM64, reg, lo, hi);
}

/** A float constant: zero, or from the pool. */
export function moveFloatConstant(e: Emitter, reg: number, lo: number, hi: number, type: number): void {
  const high = type === F32 ? 0 : hi;
  if (lo === 0 && high === 0) {
    e.asm.rr(F.XORPS, reg, reg);
    return;
  }
  const index = e.selector.constants.scalar(lo, high);
  e.asm.rm(F.FLOAD[type === F32 ? 0 : 1], reg, MEM_LABEL, e.constantLabel(index));
}

/** A vector constant: all zeros, all ones, or from the pool. */
export function moveVectorConstant(e: Emitter, reg: number, w0: number, w1: number, w2: number, w3: number): void {
  if ((w0 | w1 | w2 | w3) === 0) e.asm.rr(F.XORPS, reg, reg);
  else if ((w0 & w1 & w2 & w3) === -1) e.asm.rr(F.PCMPEQD, reg, reg);
  else {
    const index = e.selector.constants.vector(w0, w1, w2, w3);
    e.asm.rm(F.MOVAPS, reg, MEM_LABEL, e.constantLabel(index));
  }
}

/** One move between locations, wide enough for a value of `type` (FRAME-3). */
export function move(e: Emitter, from: Location, to: Location, type: number): void {
  const { asm } = e;
  // Where upper halves are poisoned, moves must not heal them.
  const narrow = (type === I32 && (e.selector.target.stress & Stress.poison) === 0) || type === REF;
  if (isSlot(to)) {
    const disp = e.slotDisp(to);
    if (from < 16) asm.rm(F.MOV_STORE[1], from, AT_RBP, disp);
    else asm.rm(type === V128 ? F.MOVUPS_STORE : F.FSTORE[1], from & 15, AT_RBP, disp);
  } else if (isSlot(from)) {
    const disp = e.slotDisp(from);
    if (to < 16) asm.rm(narrow ? F.MOV_R32 : F.MOV_R64, to, AT_RBP, disp);
    else asm.rm(type === V128 ? F.MOVUPS_LOAD : F.FLOAD[1], to & 15, AT_RBP, disp);
  } else if (to < 16) {
    if (from < 16) asm.rr(narrow ? F.MOV_R32 : F.MOV_R64, to, from);
    else asm.rr(F.FLOAT_TO_INT[1], from & 15, to);
  } else if (from < 16) asm.rr(F.INT_TO_FLOAT[1], to & 15, from);
  else asm.rr(F.MOVAPS, to & 15, from & 15);
}

/** Computes a value that the allocator does not keep, at its place. */
export function rematerialise(e: Emitter, vreg: number, to: Location): void {
  const { selector } = e;
  const { input, vregType } = selector.code;
  const v = input.vregRemat[vreg];
  const type = vregType[vreg];
  const op = selector.op[v];
  if (isSlot(to)) {
    rematerialiseToSlot(e, v, op, type, to);
    return;
  }
  if (op === Ir.iconst) moveConstant(e, to, selector.imm[v], selector.aux[v], type === I32 || type === REF ? 0 : 1);
  else if (op === Ir.fconst) moveFloatConstant(e, to & 15, selector.imm[v], selector.aux[v], type);
  else if (op === Ir.vconst) {
    moveVectorConstant(e, to & 15, selector.b[v], selector.c[v], selector.imm[v], selector.aux[v]);
  } else if (op === Ir.vmctx) e.asm.rr(F.MOV_STORE[1], R14, to);
  else if (op === Ir.record) e.asm.rr(F.MOV_STORE[1], R15, to);
  else {
    e.asm.rm(F.MOV_R64, to, AT_R14, selector.imm[v]);
    if (selector.aux[v] !== NONE) e.asm.rm(F.MOV_R64, to, packMem(to, NO_REG, 0), selector.aux[v]);
  }
}

// A block parameter in a slot may take a constant.
function rematerialiseToSlot(e: Emitter, v: number, op: number, type: number, to: Location): void {
  const { asm, selector } = e;
  const disp = e.slotDisp(to);
  if (op === Ir.iconst || op === Ir.fconst) {
    const isNarrow = type === I32 || type === REF || type === F32;
    const lo = selector.imm[v], hi = isNarrow ? 0 : selector.aux[v];
    if (hi === lo >> 31) asm.mi(F.MOV_M_IMM[1], AT_RBP, disp, lo);
    else {
      asm.mi(F.MOV_M_IMM[0], AT_RBP, disp, lo);
      asm.mi(F.MOV_M_IMM[0], AT_RBP, disp + 4, hi);
    }
  } else if (op === Ir.vconst) {
    asm.mi(F.MOV_M_IMM[0], AT_RBP, disp, selector.b[v]);
    asm.mi(F.MOV_M_IMM[0], AT_RBP, disp + 4, selector.c[v]);
    asm.mi(F.MOV_M_IMM[0], AT_RBP, disp + 8, selector.imm[v]);
    asm.mi(F.MOV_M_IMM[0], AT_RBP, disp + 12, selector.aux[v]);
  } else if (op === Ir.vmctx) asm.rm(F.MOV_STORE[1], R14, AT_RBP, disp);
  else if (op === Ir.record) asm.rm(F.MOV_STORE[1], R15, AT_RBP, disp);
  else if (selector.aux[v] === NONE) {
    asm.rm(F.FLOAD[1], SCRATCH_XMM, AT_R14, selector.imm[v]);
    asm.rm(F.FSTORE[1], SCRATCH_XMM, AT_RBP, disp);
  } else {
    asm.r(F.PUSH, RAX);
    asm.rm(F.MOV_R64, RAX, AT_R14, selector.imm[v]);
    asm.rm(F.MOV_R64, RAX, packMem(RAX, NO_REG, 0), selector.aux[v]);
    asm.rm(F.MOV_STORE[1], RAX, AT_RBP, disp);
    asm.r(F.POP, RAX);
  }
}
