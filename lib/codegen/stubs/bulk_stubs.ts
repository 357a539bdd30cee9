/**
 * Stubs in front of the libcall stub that do short copies and fills of linear memory at once.
 *
 * Leaving the guest costs more than moving a few kilobytes, and compiled C does the latter all the time. Entered like the libcall stub,
 * with the arguments of `memory_copy` (of one memory) or `memory_fill` in place, and in r9 the address of the VMMemoryDefinition. What is
 * out of bounds, or longer than a poll may wait (BULK-1), goes on to the libcall stub with all registers as they came.
 *
 * BULK-STUB-1  No byte is written before the bounds of the whole operation are known to hold: no instruction here can fault.
 * BULK-STUB-2  A copy reads what a store of the same copy may overwrite first: moves go upwards when the destination is below the source,
 *              downwards when it is above and overlaps, and the odd end is read before anything is written.
 */

import { VMMemoryDefinition } from "../../abi/mod.ts";
import { type Assembler, COND, form, type FormId, type Label, NO_REG, packMem } from "../../x64/mod.ts";
import * as F from "../isel/forms.ts";

const RAX = 0, RCX = 1, RDX = 2, RSI = 6, RDI = 7, R8 = 8, R9 = 9, R10 = 10, R11 = 11;
const REP_MOVSB = form("rep movsb"), REP_STOSB = form("rep stosb");
const UNPCKLPD = form("unpcklpd xmm, xmm/m128");

/** Longer operations are done in TypeScript, in chunks with polls between. */
const CHUNK_BYTES = 1 << 16;
/** From here on the string instructions beat a loop of 16-byte moves. */
const STRING_BYTES = 768;
/** rep movsb is slow when source and destination are nearer than a cache line. */
const STRING_DISTANCE = 64;
const BYTES_01_LO = 0x01010101;

/** Goes to `slow` unless [offset, offset + length) lies in the memory; leaves the last valid offset in r10. */
function checkBounds(asm: Assembler, length: number, slow: Label): void {
  asm.ri(F.CMP.imm32[1], length, CHUNK_BYTES);
  asm.jcc(COND.A, slow);
  asm.rm(F.MOV_R64, R10, packMem(R9, NO_REG, 0), VMMemoryDefinition.offsets.currentLengthBytes);
  asm.rr(F.SUB.rm[1], R10, length);
  asm.jcc(COND.B, slow);
}

function checkOffset(asm: Assembler, offset: number, slow: Label): void {
  asm.rr(F.CMP.rm[1], offset, R10);
  asm.jcc(COND.A, slow);
}

// Back to the guest as the libcall stub does it.
function finish(asm: Assembler): void {
  asm.r(F.POP, RCX);
  asm.r(F.JMP_RM, RCX);
}

function branchBelow(asm: Assembler, length: number, bytes: number, label: Label): void {
  asm.ri(F.fitsI8(bytes) ? F.CMP.imm8[1] : F.CMP.imm32[1], length, bytes);
  asm.jcc(COND.B, label);
}

/** Appends the copy stub; `slow` is the libcall stub. Destination rdx, source rcx, length r8. */
export function emitCopyStub(asm: Assembler, slow: Label): void {
  checkBounds(asm, R8, slow);
  checkOffset(asm, RDX, slow);
  checkOffset(asm, RCX, slow);
  asm.rm(F.MOV_R64, R9, packMem(R9, NO_REG, 0), VMMemoryDefinition.offsets.base);
  asm.rr(F.ADD.rm[1], RDX, R9);
  asm.rr(F.ADD.rm[1], RCX, R9);
  const tiny = asm.newLabel(), medium = asm.newLabel();
  branchBelow(asm, R8, 16, tiny);
  asm.ri(F.CMP.imm8[1], R8, 32);
  asm.jcc(COND.A, medium);
  copyEnds(asm, F.MOVUPS_LOAD, F.MOVUPS_STORE, 0, 1, 16);

  asm.bind(tiny);
  for (const [bytes, load, store] of TINY_MOVES) {
    const smaller = asm.newLabel();
    branchBelow(asm, R8, bytes, smaller);
    copyEnds(asm, load, store, R10, R11, bytes);
    asm.bind(smaller);
  }
  finish(asm);

  asm.bind(medium);
  const downwards = asm.newLabel(), moves = asm.newLabel(), up = asm.newLabel(), down = asm.newLabel();
  asm.rr(F.MOV_R64, R10, RDX);
  asm.rr(F.SUB.rm[1], R10, RCX);
  asm.rr(F.CMP.rm[1], R10, R8);
  asm.jcc(COND.B, downwards);
  branchBelow(asm, R8, STRING_BYTES, moves);
  asm.r(F.NEG[1], R10);
  branchBelow(asm, R10, STRING_DISTANCE, moves);
  asm.rr(F.MOV_R64, RDI, RDX);
  asm.rr(F.MOV_R64, RSI, RCX);
  asm.rr(F.MOV_R64, RCX, R8);
  asm.op(REP_MOVSB);
  finish(asm);

  // Upwards by 32 bytes; the last 32, read first, overlap what the loop wrote.
  asm.bind(moves);
  asm.rm(F.LEA_64, R11, packMem(R8, NO_REG, 0), -32);
  copyHalf(asm, F.MOVUPS_LOAD, RCX, R11, 2);
  asm.rr(F.XOR.rm[0], R10, R10);
  asm.bind(up);
  copyHalf(asm, F.MOVUPS_LOAD, RCX, R10, 0);
  copyHalf(asm, F.MOVUPS_STORE, RDX, R10, 0);
  asm.ri(F.ADD.imm8[1], R10, 32);
  asm.rr(F.CMP.rm[1], R10, R11);
  asm.jcc(COND.B, up);
  copyHalf(asm, F.MOVUPS_STORE, RDX, R11, 2);
  finish(asm);

  asm.bind(downwards);
  asm.rr(F.XOR.rm[0], R11, R11);
  copyHalf(asm, F.MOVUPS_LOAD, RCX, R11, 2);
  asm.bind(down);
  copyHalf(asm, F.MOVUPS_LOAD, RCX, R8, 0, -32);
  copyHalf(asm, F.MOVUPS_STORE, RDX, R8, 0, -32);
  asm.ri(F.SUB.imm8[1], R8, 32);
  asm.ri(F.CMP.imm8[1], R8, 32);
  asm.jcc(COND.A, down);
  copyHalf(asm, F.MOVUPS_STORE, RDX, R11, 2);
  finish(asm);
}

