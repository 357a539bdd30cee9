/**
 * Stubs in front of the libcall stub that do short copies and fills of linear memory at once.
 *
 * Leaving the guest costs more than moving a few kilobytes, and compiled C does the latter all the time. Called, with the number and
 * the arguments of `memory_copy` (of one memory) or `memory_fill` in place, and in r9 the address of the VMMemoryDefinition. What is
 * out of bounds, or longer than a poll may wait (BULK-1), goes on to the libcall stub with all registers as they came.
 *
 * Sizes are classes, as in glibc's memmove: up to eight 16-byte moves without a loop, each class covered by moves from both ends that
 * overlap in the middle; then a loop of four vectors (32 bytes each where there is AVX2, else 16) with the destination aligned; then, where
 * nothing overlaps, the string instructions.
 *
 * BULK-STUB-1  No byte is written before the bounds of the whole operation are known to hold: no instruction here can fault. (An image
 *              mapped over a memory is padded to whole pages, so every page below the current length is there.)
 * BULK-STUB-2  A copy reads what a store of the same copy may overwrite first: without a loop everything is read before anything is
 *              written; a loop goes upwards when the destination is below the source, downwards when it is above and overlaps, and both
 *              ends, which it may miss, are read before it and written behind it.
 */

import { VMMemoryDefinition } from "../../abi/mod.ts";
import { type Assembler, COND, featureBit, form, type FormId, type Label, NO_REG, packMem } from "../../x64/mod.ts";
import * as F from "../isel/forms.ts";

const RAX = 0, RCX = 1, RDX = 2, RSI = 6, RDI = 7, R8 = 8, R9 = 9, R10 = 10, R11 = 11;
const REP_MOVSB = form("rep movsb"), REP_STOSB = form("rep stosb");
const UNPCKLPD = form("unpcklpd xmm, xmm/m128");
const VMOVUPS_LOAD_256 = form("vmovups ymm, ymm/m256"), VMOVUPS_STORE_256 = form("vmovups ymm/m256, ymm");
const VPBROADCASTB_256 = form("vpbroadcastb ymm, xmm/m8"), VZEROUPPER = form("vzeroupper");

/** Longer operations are done in TypeScript, in chunks with polls between. */
const CHUNK_BYTES = 1 << 16;
/** From here on the string instructions beat the loops. */
const STRING_BYTES = 4096;
/** rep movsb is slow when source and destination are nearer than a cache line. */
const STRING_DISTANCE = 64;
/** Longer ones take a loop: they hold the four vectors that either loop moves at a time. */
const LOOP_BYTES = 128;
const BYTES_01_LO = 0x01010101;

/** The registers that a loop moves with. */
interface Vector {
  readonly bytes: 16 | 32;
  readonly load: FormId;
  readonly store: FormId;
}

const SSE: Vector = { bytes: 16, load: F.MOVUPS_LOAD, store: F.MOVUPS_STORE };
const AVX: Vector = { bytes: 32, load: VMOVUPS_LOAD_256, store: VMOVUPS_STORE_256 };

function vectorOf(features: number): Vector {
  return (features & featureBit("avx2")) !== 0 ? AVX : SSE;
}

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

function finish(asm: Assembler): void {
  asm.op(F.RET);
}

function branchBelow(asm: Assembler, length: number, bytes: number, label: Label): void {
  asm.ri(F.fitsI8(bytes) ? F.CMP.imm8[1] : F.CMP.imm32[1], length, bytes);
  asm.jcc(COND.B, label);
}

function branchAbove(asm: Assembler, length: number, bytes: number, label: Label): void {
  asm.ri(F.fitsI8(bytes) ? F.CMP.imm8[1] : F.CMP.imm32[1], length, bytes);
  asm.jcc(COND.A, label);
}

