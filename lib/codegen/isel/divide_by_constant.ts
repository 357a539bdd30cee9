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
import { I32, I64 } from "../../ir/mod.ts";
import { type FormId } from "../../x64/mod.ts";
import { Shape } from "../vcode.ts";
import * as F from "./forms.ts";
import { Reciprocal } from "./reciprocal.ts";
import type { Rule } from "./rules.ts";
import type { Selector } from "./selector.ts";

const RAX = 0, RDX = 2;

/** The reciprocal in use: of the division being selected. */
const RECIPROCAL = new Reciprocal();
const LOWEST_WORD = -(2 ** 31);

// Divisors come as two signed halves; 32-bit ones are extended as the division reads them.

function isPowerOfTwo(lo: number, hi: number): boolean {
  return lo === 0 ? hi !== 0 && (hi & (hi - 1)) === 0 : hi === 0 && (lo & (lo - 1)) === 0;
}

function log2Of(lo: number, hi: number): number {
  return lo !== 0 ? 31 - Math.clz32(lo) : 63 - Math.clz32(hi);
}

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

/** The high 64 bits of x and the reciprocal's low 64 bits. */
function highProduct(c: Selector, form: FormId, x: number): number {
  const { code } = c;
  const factor = c.constant(I64, RECIPROCAL.lo, RECIPROCAL.hi);
  const high = c.temp(I64);
  const i = code.begin(Shape.m, form);
  code.useFixed(x, RAX);
  code.rmOp[i] = code.use(factor);
  code.defFixedEarly(high, RDX);
  code.clobbers[i] = 1 << RAX;
  return high;
}

/** The 64-bit product of a 64-bit register and the reciprocal's low 32 bits. */
function product(c: Selector, x: number): number {
  const { code } = c;
  const { lo } = RECIPROCAL;
  const result = c.temp(I64);
  if (lo >= 0) {
    const i = code.begin(Shape.rmi, F.IMUL_IMM32[1]);
    code.rmOp[i] = code.use(x);
    code.regOp[i] = code.def(result);
    code.imm[i] = lo;
  } else c.twoAddress(F.IMUL[1], result, x, c.constant(I64, lo, 0));
  return result;
}

function zeroExtended(c: Selector, v: number): number {
  if (c.zeroesUpper(v)) return c.zeroed(v);
  const x = c.reg(v);
  const extended = c.temp(I64);
  c.moveZeroExtended(extended, x);
  return extended;
}

