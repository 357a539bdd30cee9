/**
 * Folding rules of integer arithmetic, conversions between integers, and addresses.
 *
 * Canonical forms the rules aim at and rely on: constants stand right; x - c is x + (-c); a multiplication by 2^k is a shift; shift counts
 * are below the width. i64 constants fold by halves (`int64.ts`). Division of i32 by a constant becomes a multiplication in 64 bits
 * (Granlund, Montgomery, "Division by Invariant Integers using Multiplication", 1994; Warren, "Hacker's Delight", chapter 10).
 */

import { NONE } from "../../base/mod.ts";
import type { Emitter } from "../emitter.ts";
import { Ir, type IrOp } from "../ops.ts";
import { I32, I64, type Type } from "../types.ts";
import type { FoldRule } from "./rule.ts";
import {
  add64,
  clz64,
  ctz32,
  ctz64,
  mul64,
  popcnt32,
  R,
  REMAINDER,
  rotl64,
  sdiv64,
  shl64,
  smulh64,
  sshr64,
  sub64,
  udiv64,
  umulh64,
  ushr64,
} from "./int64.ts";

/** Whether the value is an integer constant. */
export function isConst(f: Emitter, value: number): boolean {
  return f.func.op[value] === Ir.iconst;
}

/** Whether the value is the integer constant 0. */
export function isZero(f: Emitter, value: number): boolean {
  const { func } = f;
  return func.op[value] === Ir.iconst && func.imm[value] === 0 && func.aux[value] === 0;
}

/** Whether the value is the integer constant `n`, a small one with its sign. */
export function isInt(f: Emitter, value: number, n: number): boolean {
  const { func } = f;
  return func.op[value] === Ir.iconst && func.imm[value] === n &&
    (func.type[value] === I32 || func.aux[value] === n >> 31);
}

// Exponent k of a constant 2^k (as unsigned), or NONE.
function powerOfTwo(f: Emitter, value: number): number {
  const { func } = f;
  if (func.op[value] !== Ir.iconst) return NONE;
  const lo = func.imm[value];
  if (func.type[value] === I32) return popcnt32(lo) === 1 ? ctz32(lo) : NONE;
  const hi = func.aux[value];
  return popcnt32(lo) + popcnt32(hi) === 1 ? ctz64(lo, hi) : NONE;
}

function widthBits(type: Type): number {
  return type === I32 ? 32 : 64;
}

// A constant operation: computes into R (lo only for i32); false: does not fold.
type Compute = (type: Type, aLo: number, aHi: number, bLo: number, bHi: number) => boolean;

function foldConstants(f: Emitter, type: Type, a: number, b: number, compute: Compute): number {
  const { func } = f;
  if (func.op[a] !== Ir.iconst || func.op[b] !== Ir.iconst) return NONE;
  return compute(type, func.imm[a], func.aux[a], func.imm[b], func.aux[b]) ? f.iconst(type, R.lo, R.hi) : NONE;
}

