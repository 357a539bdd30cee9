/**
 * Sequences: operations that take several machine instructions, and their slow paths out of line.
 *
 * A sequence reads its operands' locations through the emitter and may clobber flags (VC-2) and xmm15, which is never allocated. Slow
 * paths run behind the function with the same operands; they fall out at their end, where the emitter jumps back.
 */

import { TrapCode } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { COND, type Cond, type FormId, type Label } from "../x64/mod.ts";
import type { Emitter } from "./emit.ts";
import { moveConstant } from "./emit_moves.ts";
import * as F from "./isel/forms.ts";
import { SCRATCH_XMM } from "./registers.ts";
import { Shape } from "./vcode.ts";

type Sequence = (e: Emitter, i: number) => void;

/** Added to a shape to index the slow path of its sequence in {@linkcode SEQUENCES}. */
export const SLOW_PATH = 64;

/** Sequences by shape, slow paths by shape + SLOW_PATH; unused places are never read. */
export const SEQUENCES: Sequence[] = new Array(2 * SLOW_PATH);

const RDX = 2;

// Division: imm is the width, imm2 1 for signed.

SEQUENCES[Shape.div] = (e, i) => {
  const { code } = e.selector;
  if (code.imm2[i] === 1) e.asm.op(F.SIGN_TO_RDX[code.imm[i]]);
  else e.asm.rr(F.XOR.rm[0], RDX, RDX);
  if (code.trap[i] !== 0) e.trapHere(code.trap[i], code.site[i]);
  e.formAt(code.form[i] as FormId, e.loc(code.rmOp[i]));
};

// x rem -1 is 0, and idiv would fault on the lowest x.
SEQUENCES[Shape.srem] = (e, i) => {
  const { code } = e.selector;
  const { asm } = e;
  const wide = code.imm[i], divisor = e.loc(code.rmOp[i]);
  const divide = asm.newLabel(), done = asm.newLabel();
  e.formImmediateAt(F.CMP.imm8[wide], divisor, -1);
  asm.jccShort(COND.NE, divide);
  asm.rr(F.XOR.rm[0], RDX, RDX);
  asm.jmpShort(done);
  asm.bind(divide);
  asm.op(F.SIGN_TO_RDX[wide]);
  if (code.trap[i] !== 0) e.trapHere(code.trap[i], code.site[i]);
  e.formAt(code.form[i] as FormId, divisor);
  asm.bind(done);
};

// Carries. imm is 0 for sums, 1 for differences.

const LOW_HALF = [F.ADD.rm[1], F.SUB.rm[1]] as const;
const HIGH_HALF = [F.ADC, F.SBB] as const;

/** dst op= source + carry, where the source is operand `source`, or the immediate in disp. */
function highHalf(e: Emitter, i: number, dst: number, source: number): void {
  const { code } = e.selector;
  const forms = HIGH_HALF[code.imm[i]];
  if (source !== NONE) e.formRegisterAt(forms.rm[1], dst, e.loc(source));
  else {
    const imm = code.disp[i];
    e.asm.ri(F.fitsI8(imm) ? forms.imm8[1] : forms.imm32[1], dst, imm);
  }
}

SEQUENCES[Shape.addPair] = (e, i) => {
  const { code } = e.selector;
  const lo = e.reg(code.regOp[i]);
  e.formRegisterAt(F.MOV_R64, lo, e.loc(code.auxOp[i]));
  e.formRegisterAt(LOW_HALF[code.imm[i]], lo, e.loc(code.rmOp[i]));
  highHalf(e, i, e.reg(code.tailDef[i]), code.tailUse[i]);
};

SEQUENCES[Shape.addCarry] = (e, i) => {
  const { code } = e.selector;
  e.formRegisterAt(F.CMP.rm[1], e.reg(code.auxOp[i]), e.loc(code.tailUse[i]));
  highHalf(e, i, e.reg(code.regOp[i]), code.rmOp[i]);
};

// Bit scans leave their destination alone when the source is zero: a conditional move supplies what makes the answer the width.

