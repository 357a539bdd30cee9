/**
 * Folding rules of floats and of conversions that involve them.
 *
 * Constants are bits; arithmetic goes through one shared view. JavaScript numbers are doubles: an f32 sum, product, quotient or root computed
 * in double and rounded once more is the f32 result (double has more than twice the bits; Figueroa, "When is double rounding innocuous?",
 * 1995). Results that are NaN do not fold (FOLD-1), nor does x + 0 (-0) or x * 1 (it quiets a signalling NaN).
 */

import { NONE } from "../../base/mod.ts";
import type { Emitter } from "../emitter.ts";
import { Ir, type IrOp } from "../ops.ts";
import { ADDR, F32, F64, I32, REF, type Type } from "../types.ts";
import type { FoldRule } from "./rule.ts";

const FLOAT64 = new Float64Array(1);
const FLOAT32 = new Float32Array(FLOAT64.buffer);
const BITS = new Int32Array(FLOAT64.buffer);

/** The number of an `fconst`; signalling NaNs arrive quiet. */
export function constantNumber(f: Emitter, value: number): number {
  const { func } = f;
  BITS[0] = func.imm[value];
  BITS[1] = func.aux[value];
  return func.type[value] === F32 ? FLOAT32[0] : FLOAT64[0];
}

// A constant of a float type; NONE for NaN.
function numberConstant(f: Emitter, type: Type, value: number): number {
  if (value !== value) return NONE;
  if (type === F32) {
    FLOAT32[0] = value;
    return f.fconst32(BITS[0]);
  }
  FLOAT64[0] = value;
  return f.fconst64(BITS[0], BITS[1]);
}

function isFloatConst(f: Emitter, value: number): boolean {
  return f.func.op[value] === Ir.fconst;
}

function arithmetic(compute: (a: number, b: number) => number): FoldRule {
  return (f, type, a, b) => {
    if (!isFloatConst(f, a) || !isFloatConst(f, b)) return NONE;
    return numberConstant(f, type, compute(constantNumber(f, a), constantNumber(f, b)));
  };
}

function rounding(compute: (a: number) => number): FoldRule {
  return (f, type, a) => isFloatConst(f, a) ? numberConstant(f, type, compute(constantNumber(f, a))) : NONE;
}

const divide = arithmetic((a, b) => a / b);

// x / 2^k is x * 2^-k where both powers are normal numbers.
const fdiv: FoldRule = (f, type, a, b, c, imm, aux) => {
  const folded = divide(f, type, a, b, c, imm, aux);
  if (folded !== NONE || !isFloatConst(f, b)) return folded;
  const { func } = f;
  const top = type === F32 ? func.imm[b] : func.aux[b];
  const mantissaBits = type === F32 ? 23 : 20;
  const isPower = (top & ((1 << mantissaBits) - 1)) === 0 && (type === F32 || func.imm[b] === 0);
  const bias = type === F32 ? 127 : 1023;
  const exponent = (top & 0x7fffffff) >>> mantissaBits;
  if (!isPower || exponent === 0 || exponent >= 2 * bias) return NONE; // zero, subnormal, or a subnormal reciprocal, infinity
  return f.emit(Ir.fmul, type, a, numberConstant(f, type, 1 / constantNumber(f, b)), NONE, 0, 0);
};

/** Rounds to the nearest integer, ties to even, and keeps the sign of zero. */
function nearest(x: number): number {
  const magnitude = Math.abs(x);
  if (!(magnitude < 4503599627370496)) return x; // 2^52: integral from here on; NaN
  const rounded = magnitude + 4503599627370496 - 4503599627370496;
  return x < 0 || Object.is(x, -0) ? -rounded : rounded;
}

// Sign bit operations are exact on bits, NaNs included.
function sign(op: IrOp, change: (top: number) => number): FoldRule {
  return (f, type, a) => {
    const { func } = f;
    if (isFloatConst(f, a)) {
      return type === F32 ? f.fconst32(change(func.imm[a])) : f.fconst64(func.imm[a], change(func.aux[a]));
    }
    const inner = func.op[a];
    if (inner === Ir.fneg) {
      const x = func.resolve(func.a[a]);
      return op === Ir.fneg ? x : f.emit(op, type, x, NONE, NONE, 0, 0);
    }
    if (op === Ir.fabs && inner === Ir.fabs) return a;
    return op === Ir.fabs && inner === Ir.fcopysign
      ? f.emit(op, type, func.resolve(func.a[a]), NONE, NONE, 0, 0)
      : NONE;
  };
}