const ADD: Compute = (_, aLo, aHi, bLo, bHi) => (add64(aLo, aHi, bLo, bHi), true);
const SUB: Compute = (_, aLo, aHi, bLo, bHi) => (sub64(aLo, aHi, bLo, bHi), true);
const MUL: Compute = (_, aLo, aHi, bLo, bHi) => (mul64(aLo, aHi, bLo, bHi), true);
const UMULH: Compute = (_, aLo, aHi, bLo, bHi) => (umulh64(aLo, aHi, bLo, bHi), true);
const SMULH: Compute = (_, aLo, aHi, bLo, bHi) => (smulh64(aLo, aHi, bLo, bHi), true);
const AND: Compute = (_, aLo, aHi, bLo, bHi) => (R.lo = aLo & bLo, R.hi = aHi & bHi, true);
const OR: Compute = (_, aLo, aHi, bLo, bHi) => (R.lo = aLo | bLo, R.hi = aHi | bHi, true);
const XOR: Compute = (_, aLo, aHi, bLo, bHi) => (R.lo = aLo ^ bLo, R.hi = aHi ^ bHi, true);
const SHL: Compute = (type, aLo, aHi, bLo) => (type === I32 ? R.lo = aLo << bLo : shl64(aLo, aHi, bLo), true);
const USHR: Compute = (type, aLo, aHi, bLo) => (type === I32 ? R.lo = aLo >>> bLo : ushr64(aLo, aHi, bLo), true);
const SSHR: Compute = (type, aLo, aHi, bLo) => (type === I32 ? R.lo = aLo >> bLo : sshr64(aLo, aHi, bLo), true);
const ROTL: Compute = (type, aLo, aHi, bLo) => (type === I32 ? R.lo = rotl32(aLo, bLo) : rotl64(aLo, aHi, bLo), true);
const ROTR: Compute = (type, aLo, aHi, bLo) => (type === I32 ? R.lo = rotl32(aLo, -bLo) : rotl64(aLo, aHi, -bLo), true);
// A zero divisor traps and -2^(n-1) / -1 is preceded by a check: both stay.
const UDIV: Compute = (type, aLo, aHi, bLo, bHi) => {
  if (type === I32) bHi = aHi = 0;
  if ((bLo | bHi) === 0) return false;
  udiv64(aLo, aHi, bLo, bHi);
  return true;
};
const UREM: Compute = (type, aLo, aHi, bLo, bHi) =>
  UDIV(type, aLo, aHi, bLo, bHi) && (R.lo = REMAINDER.lo, R.hi = REMAINDER.hi, true);
const SDIV: Compute = (type, aLo, aHi, bLo, bHi) => {
  if (type === I32) {
    if (bLo === 0 || bLo === -1 && aLo === -0x80000000) return false;
    R.lo = (aLo / bLo) | 0;
    return true;
  }
  if ((bLo | bHi) === 0 || (bLo & bHi) === -1 && aLo === 0 && aHi === -0x80000000) return false;
  sdiv64(aLo, aHi, bLo, bHi);
  return true;
};
const SREM: Compute = (type, aLo, aHi, bLo, bHi) => {
  if (type === I32) return bLo !== 0 && (R.lo = bLo === -1 ? 0 : (aLo % bLo) | 0, true);
  if ((bLo | bHi) === 0) return false;
  sdiv64(aLo, aHi, bLo, bHi);
  R.lo = REMAINDER.lo;
  R.hi = REMAINDER.hi;
  return true;
};

function rotl32(value: number, count: number): number {
  return value << count | value >>> (32 - (count & 31) & 31) & (count & 31 ? -1 : 0);
}

// (x op c1) op c2 = x op (c1 op c2)
function reassociate(f: Emitter, op: IrOp, type: Type, a: number, b: number, compute: Compute): number {
  const { func } = f;
  if (func.op[a] !== op) return NONE;
  const inner = func.resolve(func.b[a]);
  const combined = foldConstants(f, type, inner, b, compute);
  return combined === NONE ? NONE : f.emit(op, type, func.resolve(func.a[a]), combined, NONE, 0, 0);
}

// Constants, constant to the right, reassociation: common to the commutative operations. `special` sees b constant.
function commutative(op: IrOp, compute: Compute, special: FoldRule, same: FoldRule | null): FoldRule {
  return (f, type, a, b, c, imm, aux) => {
    if (isConst(f, a)) {
      if (isConst(f, b)) return foldConstants(f, type, a, b, compute);
      return f.emit(op, type, b, a, NONE, 0, 0);
    }
    if (isConst(f, b)) {
      const result = special(f, type, a, b, c, imm, aux);
      return result !== NONE ? result : reassociate(f, op, type, a, b, compute);
    }
    return a === b && same !== null ? same(f, type, a, b, c, imm, aux) : NONE;
  };
}