/** Appends the copy stub; `slow` is the libcall stub. Destination rdx, source rcx, length r8. `features`: of the form table. */
export function emitCopyStub(asm: Assembler, slow: Label, features: number): void {
  checkBounds(asm, R8, slow);
  checkOffset(asm, RDX, slow);
  checkOffset(asm, RCX, slow);
  asm.rm(F.MOV_R64, R9, packMem(R9, NO_REG, 0), VMMemoryDefinition.offsets.base);
  asm.rr(F.ADD.rm[1], RDX, R9);
  asm.rr(F.ADD.rm[1], RCX, R9);
  const tiny = asm.newLabel(), medium = asm.newLabel(), large = asm.newLabel(), loop = asm.newLabel();
  branchBelow(asm, R8, 16, tiny);
  branchAbove(asm, R8, 32, medium);
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
  branchAbove(asm, R8, 64, large);
  copyManyEnds(asm, 2);
  asm.bind(large);
  branchAbove(asm, R8, LOOP_BYTES, loop);
  copyManyEnds(asm, 4);

  asm.bind(loop);
  const downwards = asm.newLabel(), upwards = asm.newLabel();
  asm.rr(F.MOV_R64, R10, RDX);
  asm.rr(F.SUB.rm[1], R10, RCX);
  asm.rr(F.CMP.rm[1], R10, R8);
  asm.jcc(COND.B, downwards);
  branchBelow(asm, R8, STRING_BYTES, upwards);
  asm.r(F.NEG[1], R10);
  branchBelow(asm, R10, STRING_DISTANCE, upwards);
  asm.rr(F.MOV_R64, RDI, RDX);
  asm.rr(F.MOV_R64, RSI, RCX);
  asm.rr(F.MOV_R64, RCX, R8);
  asm.op(REP_MOVSB);
  finish(asm);

  const vector = vectorOf(features);
  asm.bind(upwards);
  copyUpwards(asm, vector);
  asm.bind(downwards);
  copyDownwards(asm, vector);
}

const FROM = packMem(RCX, NO_REG, 0), TO = packMem(RDX, NO_REG, 0);
const FROM_END = packMem(RCX, R8, 0), TO_END = packMem(RDX, R8, 0);

/** `count` vectors between registers from `first` on and memory. */
function moveVectors(
  asm: Assembler,
  form: FormId,
  bytes: number,
  first: number,
  count: number,
  mem: number,
  disp: number,
) {
  for (let k = 0; k < count; k++) asm.rm(form, first + k, mem, disp + k * bytes);
}

// r10 runs from the first aligned place of the destination to four vectors before the end.
function copyUpwards(asm: Assembler, { bytes, load, store }: Vector): void {
  const again = asm.newLabel(), test = asm.newLabel(), step = 4 * bytes;
  moveVectors(asm, load, bytes, 8, 1, FROM, 0);
  moveVectors(asm, load, bytes, 4, 4, FROM_END, -step);
  asm.rr(F.MOV_R64, R10, RDX);
  asm.ri(F.AND.imm8[1], R10, bytes - 1);
  asm.r(F.NEG[1], R10);
  asm.ri(F.ADD.imm8[1], R10, bytes);
  asm.rm(F.LEA_64, R11, packMem(R8, NO_REG, 0), -step);
  asm.jmpShort(test);
  asm.alignCode(16);
  asm.bind(again);
  moveVectors(asm, load, bytes, 0, 4, packMem(RCX, R10, 0), 0);
  moveVectors(asm, store, bytes, 0, 4, packMem(RDX, R10, 0), 0);
  asm.ri(F.SUB.imm8[1], R10, -step);
  asm.bind(test);
  asm.rr(F.CMP.rm[1], R10, R11);
  asm.jcc(COND.B, again);
  moveVectors(asm, store, bytes, 4, 4, TO_END, -step);
  moveVectors(asm, store, bytes, 8, 1, TO, 0);
  finishVectors(asm, bytes);
}

// r10 runs from the last aligned place of the destination down to four vectors behind the start.
function copyDownwards(asm: Assembler, { bytes, load, store }: Vector): void {
  const again = asm.newLabel(), test = asm.newLabel(), step = 4 * bytes;
  moveVectors(asm, load, bytes, 8, 1, FROM_END, -bytes);
  moveVectors(asm, load, bytes, 4, 4, FROM, 0);
  asm.rm(F.LEA_64, R11, TO_END, 0);
  asm.ri(F.AND.imm8[1], R11, bytes - 1);
  asm.rr(F.MOV_R64, R10, R8);
  asm.rr(F.SUB.rm[1], R10, R11);
  asm.jmpShort(test);
  asm.alignCode(16);
  asm.bind(again);
  moveVectors(asm, load, bytes, 0, 4, packMem(RCX, R10, 0), -step);
  moveVectors(asm, store, bytes, 0, 4, packMem(RDX, R10, 0), -step);
  asm.ri(F.ADD.imm8[1], R10, -step);
  asm.bind(test);
  asm.ri(F.CMP.imm32[1], R10, step);
  asm.jcc(COND.A, again);
  moveVectors(asm, store, bytes, 4, 4, TO, 0);
  moveVectors(asm, store, bytes, 8, 1, TO_END, -bytes);
  finishVectors(asm, bytes);
}