/** n / d unsigned, for n = value `v`; in `into`, or in the vreg returned. */
function unsignedQuotient(c: Selector, v: number, lo: number, hi: number, wide: number, into: number): number {
  RECIPROCAL.find(lo, hi, wide === 1 ? 64 : 32, 0);
  const { shift } = RECIPROCAL;
  if (wide === 0) {
    const isWide = RECIPROCAL.hi !== 0;
    const n = zeroExtended(c, v);
    const p = product(c, n);
    if (!isWide) return shifted(c, F.SHR.imm, 1, p, 32 + shift, into);
    const t = shifted(c, F.SHR.imm, 1, p, 32);
    const half = shifted(c, F.SHR.imm, 0, combined(c, F.SUB.rm, 0, n, t), 1);
    return lastShift(c, 0, half, t, shift - 1, into);
  }
  const isWide = RECIPROCAL.top !== 0;
  const n = c.reg(v);
  const high = highProduct(c, F.MUL[1], n);
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
function signedQuotient(c: Selector, v: number, lo: number, hi: number, wide: number, into: number): number {
  const isNegative = hi < 0;
  const magnitudeLo = isNegative ? -lo | 0 : lo;
  const magnitudeHi = isNegative ? ~hi + (lo === 0 ? 1 : 0) | 0 : hi;
  const bits = wide === 1 ? 64 : 32;
  let quotient: number;
  if (isPowerOfTwo(magnitudeLo, magnitudeHi)) {
    const log2 = log2Of(magnitudeLo, magnitudeHi);
    const n = c.reg(v);
    // bits - 1 copies of the sign, of which log2 stay: d - 1 for negative n.
    const sign = log2 === 1 ? n : shifted(c, F.SAR.imm, wide, n, log2 - 1);
    const bias = shifted(c, F.SHR.imm, wide, sign, bits - log2);
    const biased = combined(c, F.ADD.rm, wide, bias, n);
    if (!isNegative) return shifted(c, F.SAR.imm, wide, biased, log2, into);
    c.oneAddress(F.NEG[wide], into, shifted(c, F.SAR.imm, wide, biased, log2));
    return into;
  }
  RECIPROCAL.find(magnitudeLo, magnitudeHi, bits, 1);
  const { shift } = RECIPROCAL;
  const n = c.reg(v);
  if (wide === 0) {
    const extended = c.temp(I64);
    c.unary(F.MOVSXD, extended, n);
    quotient = shifted(c, F.SAR.imm, 1, product(c, extended), 32 + shift);
  } else {
    const isWide = RECIPROCAL.hi < 0;
    let high = highProduct(c, F.IMUL_WIDE[1], n);
    if (isWide) high = combined(c, F.ADD.rm, 1, high, n);
    quotient = shifted(c, F.SAR.imm, 1, high, shift);
  }
  // Truncation is towards minus infinity so far: one more for a negative dividend; the other way round for a negative divisor.
  const sign = shifted(c, F.SAR.imm, wide, n, bits - 1);
  return isNegative
    ? combined(c, F.SUB.rm, wide, sign, quotient, into)
    : combined(c, F.SUB.rm, wide, quotient, sign, into);
}

/** The rule for a division (`part` quotient) or remainder by a constant of at least 2 in magnitude. */
export function byConstant(part: "quotient" | "remainder", signedness: "signed" | "unsigned"): Rule {
  const signed = signedness === "signed";
  return (c, v) => {
    if (!c.isConst(c.b[v])) return false;
    const wide = c.wide(v);
    const lo = c.imm[c.b[v]];
    const hi = wide === 1 ? c.aux[c.b[v]] : signed ? lo >> 31 : 0;
    if (hi === 0 && (lo === 0 || lo === 1)) return false;
    if (signed ? hi === -1 && lo === -1 : isPowerOfTwo(lo, hi)) return false; // unsigned powers of two have rules of their own
    // The lowest integer has no magnitude.
    if (signed && (wide === 1 ? hi === LOWEST_WORD && lo === 0 : lo === LOWEST_WORD)) return false;
    const result = c.own(v);
    const into = part === "quotient" ? result : c.temp(c.type[v]);
    const quotient = signed
      ? signedQuotient(c, c.a[v], lo, hi, wide, into)
      : unsignedQuotient(c, c.a[v], lo, hi, wide, into);
    if (part === "quotient") {
      if (quotient !== result) c.unary(F.MOV_LOAD[wide], result, quotient);
      return true;
    }
    const n = c.reg(c.a[v]);
    const product = multiple(c, quotient, lo, hi, wide);
    c.twoAddress(F.SUB.rm[wide], result, n, product);
    return true;
  };
}

function multiple(c: Selector, quotient: number, lo: number, hi: number, wide: number): number {
  const { code } = c;
  const result = c.temp(wide === 1 ? I64 : I32);
  if (hi >= 0 && isPowerOfTwo(lo, hi)) {
    c.twoAddressImmediate(F.SHL.imm[wide], result, quotient, log2Of(lo, hi));
    return result;
  }
  if (wide === 1 && hi !== lo >> 31) {
    c.twoAddress(F.IMUL[1], result, quotient, c.constant(I64, lo, hi));
    return result;
  }
  const i = code.begin(Shape.rmi, F.fitsI8(lo) ? F.IMUL_IMM8[wide] : F.IMUL_IMM32[wide]);
  code.rmOp[i] = code.use(quotient);
  code.regOp[i] = code.def(result);
  code.imm[i] = lo;
  return result;
}