const first: FoldRule = (_f, _type, a) => a;
const zero: FoldRule = (f, type) => f.iconst(type, 0, 0);

const isub: FoldRule = (f, type, a, b) => {
  const folded = foldConstants(f, type, a, b, SUB);
  if (folded !== NONE) return folded;
  if (a === b) return f.iconst(type, 0, 0);
  if (isConst(f, b)) {
    sub64(0, 0, f.func.imm[b], f.func.aux[b]);
    return f.emit(Ir.iadd, type, a, f.iconst(type, R.lo, R.hi), NONE, 0, 0);
  }
  return NONE;
};

const mulByConst: FoldRule = (f, type, a, b) => {
  if (isZero(f, b)) return b;
  if (isInt(f, b, 1)) return a;
  if (isInt(f, b, -1)) return f.emit(Ir.isub, type, f.iconst(type, 0, 0), a, NONE, 0, 0);
  const k = powerOfTwo(f, b);
  return k === NONE ? NONE : f.emit(Ir.ishl, type, a, f.iconst(type, k, 0), NONE, 0, 0);
};

/**
 * High halves of products: constants; what a power of two shifts out; and factors extended by `extension` from 32 bits, whose product
 * fits 64 bits, so that the high half is its extension.
 */
function multiplyHigh(op: IrOp, compute: Compute, extension: IrOp): FoldRule {
  const isSigned = extension === Ir.sextend;
  const shiftRight = isSigned ? Ir.sshr : Ir.ushr;
  return (f, type, a, b) => {
    const { func } = f;
    if (isConst(f, a)) {
      return isConst(f, b) ? foldConstants(f, type, a, b, compute) : f.emit(op, type, b, a, NONE, 0, 0);
    }
    if (isZero(f, b)) return b;
    const k = powerOfTwo(f, b);
    // 2^63 is negative as a signed factor; 2^0 leaves the extension.
    if (k > 0 && !(isSigned && k === 63)) return f.emit(shiftRight, type, a, f.iconst(type, 64 - k, 0), NONE, 0, 0);
    if (k === 0) return isSigned ? f.emit(Ir.sshr, type, a, f.iconst(type, 63, 0), NONE, 0, 0) : f.iconst(type, 0, 0);
    if (func.op[a] !== extension || func.op[b] !== extension) return NONE;
    if (!isSigned) return f.iconst(type, 0, 0);
    return f.emit(Ir.sshr, type, f.emit(Ir.imul, type, a, b, NONE, 0, 0), f.iconst(type, 63, 0), NONE, 0, 0);
  };
}

const andByConst: FoldRule = (f, _type, a, b) => {
  const { func } = f;
  if (isZero(f, b)) return b;
  if (isInt(f, b, -1)) return a;
  // The mask keeps all bits the value can have.
  const low = func.imm[b];
  if ((low & 0xff) === 0xff && func.op[a] === Ir.load8_u) return a;
  if ((low & 0xffff) === 0xffff && func.op[a] === Ir.load16_u) return a;
  if (low === -1 && (func.op[a] === Ir.uextend || func.op[a] === Ir.load32_u)) return a;
  if ((low & 1) === 1 && isBoolean(f, a)) return a;
  return NONE;
};

const xorByConst: FoldRule = (f, _type, a, b) => {
  if (isZero(f, b)) return a;
  return isInt(f, b, 1) && f.func.type[a] === I32 ? invert(f, a) : NONE;
};

/** Whether the value is 0 or 1 by its operation. */
export function isBoolean(f: Emitter, value: number): boolean {
  const op = f.func.op[value];
  return op === Ir.icmp || op === Ir.fcmp;
}

/** The logical negation of a comparison, or NONE: float order has no negation, NaN is neither less nor not less. */
export function invert(f: Emitter, value: number): number {
  const { func } = f;
  const op = func.op[value];
  const cond = func.imm[value];
  if (op !== Ir.icmp && (op !== Ir.fcmp || cond > 1)) return NONE;
  return f.emit(op, I32, func.resolve(func.a[value]), func.resolve(func.b[value]), NONE, cond ^ 1, 0);
}

