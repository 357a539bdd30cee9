/** Folding rules of comparisons and of what tests a condition: select, trap_if, trap_unless. */

import { NONE } from "../../base/mod.ts";
import type { Emitter } from "../emitter.ts";
import { FloatCond, INT_COND_SWAPPED, IntCond, Ir } from "../ops.ts";
import { I32, VOID } from "../types.ts";
import { invert, isBoolean, isConst, isInt, isZero } from "./fold_int.ts";
import { constantNumber } from "./fold_float.ts";
import { isBelow64, isLess64, R, sub64 } from "./int64.ts";
import { DROPPED, type FoldRule } from "./rule.ts";

function compareConstants(cond: number, aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  switch (cond & ~1) {
    case IntCond.eq:
      return (aLo === bLo && aHi === bHi) !== ((cond & 1) === 1);
    case IntCond.slt:
      return isLess64(aLo, aHi, bLo, bHi) !== ((cond & 1) === 1);
    case IntCond.sgt:
      return isLess64(bLo, bHi, aLo, aHi) !== ((cond & 1) === 1);
    case IntCond.ult:
      return isBelow64(aLo, aHi, bLo, bHi) !== ((cond & 1) === 1);
    default:
      return isBelow64(bLo, bHi, aLo, aHi) !== ((cond & 1) === 1);
  }
}

// Whether x cond x holds, by condition.
const REFLEXIVE = new Uint8Array([1, 0, 0, 1, 0, 1, 0, 1, 0, 1]);
// The unsigned condition that agrees with a signed one on non-negative numbers.
const UNSIGNED = new Uint8Array([0, 1, 6, 7, 8, 9, 6, 7, 8, 9]);

const icmp: FoldRule = (f, _type, a, b, _c, cond) => {
  const { func } = f;
  if (isConst(f, a)) {
    if (!isConst(f, b)) return f.emit(Ir.icmp, I32, b, a, NONE, INT_COND_SWAPPED[cond], 0);
    // The halves of an i32 as those of its sign extension: order agrees in both interpretations.
    const isNarrow = func.type[a] === I32;
    const aHi = isNarrow ? func.imm[a] >> 31 : func.aux[a];
    const bHi = isNarrow ? func.imm[b] >> 31 : func.aux[b];
    return f.iconst32(compareConstants(cond, func.imm[a], aHi, func.imm[b], bHi) ? 1 : 0);
  }
  if (a === b) return f.iconst32(REFLEXIVE[cond]);
  if (isConst(f, b)) {
    const folded = cond <= IntCond.ne ? equalConstant(f, cond, a, b) : orderConstant(f, cond, a, b);
    return folded !== NONE ? folded : extendedConstant(f, cond, a, b);
  }
  const op = func.op[a];
  if (op === func.op[b] && (op === Ir.uextend || op === Ir.sextend)) {
    const narrow = op === Ir.uextend ? UNSIGNED[cond] : cond;
    return f.emit(Ir.icmp, I32, func.resolve(func.a[a]), func.resolve(func.a[b]), NONE, narrow, 0);
  }
  return NONE;
};

// x == constant, x != constant
function equalConstant(f: Emitter, cond: number, a: number, b: number): number {
  const { func } = f;
  if (isBoolean(f, a) && (isInt(f, b, 0) || isInt(f, b, 1))) {
    // Equal to one or not equal to zero: the comparison itself.
    return isInt(f, b, 1) === (cond === IntCond.eq) ? a : invert(f, a);
  }
  const op = func.op[a];
  if (op === Ir.iadd) {
    const addend = func.resolve(func.b[a]);
    if (isConst(f, addend)) {
      sub64(func.imm[b], func.aux[b], func.imm[addend], func.aux[addend]);
      return f.emit(Ir.icmp, I32, func.resolve(func.a[a]), f.iconst(func.type[b], R.lo, R.hi), NONE, cond, 0);
    }
  }
  if ((op === Ir.isub || op === Ir.bxor) && isZero(f, b)) {
    return f.emit(Ir.icmp, I32, func.resolve(func.a[a]), func.resolve(func.b[a]), NONE, cond, 0);
  }
  return NONE;
}