// 32 bytes between xmm `first`, `first` + 1 and base + index + disp.
function copyHalf(asm: Assembler, form: FormId, base: number, index: number, first: number, disp = 0): void {
  asm.rm(form, first, packMem(base, index, 0), disp);
  asm.rm(form, first + 1, packMem(base, index, 0), disp + 16);
}

// The first and the last `bytes`, which overlap when the length is less than twice that.
function copyEnds(asm: Assembler, load: FormId, store: FormId, first: number, last: number, bytes: number): void {
  asm.rm(load, first, packMem(RCX, NO_REG, 0), 0);
  asm.rm(load, last, packMem(RCX, R8, 0), -bytes);
  asm.rm(store, first, packMem(RDX, NO_REG, 0), 0);
  asm.rm(store, last, packMem(RDX, R8, 0), -bytes);
  finish(asm);
}

const TINY_MOVES = [
  [8, F.MOV_R64, F.MOV_STORE[1]],
  [4, F.MOV_R32, F.MOV_STORE[0]],
  [2, F.MOVZX_16, F.MOV_STORE_16],
  [1, F.MOVZX_8, F.MOV_STORE_8],
] as const;

/** Appends the fill stub; `slow` is the libcall stub. Destination rsi, byte edx, length rcx. */
export function emitFillStub(asm: Assembler, slow: Label): void {
  checkBounds(asm, RCX, slow);
  checkOffset(asm, RSI, slow);
  asm.rm(F.ADD.rm[1], RSI, packMem(R9, NO_REG, 0), VMMemoryDefinition.offsets.base);
  asm.rr(F.MOVZX_8, RDX, RDX);
  asm.ri64(F.MOV_R64_IMM64, R10, BYTES_01_LO, BYTES_01_LO);
  asm.rr(F.IMUL[1], RDX, R10);
  const tiny = asm.newLabel(), string = asm.newLabel(), loop = asm.newLabel(), last = asm.newLabel();
  branchBelow(asm, RCX, 16, tiny);
  asm.ri(F.CMP.imm32[1], RCX, STRING_BYTES);
  asm.jcc(COND.AE, string);
  asm.rr(F.INT_TO_FLOAT[1], 0, RDX);
  asm.rr(UNPCKLPD, 0, 0);
  asm.rm(F.LEA_64, R11, packMem(RCX, NO_REG, 0), -16);
  asm.rr(F.XOR.rm[0], R10, R10);
  asm.bind(loop);
  asm.rr(F.CMP.rm[1], R10, R11);
  asm.jcc(COND.AE, last);
  asm.rm(F.MOVUPS_STORE, 0, packMem(RSI, R10, 0), 0);
  asm.ri(F.ADD.imm8[1], R10, 16);
  asm.jmp(loop);
  asm.bind(last);
  asm.rm(F.MOVUPS_STORE, 0, packMem(RSI, R11, 0), 0);
  finish(asm);

  asm.bind(tiny);
  for (const [bytes, , store] of TINY_MOVES) {
    const smaller = asm.newLabel();
    branchBelow(asm, RCX, bytes, smaller);
    asm.rm(store, RDX, packMem(RSI, NO_REG, 0), 0);
    asm.rm(store, RDX, packMem(RSI, RCX, 0), -bytes);
    finish(asm);
    asm.bind(smaller);
  }
  finish(asm);

  asm.bind(string);
  asm.rr(F.MOV_R64, RDI, RSI);
  asm.rr(F.MOV_R64, RAX, RDX);
  asm.op(REP_STOSB);
  finish(asm);
}