const udiv: FoldRule = (f, type, a, b) => {
  const folded = foldConstants(f, type, a, b, UDIV);
  if (folded !== NONE || !isConst(f, b)) return folded;
  const k = powerOfTwo(f, b);
  if (k !== NONE) return f.emit(Ir.ushr, type, a, f.iconst(type, k, 0), NONE, 0, 0);
  return type === I32 && !isZero(f, b) ? divideUnsigned(f, a, f.func.imm[b] >>> 0) : NONE;
};

const urem: FoldRule = (f, type, a, b) => {
  const folded = foldConstants(f, type, a, b, UREM);
  if (folded !== NONE || !isConst(f, b)) return folded;
  if (powerOfTwo(f, b) !== NONE) {
    sub64(f.func.imm[b], f.func.aux[b], 1, 0);
    return f.emit(Ir.band, type, a, f.iconst(type, R.lo, R.hi), NONE, 0, 0);
  }
  if (type !== I32 || isZero(f, b)) return NONE;
  return remainder(f, a, divideUnsigned(f, a, f.func.imm[b] >>> 0), b);
};

const sdiv: FoldRule = (f, type, a, b) => {
  const folded = foldConstants(f, type, a, b, SDIV);
  if (folded !== NONE || !isConst(f, b) || isZero(f, b)) return folded;
  if (isInt(f, b, 1)) return a;
  if (isInt(f, b, -1)) return f.emit(Ir.isub, type, f.iconst(type, 0, 0), a, NONE, 0, 0); // overflow was checked before
  const k = powerOfTwo(f, b);
  // 2^(n-1) as a signed divisor is negative: left to the instruction.
  if (k !== NONE) return k === widthBits(type) - 1 ? NONE : dividePowerOfTwo(f, type, a, k);
  return type === I32 && f.func.imm[b] > 0 ? divideSigned(f, a, f.func.imm[b]) : NONE;
};

const srem: FoldRule = (f, type, a, b) => {
  const folded = foldConstants(f, type, a, b, SREM);
  if (folded !== NONE || !isConst(f, b) || isZero(f, b)) return folded;
  if (isInt(f, b, 1) || isInt(f, b, -1)) return f.iconst(type, 0, 0);
  const k = powerOfTwo(f, b);
  if (k !== NONE) {
    if (k === widthBits(type) - 1) return NONE;
    const quotient = dividePowerOfTwo(f, type, a, k);
    const multiple = f.emit(Ir.ishl, type, quotient, f.iconst(type, k, 0), NONE, 0, 0);
    return f.emit(Ir.isub, type, a, multiple, NONE, 0, 0);
  }
  return type === I32 && f.func.imm[b] > 0 ? remainder(f, a, divideSigned(f, a, f.func.imm[b]), b) : NONE;
};

function remainder(f: Emitter, a: number, quotient: number, b: number): number {
  return f.emit(Ir.isub, I32, a, f.emit(Ir.imul, I32, quotient, b, NONE, 0, 0), NONE, 0, 0);
}

// x / 2^k = (x + (x < 0 ? 2^k - 1 : 0)) >> k
function dividePowerOfTwo(f: Emitter, type: Type, a: number, k: number): number {
  const width = widthBits(type);
  const sign = f.emit(Ir.sshr, type, a, f.iconst(type, width - 1, 0), NONE, 0, 0);
  const bias = f.emit(Ir.ushr, type, sign, f.iconst(type, width - k, 0), NONE, 0, 0);
  const biased = f.emit(Ir.iadd, type, a, bias, NONE, 0, 0);
  return f.emit(Ir.sshr, type, biased, f.iconst(type, k, 0), NONE, 0, 0);
}