// Order against the ends of the unsigned range.
function orderConstant(f: Emitter, cond: number, a: number, b: number): number {
  if (isZero(f, b)) {
    if (cond === IntCond.ult) return f.iconst32(0);
    if (cond === IntCond.uge) return f.iconst32(1);
    if (cond === IntCond.ugt) return f.emit(Ir.icmp, I32, a, b, NONE, IntCond.ne, 0);
    if (cond === IntCond.ule) return f.emit(Ir.icmp, I32, a, b, NONE, IntCond.eq, 0);
  } else if (isInt(f, b, -1)) {
    if (cond === IntCond.ugt) return f.iconst32(0);
    if (cond === IntCond.ule) return f.iconst32(1);
  } else if (isInt(f, b, 1) && (cond === IntCond.ult || cond === IntCond.uge)) {
    const zero = f.iconst(f.func.type[b], 0, 0);
    return f.emit(Ir.icmp, I32, a, zero, NONE, cond === IntCond.ult ? IntCond.eq : IntCond.ne, 0);
  }
  return NONE;
}

// An extended i32 against an i64 constant that an i32 can hold: compares in 32 bits.
function extendedConstant(f: Emitter, cond: number, a: number, b: number): number {
  const { func } = f;
  const op = func.op[a];
  const lo = func.imm[b];
  if (op === Ir.uextend && func.aux[b] === 0) {
    return f.emit(Ir.icmp, I32, func.resolve(func.a[a]), f.iconst32(lo), NONE, UNSIGNED[cond], 0);
  }
  if (op === Ir.sextend && func.aux[b] === lo >> 31) {
    return f.emit(Ir.icmp, I32, func.resolve(func.a[a]), f.iconst32(lo), NONE, cond, 0);
  }
  return NONE;
}

const fcmp: FoldRule = (f, _type, a, b, _c, cond) => {
  if (f.func.op[a] !== Ir.fconst || f.func.op[b] !== Ir.fconst) return NONE;
  const x = constantNumber(f, a);
  const y = constantNumber(f, b);
  switch (cond) {
    case FloatCond.eq:
      return f.iconst32(x === y ? 1 : 0);
    case FloatCond.ne:
      return f.iconst32(x !== y ? 1 : 0);
    case FloatCond.lt:
      return f.iconst32(x < y ? 1 : 0);
    case FloatCond.gt:
      return f.iconst32(x > y ? 1 : 0);
    case FloatCond.le:
      return f.iconst32(x <= y ? 1 : 0);
    default:
      return f.iconst32(x >= y ? 1 : 0);
  }
};

/** What a condition says about its operand a, an i32: that it equals zero, that it does not, or something else. */
export function zeroTest(f: Emitter, condition: number): "equal" | "not equal" | "none" {
  const { func } = f;
  if (func.op[condition] !== Ir.icmp || func.imm[condition] > IntCond.ne) return "none";
  const zero = func.resolve(func.b[condition]);
  if (func.type[zero] !== I32 || !isZero(f, zero)) return "none";
  return func.imm[condition] === IntCond.eq ? "equal" : "not equal";
}

const select: FoldRule = (f, type, a, b, c) => {
  const { func } = f;
  if (isConst(f, a)) return func.imm[a] !== 0 ? b : c;
  if (b === c) return b;
  const test = zeroTest(f, a);
  if (test === "equal") return f.emit(Ir.select, type, func.resolve(func.a[a]), c, b, 0, 0);
  if (test === "not equal") return f.emit(Ir.select, type, func.resolve(func.a[a]), b, c, 0, 0);
  if (type !== I32 || !isConst(f, b) || !isConst(f, c)) return NONE;
  const whenTrue = func.imm[b];
  const whenFalse = func.imm[c];
  if (whenTrue === 1 && whenFalse === 0) return isBoolean(f, a) ? a : f.emit(Ir.icmp, I32, a, c, NONE, IntCond.ne, 0);
  if (whenTrue === 0 && whenFalse === 1) return f.emit(Ir.icmp, I32, a, b, NONE, IntCond.eq, 0);
  return NONE;
};

// A constant that always traps stays: what follows it is for the client to drop.
const trapIf: FoldRule = (f, _type, a, _b, _c, trapCode) => {
  if (isZero(f, a)) return DROPPED;
  const test = zeroTest(f, a);
  if (test === "none") return NONE;
  const tested = f.func.resolve(f.func.a[a]);
  return f.emit(test === "equal" ? Ir.trap_unless : Ir.trap_if, VOID, tested, NONE, NONE, trapCode, 0);
};

const trapUnless: FoldRule = (f, _type, a, _b, _c, trapCode) => {
  if (isConst(f, a) && f.func.imm[a] !== 0) return DROPPED;
  const test = zeroTest(f, a);
  if (test === "none") return NONE;
  const tested = f.func.resolve(f.func.a[a]);
  return f.emit(test === "equal" ? Ir.trap_if : Ir.trap_unless, VOID, tested, NONE, NONE, trapCode, 0);
};

/** Rules by operation name. */
export const COMPARE_RULES = { icmp, fcmp, select, trap_if: trapIf, trap_unless: trapUnless } as const;