SEQUENCES[Shape.clzScan] = (e, i) => {
  const { code } = e.selector;
  const { asm } = e;
  const wide = code.imm[i], dst = e.reg(code.regOp[i]), none = e.reg(code.auxOp[i]), bits = 32 << wide;
  asm.ri(F.MOV_R32_IMM32, none, 2 * bits - 1);
  asm.rr(F.BSR[wide], dst, e.reg(code.rmOp[i]));
  asm.rr(F.CMOV[wide] + COND.E as FormId, dst, none);
  asm.ri(F.XOR.imm8[0], dst, bits - 1);
};

SEQUENCES[Shape.ctzScan] = (e, i) => {
  const { code } = e.selector;
  const { asm } = e;
  const wide = code.imm[i], dst = e.reg(code.regOp[i]), none = e.reg(code.auxOp[i]);
  asm.ri(F.MOV_R32_IMM32, none, 32 << wide);
  asm.rr(F.BSF[wide], dst, e.reg(code.rmOp[i]));
  asm.rr(F.CMOV[wide] + COND.E as FormId, dst, none);
};

// Atomic and, or, xor whose old value is wanted. imm: log2 of the width. The first instruction is the one that may fault.

SEQUENCES[Shape.atomicLoop] = (e, i) => {
  const { code } = e.selector;
  const { asm } = e;
  const widthLog2 = code.imm[i], wide = widthLog2 === 3 ? 1 : 0;
  const old = e.reg(code.regOp[i]), combined = e.reg(code.tailUse[i]), operand = e.reg(code.auxOp[i]);
  e.formMemory(F.LOAD_ZERO_EXTENDED[widthLog2], old, i);
  const again = asm.newLabel();
  asm.bind(again);
  asm.rr(F.MOV_LOAD[wide], combined, old);
  asm.rr(code.form[i] as FormId, combined, operand);
  e.formMemory(F.LOCK_CMPXCHG[widthLog2], combined, i);
  asm.jcc(COND.NE, again);
};

// Float minimum and maximum. Three cases: different and ordered; unordered (the sum is a quiet NaN); equal, where only zeros of opposite
// sign differ and or (and) of the bits gives the negative (positive) one.

function minMax(different: F.Pair, equal: FormId): Sequence {
  return (e, i) => {
    const { code } = e.selector;
    const { asm } = e;
    const wide = code.imm[i], dst = e.reg(code.regOp[i]), rhs = e.reg(code.rmOp[i]);
    const ordered = asm.newLabel(), nan = asm.newLabel(), done = asm.newLabel();
    asm.rr(F.UCOMIS[wide], dst, rhs);
    asm.jccShort(COND.NE, ordered);
    asm.jccShort(COND.P, nan);
    asm.rr(equal, dst, rhs);
    asm.jmpShort(done);
    asm.bind(nan);
    asm.rr(F.FADD[wide], dst, rhs);
    asm.jmpShort(done);
    asm.bind(ordered);
    asm.rr(different[wide], dst, rhs);
    asm.bind(done);
  };
}
SEQUENCES[Shape.fmin] = minMax(F.FMIN, F.ORPS);
SEQUENCES[Shape.fmax] = minMax(F.FMAX, F.ANDPS);

// Unsigned 64-bit to float: from 2^63 on, halve (keeping the lost bit for rounding), convert, double.

SEQUENCES[Shape.cvtFromU64] = (e, i) => {
  const { code } = e.selector;
  const { asm } = e;
  const src = e.reg(code.rmOp[i]), dst = e.reg(code.regOp[i]), wide = code.imm2[i];
  const big = asm.newLabel(), done = asm.newLabel();
  asm.rr(F.XORPS, dst, dst);
  asm.rr(F.TEST[1], src, src);
  asm.jcc(COND.S, big);
  asm.rr(F.CVT_FROM_INT[wide][1], dst, src);
  asm.bind(done);
  e.addSlowPath(i, big, done);
};
SEQUENCES[Shape.cvtFromU64 + SLOW_PATH] = (e, i) => {
  const { code } = e.selector;
  const { asm } = e;
  const src = e.reg(code.rmOp[i]), dst = e.reg(code.regOp[i]), wide = code.imm2[i];
  const half = e.reg(code.auxOp[i]), low = e.reg(code.tailUse[i]);
  asm.rr(F.MOV_R64, half, src);
  asm.rr(F.MOV_R32, low, src);
  asm.ri(F.SHR.imm[1], half, 1);
  asm.ri(F.AND.imm8[0], low, 1);
  asm.rr(F.OR.rm[1], half, low);
  asm.rr(F.CVT_FROM_INT[wide][1], dst, half);
  asm.rr(F.FADD[wide], dst, dst);
};