const fcopysign: FoldRule = (f, type, a, b) => {
  const { func } = f;
  if (a === b) return a;
  if (!isFloatConst(f, b)) return NONE;
  const top = type === F32 ? func.imm[b] : func.aux[b];
  const magnitude = f.emit(Ir.fabs, type, a, NONE, NONE, 0, 0);
  return top < 0 ? f.emit(Ir.fneg, type, magnitude, NONE, NONE, 0, 0) : magnitude;
};

// Integer to float. f32 results fold only when the integer is exact as a double, so that rounding happens once.
function fromInt(signedness: "signed" | "unsigned"): FoldRule {
  return (f, type, a) => {
    const { func } = f;
    if (func.op[a] !== Ir.iconst) return NONE;
    const lo = func.imm[a];
    const isSigned = signedness === "signed";
    let value: number;
    if (func.type[a] === I32) value = isSigned ? lo : lo >>> 0;
    else {
      const hi = isSigned ? func.aux[a] : func.aux[a] >>> 0;
      value = hi * 4294967296 + (lo >>> 0);
      if (type === F32 && Math.abs(value) >= 9007199254740992) return NONE;
    }
    return numberConstant(f, type, value);
  };
}

// Float to integer; `saturate` gives a result to every number, else those that trap stay.
function toInt(signedness: "signed" | "unsigned", range: "trap" | "saturate"): FoldRule {
  return (f, type, a) => {
    if (!isFloatConst(f, a)) return NONE;
    const bits = type === I32 ? 32 : 64;
    const low = signedness === "signed" ? -(2 ** (bits - 1)) : 0;
    const high = signedness === "signed" ? 2 ** (bits - 1) : 2 ** bits; // one too many
    const value = Math.trunc(constantNumber(f, a));
    if (value >= low && value < high) {
      const hi = Math.floor(value / 4294967296);
      return f.iconst(type, value - hi * 4294967296, hi);
    }
    if (range === "trap") return NONE;
    if (value !== value || value < low && signedness === "unsigned") return f.iconst(type, 0, 0);
    const isLow = value < low;
    if (signedness === "unsigned") return f.iconst(type, -1, -1);
    if (type === I32) return f.iconst32(isLow ? 0x80000000 : 0x7fffffff);
    return isLow ? f.iconst64(0, 0x80000000) : f.iconst64(-1, 0x7fffffff);
  };
}

const bitcast: FoldRule = (f, type, a) => {
  const { func } = f;
  if (type !== ADDR) {
    const isFloat = type === F32 || type === F64;
    const op = func.op[a];
    if ((op === Ir.iconst && isFloat || op === Ir.fconst && !isFloat) && func.type[a] !== ADDR) {
      return f.append(isFloat ? Ir.fconst : Ir.iconst, type, NONE, NONE, NONE, func.imm[a], func.aux[a]);
    }
    if (op === Ir.iconst && (type === REF || func.type[a] === REF)) return f.iconst(type, func.imm[a], 0);
  }
  // Never to an address: the integer between may live across a call, the address may not (ADDR-1).
  if (func.op[a] !== Ir.bitcast || type === ADDR) return NONE;
  const inner = func.resolve(func.a[a]);
  return func.type[inner] === type ? inner : NONE;
};

/** Rules by operation name. */
export const FLOAT_RULES = {
  fadd: arithmetic((a, b) => a + b),
  fsub: arithmetic((a, b) => a - b),
  fmul: arithmetic((a, b) => a * b),
  fdiv,
  fmin: arithmetic(Math.min),
  fmax: arithmetic(Math.max),
  fcopysign,
  fneg: sign(Ir.fneg, (top) => top ^ 0x80000000),
  fabs: sign(Ir.fabs, (top) => top & 0x7fffffff),
  fsqrt: rounding(Math.sqrt),
  fceil: rounding(Math.ceil),
  ffloor: rounding(Math.floor),
  ftrunc: rounding(Math.trunc),
  fnearest: rounding(nearest),
  fpromote: rounding((x) => x),
  fdemote: rounding((x) => x),
  fcvt_from_sint: fromInt("signed"),
  fcvt_from_uint: fromInt("unsigned"),
  fcvt_to_sint: toInt("signed", "trap"),
  fcvt_to_uint: toInt("unsigned", "trap"),
  fcvt_to_sint_sat: toInt("signed", "saturate"),
  fcvt_to_uint_sat: toInt("unsigned", "saturate"),
  bitcast,
} as const;
