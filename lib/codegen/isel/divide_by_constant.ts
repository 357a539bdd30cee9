/**
 * Selection of division and remainder by a constant: multiplication by a scaled reciprocal.
 *
 * Granlund, Montgomery, "Division by Invariant Integers using Multiplication" (1994); Warren, "Hacker's Delight", chapter 10. For a divisor
 * d and width w the quotient is the high part of n * M, shifted right by s, where M = ceil(2^(w+s) / d) for the least s whose rounding error
 * cannot reach the next quotient.
 *
 * - unsigned: the error M*d - 2^(w+s) may be 2^s at most. M may need w + 1 bits; then its top bit is done by hand:
 *   t = high(n * (M - 2^w)); q = (((n - t) >> 1) + t) >> (s - 1).
 * - signed: the error may be 2^(s+1) at most; the result is off by one for negative n, which n's sign corrects. A 64-bit M of 2^63 and
 *   more is used as M - 2^64, and n added back.
 * - powers of two, signed: add d - 1 to a negative n first, then shift.
 *
 * 32-bit quotients come from one 64-bit product in a register; 64-bit ones from the one-operand mul and imul. A remainder is
 * n - q * d. Divisors 0, 1 and -1 (and what folding missed of them) are left to the general rules.
 */

import { NONE } from "../../base/mod.ts";
import { I32, I64, REF } from "../../ir/mod.ts";
import { type FormId } from "../../x64/mod.ts";
import { Shape } from "../vcode.ts";
import * as F from "./forms.ts";
import type { Rule } from "./rules.ts";
import type { Selector } from "./selector.ts";

const RAX = 0, RDX = 2;

/** A reciprocal: multiplier of `width` bits (the top bit beyond it in `isWide`), and the shift. */
interface Reciprocal {
  readonly multiplier: bigint;
  readonly shift: number;
}

/** The least reciprocal of `divisor` whose error is at most 2^(shift + slack). */
function reciprocal(divisor: bigint, width: bigint, slack: bigint): Reciprocal {
  for (let shift = 0n;; shift++) {
    const power = 1n << width + shift;
    const multiplier = (power + divisor - 1n) / divisor;
    // A power of two has no error and would do with slack for any n; it never gets here.
    if (multiplier * divisor - power <= 1n << shift + slack) return { multiplier, shift: Number(shift) };
  }
}

function constantOf(c: Selector, v: number, signed: boolean): bigint {
  const lo = BigInt(c.imm[v] >>> 0);
  if (c.type[v] === I32 || c.type[v] === REF) return signed ? BigInt.asIntN(32, lo) : lo;
  const bits = BigInt(c.aux[v] >>> 0) << 32n | lo;
  return signed ? BigInt.asIntN(64, bits) : bits;
}

const lowWord = (value: bigint) => Number(BigInt.asIntN(32, value));
const highWord = (value: bigint) => Number(BigInt.asIntN(32, value >> 32n));

// The last step of a quotient goes to the vreg `into`; others make their own.

function shifted(c: Selector, forms: F.Pair, wide: number, x: number, count: number, into: number = NONE): number {
  if (count === 0) return x;
  const result = into !== NONE ? into : c.temp(I64);
  c.twoAddressImmediate(forms[wide], result, x, count);
  return result;
}

function combined(c: Selector, forms: F.Pair, wide: number, x: number, y: number, into: number = NONE): number {
  const result = into !== NONE ? into : c.temp(wide === 1 ? I64 : I32);
  c.twoAddress(forms[wide], result, x, y);
  return result;
}

/** The high 64 bits of x * multiplier. */
function highProduct(c: Selector, form: FormId, x: number, multiplier: bigint): number {
  const { code } = c;
  const factor = c.constant(I64, lowWord(multiplier), highWord(multiplier));
  const high = c.temp(I64);
  const i = code.begin(Shape.m, form);
  code.useFixed(x, RAX);
  code.rmOp[i] = code.use(factor);
  code.defFixedEarly(high, RDX);
  code.clobbers[i] = 1 << RAX;
  return high;
}

/** The 64-bit product of a 64-bit register and a multiplier. */
function product(c: Selector, x: number, multiplier: bigint): number {
  const { code } = c;
  const result = c.temp(I64);
  if (multiplier < 1n << 31n) {
    const i = code.begin(Shape.rmi, F.IMUL_IMM32[1]);
    code.rmOp[i] = code.use(x);
    code.regOp[i] = code.def(result);
    code.imm[i] = Number(multiplier);
  } else c.twoAddress(F.IMUL[1], result, x, c.constant(I64, lowWord(multiplier), highWord(multiplier)));
  return result;
}

function zeroExtended(c: Selector, v: number): number {
  const x = c.reg(v);
  if (c.zeroesUpper(v)) return x;
  const extended = c.temp(I64);
  c.moveZeroExtended(extended, x);
  return extended;
}