// Truncations. imm: width of the integer; imm2: width of the float.

const TWO_63_F32 = 0x5f000000, TWO_63_F64_HI = 0x43e00000;
// -2^31 and -2^63 as f32, -2^63 as f64; the f64 below -2^31 that still truncates to it is above -2^31 - 1.
const LOW_32_F32 = 0xcf000000 | 0, LOW_64_F32 = 0xdf000000 | 0, LOW_64_F64_HI = 0xc3e00000 | 0;
const BELOW_32_F64_LO = 0x00200000, BELOW_32_F64_HI = 0xc1e00000 | 0;

function pool(e: Emitter, lo: number, hi: number): Label {
  return e.constantLabel(e.selector.constants.scalar(lo, hi));
}

function invalid(e: Emitter, i: number): Label {
  return e.trapLabel(TrapCode.invalid_conversion_to_integer, e.selector.code.site[i]);
}
function overflow(e: Emitter, i: number): Label {
  return e.trapLabel(TrapCode.integer_overflow, e.selector.code.site[i]);
}

/** cvtt to the signed width, then: overflows exactly when the result is the lowest integer. */
function truncateSigned(e: Emitter, i: number): void {
  const { code } = e.selector;
  const { asm } = e;
  const wide = code.imm[i], dst = e.reg(code.regOp[i]), src = e.reg(code.rmOp[i]);
  const special = asm.newLabel(), done = asm.newLabel();
  asm.rr(F.CVT_TO_INT[code.imm2[i]][wide], dst, src);
  asm.ri(F.CMP.imm8[wide], dst, 1);
  asm.jcc(COND.O, special);
  asm.bind(done);
  e.addSlowPath(i, special, done);
}
SEQUENCES[Shape.truncSigned] = truncateSigned;
SEQUENCES[Shape.truncSatSigned] = truncateSigned;

SEQUENCES[Shape.truncSigned + SLOW_PATH] = (e, i) => {
  const { code } = e.selector;
  const { asm } = e;
  const wide = code.imm[i], single = code.imm2[i] === 0, src = e.reg(code.rmOp[i]);
  const compare = F.UCOMIS[code.imm2[i]];
  asm.rr(compare, src, src);
  asm.jcc(COND.P, invalid(e, i));
  // f64 to i32 is in range above -2^31 - 1; the others from their lowest integer on.
  if (single) asm.ripRel(compare, src, pool(e, wide === 0 ? LOW_32_F32 : LOW_64_F32, 0));
  else if (wide === 0) asm.ripRel(compare, src, pool(e, BELOW_32_F64_LO, BELOW_32_F64_HI));
  else asm.ripRel(compare, src, pool(e, 0, LOW_64_F64_HI));
  asm.jcc(!single && wide === 0 ? COND.BE : COND.B, overflow(e, i));
  asm.rr(F.XORPS, SCRATCH_XMM, SCRATCH_XMM);
  asm.rr(compare, src, SCRATCH_XMM);
  asm.jcc(COND.A, overflow(e, i));
};

SEQUENCES[Shape.truncSatSigned + SLOW_PATH] = (e, i) => {
  const { code } = e.selector;
  const { asm } = e;
  const wide = code.imm[i], dst = e.reg(code.regOp[i]), src = e.reg(code.rmOp[i]);
  const compare = F.UCOMIS[code.imm2[i]];
  const zero = asm.newLabel(), keep = asm.newLabel();
  asm.rr(F.XORPS, SCRATCH_XMM, SCRATCH_XMM);
  asm.rr(compare, src, SCRATCH_XMM);
  asm.jccShort(COND.P, zero);
  asm.jccShort(COND.BE, keep);
  moveConstant(e, dst, wide === 0 ? 0x7fffffff : -1, 0x7fffffff, wide);
  asm.jmpShort(keep);
  asm.bind(zero);
  asm.rr(F.XOR.rm[0], dst, dst);
  asm.bind(keep);
};