// x / d for 32-bit unsigned x, d not a power of two: with s = ceil(log2 d) and m = ceil(2^(32+s) / d), a 33-bit number, x * m >> (32 + s).
// When the 32-bit m for s - 1 is exact enough, one multiplication does; else the top bit of m is added separately.
function divideUnsigned(f: Emitter, a: number, divisor: number): number {
  const s = 32 - Math.clz32(divisor - 1);
  const wide = f.emit(Ir.uextend, I64, a, NONE, NONE, 0, 0);
  // m for s - 1: below 2^32. Its excess e = m * d - 2^(31+s) must be at most 2^(s-1).
  const scale = 2 ** (31 + s); // exact as a double, and so are the remainder and sums below (under 2^53 where needed)
  const excess = divisor - moduloOfPower(31 + s, divisor);
  if (excess <= 2 ** (s - 1)) {
    const m = ceilDivide(scale, divisor);
    const product = f.emit(Ir.imul, I64, wide, f.iconst64(m, m / 0x100000000), NONE, 0, 0);
    return f.emit(Ir.wrap, I32, f.emit(Ir.ushr, I64, product, f.iconst64(31 + s, 0), NONE, 0, 0), NONE, NONE, 0, 0);
  }
  // m - 2^32 for s; then q = (((x - t) >> 1) + t) >> (s - 1) with t = x * (m - 2^32) >> 32.
  const m = ceilDivide(2 ** (32 + s), divisor) - 0x100000000;
  const product = f.emit(Ir.imul, I64, wide, f.iconst64(m, 0), NONE, 0, 0);
  const t = f.emit(Ir.wrap, I32, f.emit(Ir.ushr, I64, product, f.iconst64(32, 0), NONE, 0, 0), NONE, NONE, 0, 0);
  const half = f.emit(Ir.ushr, I32, f.emit(Ir.isub, I32, a, t, NONE, 0, 0), f.iconst32(1), NONE, 0, 0);
  const sum = f.emit(Ir.iadd, I32, half, t, NONE, 0, 0);
  return f.emit(Ir.ushr, I32, sum, f.iconst32(s - 1), NONE, 0, 0);
}

// x / d for 32-bit signed x and 2 < d < 2^31, no power of two: with s = ceil(log2 d), m = ceil(2^(31+s) / d) < 2^32:
// (x * m >> (31 + s)) + (x < 0 ? 1 : 0), in 64 bits.
function divideSigned(f: Emitter, a: number, divisor: number): number {
  const s = 32 - Math.clz32(divisor - 1);
  const m = ceilDivide(2 ** (31 + s), divisor);
  const wide = f.emit(Ir.sextend, I64, a, NONE, NONE, 0, 0);
  const product = f.emit(Ir.imul, I64, wide, f.iconst64(m, m / 0x100000000), NONE, 0, 0);
  const high = f.emit(Ir.wrap, I32, f.emit(Ir.sshr, I64, product, f.iconst64(31 + s, 0), NONE, 0, 0), NONE, NONE, 0, 0);
  const isNegative = f.emit(Ir.ushr, I32, a, f.iconst32(31), NONE, 0, 0);
  return f.emit(Ir.iadd, I32, high, isNegative, NONE, 0, 0);
}

// 2^exponent mod divisor
function moduloOfPower(exponent: number, divisor: number): number {
  let rest = 1;
  for (let i = 0; i < exponent; i++) rest = rest * 2 % divisor; // below 2^33: exact
  return rest;
}

// ceil(power / divisor) for a power of two from 2^32 to 2^64 that the divisor does not divide: floor((power - 1) / divisor) + 1.
function ceilDivide(power: number, divisor: number): number {
  udiv64(-1, (power / 0x100000000 - 1) | 0, divisor | 0, 0);
  return (R.hi >>> 0) * 0x100000000 + (R.lo >>> 0) + 1;
}