/** n / d unsigned, for n = value `v`; in `into`, or in the vreg returned. */
function unsignedQuotient(c: Selector, v: number, divisor: bigint, wide: number, into: number): number {
  const width = wide === 1 ? 64n : 32n;
  const { multiplier, shift } = reciprocal(divisor, width, 0n);
  const isWide = multiplier >> width !== 0n;
  const narrow = BigInt.asUintN(Number(width), multiplier);
  if (wide === 0) {
    const n = zeroExtended(c, v);
    const p = product(c, n, narrow);
    if (!isWide) return shifted(c, F.SHR.imm, 1, p, 32 + shift, into);
    const t = shifted(c, F.SHR.imm, 1, p, 32);
    const half = shifted(c, F.SHR.imm, 0, combined(c, F.SUB.rm, 0, n, t), 1);
    return lastShift(c, 0, half, t, shift - 1, into);
  }
  const n = c.reg(v);
  const high = highProduct(c, F.MUL[1], n, narrow);
  if (!isWide) return shifted(c, F.SHR.imm, 1, high, shift, into);
  const half = shifted(c, F.SHR.imm, 1, combined(c, F.SUB.rm, 1, n, high), 1);
  return lastShift(c, 1, half, high, shift - 1, into);
}

// (x + y) >> count
function lastShift(c: Selector, wide: number, x: number, y: number, count: number, into: number): number {
  if (count === 0) return combined(c, F.ADD.rm, wide, x, y, into);
  return shifted(c, F.SHR.imm, wide, combined(c, F.ADD.rm, wide, x, y), count, into);
}

/** n / d signed, likewise. */
function signedQuotient(c: Selector, v: number, divisor: bigint, wide: number, into: number): number {
  const magnitude = divisor < 0n ? -divisor : divisor;
  const bits = wide === 1 ? 64 : 32;
  let quotient: number;
  if ((magnitude & magnitude - 1n) === 0n) {
    const log2 = magnitude.toString(2).length - 1;
    const n = c.reg(v);
    // bits - 1 copies of the sign, of which log2 stay: d - 1 for negative n.
    const sign = log2 === 1 ? n : shifted(c, F.SAR.imm, wide, n, log2 - 1);
    const bias = shifted(c, F.SHR.imm, wide, sign, bits - log2);
    const biased = combined(c, F.ADD.rm, wide, bias, n);
    if (divisor > 0n) return shifted(c, F.SAR.imm, wide, biased, log2, into);
    c.oneAddress(F.NEG[wide], into, shifted(c, F.SAR.imm, wide, biased, log2));
    return into;
  }
  const { multiplier, shift } = reciprocal(magnitude, BigInt(bits), 1n);
  const n = c.reg(v);
  if (wide === 0) {
    const extended = c.temp(I64);
    c.unary(F.MOVSXD, extended, n);
    quotient = shifted(c, F.SAR.imm, 1, product(c, extended, multiplier), 32 + shift);
  } else {
    const isWide = multiplier >> 63n !== 0n;
    let high = highProduct(c, F.IMUL_WIDE[1], n, BigInt.asIntN(64, multiplier));
    if (isWide) high = combined(c, F.ADD.rm, 1, high, n);
    quotient = shifted(c, F.SAR.imm, 1, high, shift);
  }
  // Truncation is towards minus infinity so far: one more for a negative dividend; the other way round for a negative divisor.
  const sign = shifted(c, F.SAR.imm, wide, n, bits - 1);
  return divisor < 0n
    ? combined(c, F.SUB.rm, wide, sign, quotient, into)
    : combined(c, F.SUB.rm, wide, quotient, sign, into);
}

/** The rule for a division (`part` quotient) or remainder by a constant of at least 2 in magnitude. */
export function byConstant(part: "quotient" | "remainder", signedness: "signed" | "unsigned"): Rule {
  const signed = signedness === "signed";
  return (c, v) => {
    if (!c.isConst(c.b[v])) return false;
    const divisor = constantOf(c, c.b[v], signed);
    if (divisor >= -1n && divisor <= 1n) return false;
    const wide = c.wide(v);
    // Unsigned powers of two have rules of their own; the lowest integer has no magnitude.
    if (!signed && (divisor & divisor - 1n) === 0n) return false;
    if (signed && divisor === -(1n << (wide === 1 ? 63n : 31n))) return false;
    const result = c.own(v);
    const into = part === "quotient" ? result : c.temp(c.type[v]);
    const quotient = signed
      ? signedQuotient(c, c.a[v], divisor, wide, into)
      : unsignedQuotient(c, c.a[v], divisor, wide, into);
    if (part === "quotient") {
      if (quotient !== result) c.unary(F.MOV_LOAD[wide], result, quotient);
      return true;
    }
    const n = c.reg(c.a[v]);
    const product = multiple(c, quotient, divisor, wide);
    c.twoAddress(F.SUB.rm[wide], result, n, product);
    return true;
  };
}

function multiple(c: Selector, quotient: number, divisor: bigint, wide: number): number {
  const { code } = c;
  const result = c.temp(wide === 1 ? I64 : I32);
  const lo = lowWord(divisor);
  if (divisor > 0n && (divisor & divisor - 1n) === 0n) {
    c.twoAddressImmediate(F.SHL.imm[wide], result, quotient, divisor.toString(2).length - 1);
    return result;
  }
  if (wide === 1 && BigInt.asIntN(64, divisor) !== BigInt(lo)) {
    c.twoAddress(F.IMUL[1], result, quotient, c.constant(I64, lo, highWord(divisor)));
    return result;
  }
  const i = code.begin(Shape.rmi, F.fitsI8(lo) ? F.IMUL_IMM8[wide] : F.IMUL_IMM32[wide]);
  code.rmOp[i] = code.use(quotient);
  code.regOp[i] = code.def(result);
  code.imm[i] = lo;
  return result;
}