/** u32: cvtt to 64 bits is right when the upper half is zero. */
function truncateUnsigned32(e: Emitter, i: number): void {
  const { code } = e.selector;
  const { asm } = e;
  const dst = e.reg(code.regOp[i]), high = e.reg(code.auxOp[i]), src = e.reg(code.rmOp[i]);
  const special = asm.newLabel(), done = asm.newLabel();
  asm.rr(F.CVT_TO_INT[code.imm2[i]][1], dst, src);
  asm.rr(F.MOV_R64, high, dst);
  asm.ri(F.SHR.imm[1], high, 32);
  asm.jcc(COND.NE, special);
  asm.bind(done);
  e.addSlowPath(i, special, done);
}
SEQUENCES[Shape.truncUnsigned32] = truncateUnsigned32;
SEQUENCES[Shape.truncSatUnsigned32] = truncateUnsigned32;

function trapUnordered(e: Emitter, i: number): void {
  const src = e.reg(e.selector.code.rmOp[i]);
  e.asm.rr(F.UCOMIS[e.selector.code.imm2[i]], src, src);
  e.asm.jcc(COND.P, invalid(e, i));
  e.asm.jmp(overflow(e, i));
}
SEQUENCES[Shape.truncUnsigned32 + SLOW_PATH] = trapUnordered;

// NaN and negative: 0. Too large: all ones.
function saturateUnsigned(wide: number): Sequence {
  return (e, i) => {
    const { code } = e.selector;
    const { asm } = e;
    const dst = e.reg(code.regOp[i]), src = e.reg(code.rmOp[i]);
    const done = asm.newLabel();
    asm.rr(F.XOR.rm[0], dst, dst);
    asm.rr(F.XORPS, SCRATCH_XMM, SCRATCH_XMM);
    asm.rr(F.UCOMIS[code.imm2[i]], src, SCRATCH_XMM);
    asm.jccShort(COND.BE as Cond, done);
    moveConstant(e, dst, -1, -1, wide);
    asm.bind(done);
  };
}
SEQUENCES[Shape.truncSatUnsigned32 + SLOW_PATH] = saturateUnsigned(0);

/** u64: below 2^63 as signed; from there on less 2^63, with the top bit put back. A negative result of either is special. */
function truncateUnsigned64(e: Emitter, i: number): void {
  const { code } = e.selector;
  const { asm } = e;
  const width = code.imm2[i], dst = e.reg(code.regOp[i]), rest = e.reg(code.auxOp[i]), src = e.reg(code.rmOp[i]);
  const special = asm.newLabel(), big = asm.newLabel(), done = asm.newLabel();
  const limit = width === 0 ? pool(e, TWO_63_F32, 0) : pool(e, 0, TWO_63_F64_HI);
  asm.ripRel(F.UCOMIS[width], src, limit);
  asm.jccShort(COND.AE, big);
  asm.rr(F.CVT_TO_INT[width][1], dst, src);
  asm.rr(F.TEST[1], dst, dst);
  asm.jcc(COND.S, special);
  asm.jmpShort(done);
  asm.bind(big);
  asm.rr(F.MOVAPS, rest, src);
  asm.ripRel(F.FSUB[width], rest, limit);
  asm.rr(F.CVT_TO_INT[width][1], dst, rest);
  asm.rr(F.TEST[1], dst, dst);
  asm.jcc(COND.S, special);
  asm.ri(F.BTC_IMM, dst, 63);
  asm.bind(done);
  e.addSlowPath(i, special, done);
}
SEQUENCES[Shape.truncUnsigned64] = truncateUnsigned64;
SEQUENCES[Shape.truncSatUnsigned64] = truncateUnsigned64;
SEQUENCES[Shape.truncUnsigned64 + SLOW_PATH] = trapUnordered;
SEQUENCES[Shape.truncSatUnsigned64 + SLOW_PATH] = saturateUnsigned(1);

/** 1: the slow path of this shape never comes back. */
export const NEVER_RETURNS: Uint8Array = new Uint8Array(SLOW_PATH);
NEVER_RETURNS[Shape.truncUnsigned32] = 1;
NEVER_RETURNS[Shape.truncUnsigned64] = 1;