// Counts are taken modulo the width; `zero << n` is zero.
function shift(op: IrOp, compute: Compute, combine: FoldRule | null): FoldRule {
  return (f, type, a, b, c, imm, aux) => {
    const folded = foldConstants(f, type, a, b, compute);
    if (folded !== NONE) return folded;
    if (isZero(f, a)) return a;
    if (!isConst(f, b)) return NONE;
    const count = f.func.imm[b] & (widthBits(type) - 1);
    if (count === 0) return a;
    if (count !== f.func.imm[b]) return f.emit(op, type, a, f.iconst(type, count, 0), NONE, 0, 0);
    return combine === null ? NONE : combine(f, type, a, count, c, imm, aux);
  };
}

// The constant count of a shift of this operation, or NONE.
function shiftCount(f: Emitter, value: number, op: IrOp): number {
  const { func } = f;
  if (func.op[value] !== op) return NONE;
  const count = func.resolve(func.b[value]);
  return func.op[count] === Ir.iconst ? func.imm[count] & (widthBits(func.type[value]) - 1) : NONE;
}

function addCounts(op: IrOp): FoldRule {
  return (f, type, a, count) => {
    const inner = shiftCount(f, a, op);
    const width = widthBits(type);
    if (inner === NONE || inner === 0) return NONE;
    const total = inner + count;
    const value = f.func.resolve(f.func.a[a]);
    if (total < width) return f.emit(op, type, value, f.iconst(type, total, 0), NONE, 0, 0);
    return op === Ir.sshr ? f.emit(op, type, value, f.iconst(type, width - 1, 0), NONE, 0, 0) : f.iconst(type, 0, 0);
  };
}

const addShr = addCounts(Ir.ushr);
const addSar = addCounts(Ir.sshr);

// x << n >> n keeps the low bits.
const ushrCombine: FoldRule = (f, type, a, count, c, imm, aux) => {
  if (shiftCount(f, a, Ir.ishl) !== count) return addShr(f, type, a, count, c, imm, aux);
  ushr64(-1, type === I32 ? 0 : -1, count);
  if (type === I64 && R.hi !== 0) return NONE; // a mask that no immediate holds
  return f.emit(Ir.band, type, f.func.resolve(f.func.a[a]), f.iconst(type, R.lo, R.hi), NONE, 0, 0);
};

const sshrCombine: FoldRule = (f, type, a, count, c, imm, aux) => {
  if (shiftCount(f, a, Ir.ishl) !== count) return addSar(f, type, a, count, c, imm, aux);
  const bits = widthBits(type) - count;
  const op = bits === 8 ? Ir.sext8 : bits === 16 ? Ir.sext16 : bits === 32 ? Ir.sext32 : NONE;
  return op === NONE ? NONE : f.emit(op, type, f.func.resolve(f.func.a[a]), NONE, NONE, 0, 0);
};

function unaryConst(compute32: (value: number) => number, compute64: (lo: number, hi: number) => number): FoldRule {
  return (f, type, a) => {
    if (!isConst(f, a)) return NONE;
    return f.iconst(type, type === I32 ? compute32(f.func.imm[a]) : compute64(f.func.imm[a], f.func.aux[a]), 0);
  };
}

// Sign extension of the low `bits`; what the operand does above them does not matter.
function signExtend(op: IrOp, bits: number): FoldRule {
  const shiftBits = 32 - bits;
  return (f, type, a) => {
    const { func } = f;
    if (isConst(f, a)) {
      const value = func.imm[a] << shiftBits >> shiftBits;
      return f.iconst(type, value, value >> 31);
    }
    const inner = func.op[a];
    if (inner === op || bits > 8 && inner === Ir.sext8 || bits > 16 && inner === Ir.sext16) return a;
    if (op === Ir.sext32) {
      if (inner === Ir.sextend || inner === Ir.load32_s || inner === Ir.load16_s || inner === Ir.load8_s) return a;
      if (inner === Ir.uextend) return f.emit(Ir.sextend, I64, func.resolve(func.a[a]), NONE, NONE, 0, 0);
    }
    if (inner === Ir.band) {
      const mask = func.resolve(func.b[a]);
      const low = bits === 32 ? -1 : (1 << bits) - 1;
      if (isConst(f, mask) && (func.imm[mask] & low) === low) {
        return f.emit(op, type, func.resolve(func.a[a]), NONE, NONE, 0, 0);
      }
    }
    return NONE;
  };
}