// Guest code uses the old encodings, which are slow while upper halves are in use.
function finishVectors(asm: Assembler, bytes: number): void {
  if (bytes === 32) asm.op(VZEROUPPER);
  finish(asm);
}

// `count` 16-byte moves from either end.
function copyManyEnds(asm: Assembler, count: number): void {
  moveVectors(asm, F.MOVUPS_LOAD, 16, 0, count, FROM, 0);
  moveVectors(asm, F.MOVUPS_LOAD, 16, count, count, FROM_END, -16 * count);
  moveVectors(asm, F.MOVUPS_STORE, 16, 0, count, TO, 0);
  moveVectors(asm, F.MOVUPS_STORE, 16, count, count, TO_END, -16 * count);
  finish(asm);
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

/** Appends the fill stub; `slow` is the libcall stub. Destination rsi, byte edx, length rcx. `features`: of the form table. */
export function emitFillStub(asm: Assembler, slow: Label, features: number): void {
  checkBounds(asm, RCX, slow);
  checkOffset(asm, RSI, slow);
  asm.rm(F.ADD.rm[1], RSI, packMem(R9, NO_REG, 0), VMMemoryDefinition.offsets.base);
  asm.rr(F.MOVZX_8, RDX, RDX);
  asm.ri64(F.MOV_R64_IMM64, R10, BYTES_01_LO, BYTES_01_LO);
  asm.rr(F.IMUL[1], RDX, R10);
  const tiny = asm.newLabel(), string = asm.newLabel();
  const vector = vectorOf(features);
  branchBelow(asm, RCX, 16, tiny);
  asm.rr(F.INT_TO_FLOAT[1], 0, RDX);
  asm.rr(UNPCKLPD, 0, 0);
  for (const count of [1, 2, 4]) {
    const larger = asm.newLabel();
    branchAbove(asm, RCX, 32 * count, larger);
    storeVectors(asm, SSE, count, FILLED, 0);
    storeVectors(asm, SSE, count, FILLED_END, -16 * count);
    finish(asm);
    asm.bind(larger);
  }
  asm.ri(F.CMP.imm32[1], RCX, STRING_BYTES);
  asm.jcc(COND.AE, string);
  fillLoop(asm, vector);

  asm.bind(tiny);
  for (const [bytes, , store] of TINY_MOVES) {
    const smaller = asm.newLabel();
    branchBelow(asm, RCX, bytes, smaller);
    asm.rm(store, RDX, FILLED, 0);
    asm.rm(store, RDX, FILLED_END, -bytes);
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

const FILLED = packMem(RSI, NO_REG, 0), FILLED_END = packMem(RSI, RCX, 0);

function storeVectors(asm: Assembler, { bytes, store }: Vector, count: number, mem: number, disp: number): void {
  for (let k = 0; k < count; k++) asm.rm(store, 0, mem, disp + k * bytes);
}

// r10 runs from the first aligned place to four vectors before the end.
function fillLoop(asm: Assembler, vector: Vector): void {
  const { bytes } = vector;
  const again = asm.newLabel(), test = asm.newLabel(), step = 4 * bytes;
  if (bytes === 32) asm.rr(VPBROADCASTB_256, 0, 0);
  storeVectors(asm, vector, 1, FILLED, 0);
  asm.rr(F.MOV_R64, R10, RSI);
  asm.ri(F.AND.imm8[1], R10, bytes - 1);
  asm.r(F.NEG[1], R10);
  asm.ri(F.ADD.imm8[1], R10, bytes);
  asm.rm(F.LEA_64, R11, packMem(RCX, NO_REG, 0), -step);
  asm.jmpShort(test);
  asm.alignCode(16);
  asm.bind(again);
  storeVectors(asm, vector, 4, packMem(RSI, R10, 0), 0);
  asm.ri(F.SUB.imm8[1], R10, -step);
  asm.bind(test);
  asm.rr(F.CMP.rm[1], R10, R11);
  asm.jcc(COND.B, again);
  storeVectors(asm, vector, 4, FILLED_END, -step);
  finishVectors(asm, bytes);
}