const uextend: FoldRule = (f, _type, a) => isConst(f, a) ? f.iconst64(f.func.imm[a], 0) : NONE;

const sextend: FoldRule = (f, _type, a) => {
  const { func } = f;
  if (isConst(f, a)) return f.iconst64(func.imm[a], func.imm[a] >> 31);
  return func.op[a] === Ir.wrap ? f.emit(Ir.sext32, I64, func.resolve(func.a[a]), NONE, NONE, 0, 0) : NONE;
};

const wrap: FoldRule = (f, _type, a) => {
  const { func } = f;
  const op = func.op[a];
  if (op === Ir.iconst) return f.iconst32(func.imm[a]);
  const inner = func.a[a];
  if (op === Ir.uextend || op === Ir.sextend) return func.resolve(inner);
  if (op === Ir.sext32) return f.emit(Ir.wrap, I32, func.resolve(inner), NONE, NONE, 0, 0);
  if (op === Ir.band) {
    const mask = func.resolve(func.b[a]);
    if (isConst(f, mask) && func.imm[mask] === -1) return f.emit(Ir.wrap, I32, func.resolve(inner), NONE, NONE, 0, 0);
  }
  return NONE;
};

const addrAdd: FoldRule = (f, type, a, b) => {
  const { func } = f;
  if (isZero(f, b)) return a;
  if (!isConst(f, b) || func.op[a] !== Ir.addr_add) return NONE;
  const inner = func.resolve(func.b[a]);
  if (!isConst(f, inner)) return NONE;
  add64(func.imm[inner], func.aux[inner], func.imm[b], func.aux[b]);
  return f.emit(Ir.addr_add, type, func.resolve(func.a[a]), f.iconst64(R.lo, R.hi), NONE, 0, 0);
};

const orByConst: FoldRule = (f, _type, a, b) => isZero(f, b) ? a : isInt(f, b, -1) ? b : NONE;
const addByConst: FoldRule = (f, _type, a, b) => isZero(f, b) ? a : NONE;

/** Rules by operation name. */
export const INT_RULES = {
  iadd: commutative(Ir.iadd, ADD, addByConst, null),
  isub,
  imul: commutative(Ir.imul, MUL, mulByConst, null),
  umulh: multiplyHigh(Ir.umulh, UMULH, Ir.uextend),
  smulh: multiplyHigh(Ir.smulh, SMULH, Ir.sextend),
  sdiv,
  udiv,
  srem,
  urem,
  band: commutative(Ir.band, AND, andByConst, first),
  bor: commutative(Ir.bor, OR, orByConst, first),
  bxor: commutative(Ir.bxor, XOR, xorByConst, zero),
  ishl: shift(Ir.ishl, SHL, addCounts(Ir.ishl)),
  ushr: shift(Ir.ushr, USHR, ushrCombine),
  sshr: shift(Ir.sshr, SSHR, sshrCombine),
  rotl: shift(Ir.rotl, ROTL, null),
  rotr: shift(Ir.rotr, ROTR, null),
  clz: unaryConst(Math.clz32, clz64),
  ctz: unaryConst(ctz32, ctz64),
  popcnt: unaryConst(popcnt32, (lo, hi) => popcnt32(lo) + popcnt32(hi)),
  sext8: signExtend(Ir.sext8, 8),
  sext16: signExtend(Ir.sext16, 16),
  sext32: signExtend(Ir.sext32, 32),
  uextend,
  sextend,
  wrap,
  addr_add: addrAdd,
} as const;
